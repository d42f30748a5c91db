"""A strict request parser: it checks the content type, and rejects repeated values where one is expected."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja.parser import Parser

from converter import engine
from converter.api.problems import Problem, invalid_parameters
from converter.engine import strict_json

TEXT_FILES = ("recipe",)  # text fields that may be sent as a file, as with `curl -F recipe=@recipe.json`


class StrictParser(Parser):
    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        if data is request.GET:
            _check_once(data, list_fields)
            return self._fields(data, list_fields, request)
        if request.content_type != "multipart/form-data":
            raise Problem("unsupported_media_type", kind="expected", type="multipart/form-data")
        _check_encoding(request)
        texts = _texts(request) if data is request.POST else {}
        return {**texts, **self._fields(data, list_fields, request)}

    def _fields(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        fields: dict[str, Any] = super().parse_querydict(data, list_fields, request)
        return fields

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if request.content_type != "application/json":
            raise Problem("unsupported_media_type", kind="expected", type="application/json")
        _check_encoding(request)
        # Windows programs write a byte order mark, which parsers may ignore (RFC 8259, 8.1).
        body: dict[str, Any] = strict_json.loads(request.body.decode("utf-8-sig"))
        return body


def _check_once(query: MultiValueDict[str, Any], list_fields: list[str]) -> None:
    """Reject repeated parameters that take one value: all but the last would be silently ignored."""
    repeated = {
        name: engine.Message("field_repeated", {"name": name})
        for name, values in query.lists()
        if len(values) > 1 and name not in list_fields
    }
    if repeated:
        raise invalid_parameters(repeated)


def _texts(request: HttpRequest) -> dict[str, str]:
    files = {name: file for name in TEXT_FILES if isinstance(file := request.FILES.get(name), UploadedFile)}
    for file in files.values():
        if (file.size or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:  # same limit as for a field
            raise RequestDataTooBig
    # Bytes that are not UTF-8 are not JSON either: parsing reports them later.
    return {name: file.read().decode("utf-8-sig", "surrogateescape") for name, file in files.items()}


def _check_encoding(request: HttpRequest) -> None:
    """Reject a compressed body as RFC 9110, 15.5.16 specifies, since it would be reported as malformed."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem("unsupported_media_type", kind="encoding", headers={"Accept-Encoding": "identity"})
