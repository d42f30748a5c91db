"""What is sent as a form, with an image in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from django.conf import settings
from django.http import HttpRequest
from ninja import UploadedFile

from converter import jobs
from converter.api.problems import Problem


def check_fields(request: HttpRequest, *known: str) -> None:
    """Refuse a name we do not know, and a second file: overlooked, `keep` misspelt would keep what nobody wants kept."""
    sent = [(name, len(data.getlist(name))) for data in (request.POST, request.FILES) for name in data]
    errors = [
        {"pointer": f"/{name}", "detail": "Send it once." if name in known else "There is no such field."}
        for name, times in sent
        if name not in known or times > 1
    ]
    if errors:
        detail = " ".join(f"{error['pointer']}: {error['detail']}" for error in errors)
        raise Problem("invalid_request", detail, errors=errors)


def small(file: UploadedFile) -> jobs.NewFile:
    """Return the file as one to submit, if it is not too large to be carried through the site."""
    if file.size is None or file.size > settings.CONVERTER_ONE_SHOT_BYTES:
        raise Problem(
            "body_too_large",
            f"An image sent this way may have {settings.CONVERTER_ONE_SHOT_BYTES} bytes. Submit a batch instead.",
        )
    return jobs.NewFile(file.name or "image", file.size)


@contextmanager
def pointing(places: Mapping[str, str]) -> Iterator[None]:
    """Let refusals point into the form that was sent, where they mean the batch that was made of it."""
    try:
        yield
    except jobs.InvalidSubmission as exc:
        for error in exc.errors:
            for of_batch, here in places.items():
                error["pointer"] = error["pointer"].replace(of_batch, here)
        raise
