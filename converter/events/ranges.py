"""Range and conditional requests (RFC 9110) as on S3: `If-Match`, `If-None-Match`, `Range` and `If-Range`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from converter.storage import Stored

CHUNK = 64 * 1024
_RANGE = re.compile(r"bytes=(\d{0,100})-(\d{0,100})", re.ASCII | re.IGNORECASE)


def ranged(request: HttpRequest, response: FileResponse, file: IO[bytes], stored: Stored) -> HttpResponseBase:
    """Return the requested part of the file, or `response`, which sends all of it.

    Multiple ranges get the whole file, as on S3.
    """
    size, etag = stored.size, f'"{stored.etag}"'
    response["ETag"] = etag
    response["Accept-Ranges"] = "bytes"
    if not _names(request.headers.get("If-Match", "*"), etag, weak=False):
        return _without_body(response, file, 412)
    if _names(request.headers.get("If-None-Match", ""), etag, weak=True):
        return _without_body(response, file, 304)
    found = _RANGE.fullmatch(request.headers.get("Range", "").replace(" ", ""))
    if found is None or not (found[1] or found[2]) or request.headers.get("If-Range", etag) != etag:
        return response
    first, last = _bounds(found[1], found[2], size)
    if first > last:
        if found[1] and found[2] and int(found[1]) > int(found[2]):
            return response  # an invalid range (RFC 9110, 14.1.1) is ignored
        unsatisfiable = _without_body(response, file, 416)
        unsatisfiable["Content-Range"] = f"bytes */{size}"
        return unsatisfiable
    return _part(response, file, first, last, size)


def _bounds(start: str, end: str, size: int) -> tuple[int, int]:
    """Return the first and last byte; first > last if there is nothing to send."""
    if not start:  # a suffix range: the last bytes
        return (max(0, size - int(end)), size - 1) if int(end) else (size, size - 1)
    return int(start), min(int(end), size - 1) if end else size - 1


def _names(header: str, etag: str, *, weak: bool) -> bool:
    """Return whether the header lists the tag, by strong or `weak` comparison (RFC 9110, 8.8.3.2)."""
    tags = {tag.strip() for tag in header.split(",")}
    return bool(tags & {etag, "*"}) or (weak and f"W/{etag}" in tags)


def _part(response: FileResponse, file: IO[bytes], first: int, last: int, size: int) -> StreamingHttpResponse:
    part = StreamingHttpResponse(_read(file, first, last + 1 - first), status=206)
    # Like Django's FileResponse: the file is closed with the response, read or not.
    part._resource_closers.append(file.close)  # type: ignore[attr-defined]
    _take_headers(part, response)
    part["Content-Length"] = str(last + 1 - first)
    part["Content-Range"] = f"bytes {first}-{last}/{size}"
    return part


def _read(file: IO[bytes], start: int, length: int) -> Iterator[bytes]:
    file.seek(start)
    while length > 0 and (chunk := file.read(min(CHUNK, length))):
        length -= len(chunk)
        yield chunk


def _without_body(response: FileResponse, file: IO[bytes], status: int) -> HttpResponse:
    empty = HttpResponse(status=status)
    _take_headers(empty, response)
    for name in ("Content-Length", "Content-Type", "Content-Disposition"):
        del empty[name]
    if status >= 400:
        empty["Cache-Control"] = "no-store"  # never cache an error under the link
    file.close()  # closing the response would end the request
    return empty


def _take_headers(to: HttpResponseBase, response: FileResponse) -> None:
    for name, value in response.items():
        to[name] = value
