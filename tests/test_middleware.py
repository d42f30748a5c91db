"""Middleware, tested through the WSGI application as a server calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import Client, RequestFactory

from imagesite import middleware

pytestmark = pytest.mark.django_db


def answer(method: str, path: str) -> tuple[dict[str, str], bytes]:
    said: dict[str, str] = {}

    def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        said.update(headers, status=status)
        return len

    environ = RequestFactory(headers={"Host": "localhost"}).generic(method, path).environ
    response = get_wsgi_application()(environ, start)
    content = b"".join(response)
    response.close()
    return said, content


@pytest.mark.parametrize(
    "path",
    ["/formats/", pytest.param("/api/v1/openapi.json", marks=pytest.mark.long), "/healthz", "/nothing"],
)
def test_a_head_has_no_body_and_is_else_as_what_is_got(path: str) -> None:
    got, head = answer("GET", path), answer("HEAD", path)
    assert got[1]
    assert head[1] == b""
    assert head[0]["status"] == got[0]["status"]
    assert head[0]["Content-Type"] == got[0]["Content-Type"]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip", "gzip"),
        ("br, gzip;q=0.5", "gzip"),
        ("gzip;q=0", ""),
        ("GZIP; q=0.000, identity", ""),
        ("identity", ""),
    ],
)
def test_a_page_is_compressed_only_for_clients_that_accept_it(
    client: Client, accepted: str, encoding: str
) -> None:
    page = client.get("/formats/", headers={"Accept-Encoding": accepted})
    assert page.get("Content-Encoding", "") == encoding
    assert "Accept-Encoding" in page["Vary"]


@pytest.mark.parametrize(
    ("path", "counted"),
    [("/formats/", True), ("/api/v1/jobs/1?wait=20", False), ("/api/v1/convert", False)],
)
def test_a_slow_page_is_counted_and_a_call_that_waits_is_not(
    path: str,
    counted: bool,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.CONVERTER_METRICS, settings.CONVERTER_SERVICE = "imagesite", "web"
    monkeypatch.setattr(middleware, "SLOW_SECONDS", -1)
    answer("GET", path)
    assert ("SlowPages" in capsys.readouterr().out) is counted
