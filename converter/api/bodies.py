"""Checks of form requests that contain an image."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from django.conf import settings
from django.http import HttpRequest
from ninja import UploadedFile

from converter import engine, jobs
from converter.api.problems import Problem, invalid_request


def check_fields(request: HttpRequest, *known: str) -> None:
    """Reject unknown and repeated fields. Ignoring a misspelt `keep` would keep the image by mistake."""
    sent = Counter(
        name for data in (request.POST, request.FILES) for name in data for _ in data.getlist(name)
    )
    wrong = [
        engine.Problem(
            f"/{name}",
            engine.Message("field_repeated" if name in known else "field_unknown", {"name": name}),
        )
        for name, times in sent.items()
        if name not in known or times > 1
    ]
    if wrong:
        raise invalid_request(*wrong)


def small(file: UploadedFile) -> jobs.NewFile:
    """Return the file to submit. Raises Problem if it is too large to be sent through the site."""
    if file.size is None or file.size > settings.CONVERTER_ONE_SHOT_BYTES:
        raise Problem("body_too_large", kind="one_shot", most=settings.CONVERTER_ONE_SHOT_BYTES)
    return jobs.NewFile(file.name or "image", file.size)


@contextmanager
def pointing(places: Mapping[str, str]) -> Iterator[None]:
    """Translate the pointers of problems from the internal batch to the form that the client sent."""
    try:
        yield
    except jobs.InvalidSubmission as exc:
        exc.errors = [replace(error, pointer=_pointer(error.pointer, places)) for error in exc.errors]
        raise


def _pointer(pointer: str, places: Mapping[str, str]) -> str:
    for of_batch, here in places.items():
        pointer = pointer.replace(of_batch, here)
    return pointer
