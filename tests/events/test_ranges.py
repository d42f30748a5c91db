"""Range requests on a home server, as in S3 and RFC 9110."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from converter import storage
from tests.conftest import streamed

pytestmark = pytest.mark.django_db

DATA = bytes(range(256)) * 1000


@pytest.fixture
def link() -> str:
    storage.results.put("results/a/b", io.BytesIO(DATA), filename="a.bin", content_type="image/webp")
    return storage.results.download_url(
        "results/a/b",
        filename="a.webp",
        content_type="image/webp",
        lifetime=timedelta(minutes=5),
        until=timezone.now() + timedelta(hours=1),
    )


@pytest.fixture
def get() -> Iterator[Any]:
    with ExitStack() as stack:

        def get(link: str, **headers: str) -> Any:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            response = Client().get(link, headers=named)
            stack.callback(response.close)  # like a server, whether or not the response was read
            return response

        yield get


def test_a_download_accepts_ranges(get: Any, link: str) -> None:
    response = get(link)
    assert (response.status_code, streamed(response)) == (200, DATA)
    assert response["Accept-Ranges"] == "bytes"
    assert response["ETag"].startswith('"')
    assert response["Content-Length"] == str(len(DATA))


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=100-299", slice(100, 300)),
        ("bytes=255000-", slice(255000, None)),
        ("bytes=-500", slice(-500, None)),
        ("bytes=-999999999", slice(None)),
        ("bytes=255999-99999999", slice(255999, None)),
        ("bytes=0-199999", slice(0, 200_000)),
        (f"bytes=10-{10**30}", slice(10, None)),
        ("Bytes=0-9", slice(0, 10)),
    ],
)
def test_a_part_is_sent_alone(get: Any, link: str, asked: str, part: slice) -> None:
    response = get(link, Range=asked)
    expected = DATA[part]
    assert (response.status_code, streamed(response)) == (206, expected)
    first = part.indices(len(DATA))[0]
    assert response["Content-Range"] == f"bytes {first}-{first + len(expected) - 1}/{len(DATA)}"
    assert response["Content-Length"] == str(len(expected))
    assert response["Content-Type"] == "image/webp"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert "a.webp" in response["Content-Disposition"]


@pytest.mark.parametrize("asked", ["bytes=256000-", "bytes=256000-256001", "bytes=-0"])
def test_a_range_beyond_the_end_is_refused(get: Any, link: str, asked: str) -> None:
    response = get(link, Range=asked)
    assert (response.status_code, response.content) == (416, b"")
    assert response["Content-Range"] == "bytes */256000"
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "asked",
    ["bytes=5-1", "bytes=0-1,5-6", "bytes=-", "bytes=a-b", "lines=1-2", "bytes=1", "0-1", "bytes=٣-٤"],
)
def test_other_ranges_return_the_whole_file(get: Any, link: str, asked: str) -> None:
    response = get(link, Range=asked)
    assert (response.status_code, streamed(response)) == (200, DATA)


def test_an_interrupted_download_resumes_only_with_the_same_file(get: Any, link: str) -> None:
    etag = get(link)["ETag"]
    assert get(link, Range="bytes=10-", If_Range=etag).status_code == 206
    storage.results.put("results/a/b", io.BytesIO(DATA[::-1]), filename="a.bin", content_type="image/webp")
    response = get(link, Range="bytes=10-", If_Range=etag)
    assert (response.status_code, streamed(response)) == (200, DATA[::-1])


def test_a_cached_file_is_not_sent_again(get: Any, link: str) -> None:
    etag = get(link)["ETag"]
    response = get(link, If_None_Match=f'"other", W/{etag}')
    assert (response.status_code, response.content, response["ETag"]) == (304, b"", etag)
    assert get(link, If_None_Match='"other"').status_code == 200


def test_a_file_is_sent_only_if_it_is_the_one_that_was_begun(get: Any, link: str) -> None:
    etag = get(link)["ETag"]
    for same in (etag, "*", f'"other", {etag}'):
        assert get(link, If_Match=same, Range="bytes=10-").status_code == 206
    for other in ('"other"', f"W/{etag}"):
        response = get(link, If_Match=other, Range="bytes=10-")
        assert (response.status_code, response.content, response["ETag"]) == (412, b"", etag)


def test_head_with_a_range_has_no_body(link: str) -> None:
    response: Any = Client().head(link, headers={"Range": "bytes=0-9"})
    assert (response.status_code, response["Content-Length"]) == (206, "10")
    assert streamed(response) == b""
    response.close()
