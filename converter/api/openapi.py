"""The API as one object, described by OpenAPI 3.1 from the code that serves it."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.parser import Parser

from converter.api import schemas
from converter.api.problems import Problem
from converter.engine import FORMATS
from converter.problems import CONTENT_TYPE, ERRORS, title

ALWAYS = (400, 401, 403, 422, 429, 500, 503)


def problems(*statuses: int) -> dict[str, Any]:
    """Return, for `openapi_extra`, the problems an operation may return in addition to the common ones."""
    return {
        "responses": {status: {"$ref": f"#/components/responses/{status}"} for status in (*ALWAYS, *statuses)}
    }


def any_bytes(description: str) -> dict[str, Any]:
    """Return a response that is an image. Generators of clients take its bytes by the last of the types."""
    images = [format.mime for format in FORMATS.values() if format.encodes]
    content = {
        kind: {"schema": {"type": "string", "contentMediaType": kind}}
        for kind in (*images, "application/octet-stream")
    }
    return {"description": description, "content": content}


class StrictParser(Parser):
    """Accepts a body only in its declared type."""

    def parse_querydict(
        self, data: MultiValueDict[str, Any], list_fields: list[str], request: HttpRequest
    ) -> dict[str, Any]:
        if data is not request.GET and request.content_type != "multipart/form-data":
            raise Problem("unsupported_media_type", kind="expected", type="multipart/form-data")
        _check_encoding(request)
        fields: dict[str, Any] = super().parse_querydict(data, list_fields, request)
        return fields

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if request.content_type != "application/json":
            raise Problem("unsupported_media_type", kind="expected", type="application/json")
        _check_encoding(request)
        body: dict[str, Any] = parse_json(request.body.decode())
        return body


def _check_encoding(request: HttpRequest) -> None:
    """Refuse a compressed body by name, as RFC 9110, 15.5.16 asks for: it would be taken for a broken one."""
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem("unsupported_media_type", kind="encoding", headers={"Accept-Encoding": "identity"})


def parse_json(text: str) -> Any:
    """Return the value of a JSON text; ValueError if it is invalid, or holds text that a database cannot store."""
    try:
        value = json.loads(text, parse_constant=_refuse)
        _check_text(value)
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc
    return value


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value:
            raise ValueError("holds NUL")
        value.encode()  # UnicodeEncodeError is a ValueError: half of a surrogate pair
    elif isinstance(value, dict):
        for key, part in value.items():
            _check_text(key)
            _check_text(part)
    elif isinstance(value, list):
        for part in value:
            _check_text(part)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


class Api(NinjaAPI):
    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        components = schema["components"]
        problem = schemas.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        components["schemas"].update(problem.pop("$defs"))
        components["schemas"]["Problem"] = problem
        components["responses"] = _problem_responses()
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["summary"] = operation["summary"].capitalize()
                if "requestBody" in operation:
                    operation["responses"] |= problems(413, 415)["responses"]
                for parameter in operation["parameters"]:
                    parameter["schema"] = _not_null(parameter["schema"])
        return schema


def _problem_responses() -> dict[str, Any]:
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    titles: dict[int, list[str]] = {}
    for code, info in ERRORS.items():
        titles.setdefault(info.status, []).append(title(code))
    return {
        str(status): {"description": "; ".join(said), "content": content} for status, said in titles.items()
    }


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter, which is left out where a body would have null."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) != 1:
        return schema
    return {**{key: value for key, value in schema.items() if key != "anyOf"}, **choices[0]}
