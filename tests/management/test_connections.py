from __future__ import annotations

import inspect
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import requests
from django.urls import reverse
from waitress import wasyncore

from converter.management import connections, serving
from converter.management.connections import BODY_RATE, MOST
from converter.web.urls import urlpatterns
from imagesite.api import api

pytestmark = pytest.mark.long


class Disk(NamedTuple):
    free: int


@pytest.fixture
def url() -> Iterator[str]:
    with serving_at("") as url:
        yield url


@contextmanager
def serving_at(path: str) -> Iterator[str]:
    """Yield the URL of a server that echoes the request, with a limit of 10 MB per file."""

    def echo(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        if environ["PATH_INFO"] == "/began":
            return [str(environ["converter.request_began"]).encode()]
        return [environ["wsgi.input"].read()[:100]]

    server = serving.create_server(
        echo, host="127.0.0.1", port=0, path=path, most_bytes=10_000_000, trusted=[], auth_header=""
    )
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            wasyncore.loop(0.05, use_poll=True, map=server._map, count=1)

    thread = threading.Thread(target=run)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    ended.set()
    thread.join(60)
    server.task_dispatcher.shutdown()
    wasyncore.close_all(server._map)


def connect(url: str, sent: bytes = b"") -> socket.socket:
    found = urlsplit(url)
    connection = socket.create_connection(("127.0.0.1", found.port or 0), 20)
    connection.sendall(sent)
    return connection


def is_closed(connection: socket.socket) -> bool:
    """Return whether the server closes the connection before its timeout."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n"])
def test_a_new_connection_replaces_the_oldest_idle_one(
    url: str, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connections, "MOST", 8)
    with ExitStack() as stack:
        idle = [stack.enter_context(connect(url, sent)) for _ in range(12)]
        assert requests.get(url, timeout=60).ok
        assert is_closed(idle[0])


def test_if_all_connections_are_sending_one_is_closed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 8)
    with ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(connect(url, b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n"))
        assert requests.get(url, timeout=60).ok


def test_sending_connections_are_kept_over_silent_ones(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MOST", 8)
    with ExitStack() as stack:
        sending = stack.enter_context(connect(url, b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\na"))
        for _ in range(12):
            stack.enter_context(connect(url))
        assert requests.get(url, timeout=60).ok
        sending.sendall(b"b")
        assert sending.makefile("rb").read().endswith(b"ab")


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\n", b"POST / HTTP/1.1\r\nContent-Length: 9999\r\n\r\nabc"]
)
def test_a_client_that_sends_too_slowly_is_dropped(
    url: str, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.1)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.1)
    with connect(url, sent) as slow:
        assert is_closed(slow)


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (b"POST /api/v1/batches HTTP/1.1\r\nContent-Length: 99000000\r\n\r\n", 413, "body_too_large"),
        (b"POST /api/v1/batches HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/9\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/1.1\r\nA: ".ljust(262_144, b"a"), 431, "headers_too_large"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "unknown_transfer_coding"),
    ],
    ids=["large body", "negative length", "version", "large headers", "transfer coding"],
)
def test_errors_of_the_server_are_problems_too(url: str, sent: bytes, status: int, code: str) -> None:
    with connect(url, sent) as connection:
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == str(status).encode()
    assert b"\r\nContent-Type: application/problem+json\r\n" in head
    problem = json.loads(body)
    assert (problem["status"], problem["code"]) == (status, code)
    assert f"\r\nContent-Length: {len(body)}\r\n".encode() in head


def test_errors_of_the_server_point_to_the_site_under_its_path() -> None:
    with serving_at("/images") as url, connect(url, b"GET / HTTP/9\r\n\r\n") as connection:
        problem = json.loads(connection.makefile("rb").read().partition(b"\r\n\r\n")[2])
    assert problem["type"] == "/images/problems/bad_request/"


def test_the_site_knows_when_a_request_began(url: str) -> None:
    start = time.time()
    with connect(url, b"POST /began HTTP/1.0\r\nContent-Length: 2\r\n\r\na") as slow:
        slow.sendall(b"b")
        began = float(slow.makefile("rb").read().rpartition(b"\r\n")[2])
    assert start - 0.1 <= began <= time.time()


def test_a_slow_line_is_fast_enough() -> None:
    # 100 MB in an hour and a half, at 150 kbit/s.
    assert BODY_RATE * 8 < 150_000
    assert MOST > 500


SIZE = 6_000_000


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/v1/convert", {"Authorization": "Bearer of-somebody"}, 200),
        ("/convert/", {"Cookie": "session=of-somebody"}, 200),
        ("/uploads", {}, 200),
        ("/api/v1/convert", {}, 413),
        ("/convert/", {}, 413),
        ("/healthz", {"Cookie": "session=of-somebody"}, 413),
        ("/api/v1/batches", {"Authorization": "Bearer of-somebody"}, 413),
        ("/../api/v1/convert", {"Authorization": "Bearer of-somebody"}, 413),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_body_is_accepted_only_for_uploads_and_from_known_users(
    url: str, path: str, headers: dict[str, str], status: int, chunked: bool
) -> None:
    lines = [
        f"POST {path} HTTP/1.1",
        "Connection: close",
        *(f"{key}: {value}" for key, value in headers.items()),
    ]
    lines.append("Transfer-Encoding: chunked" if chunked else f"Content-Length: {SIZE}")
    body = b"%x\r\n%s\r\n0\r\n\r\n" % (SIZE, bytes(SIZE)) if chunked else bytes(SIZE)
    with connect(url, "\r\n".join([*lines, "", ""]).encode()) as connection:
        if status == 200 or chunked:
            try:
                connection.sendall(body)
            except (BrokenPipeError, ConnectionResetError):
                assert status == 413  # rejected while it is sent
                return
        try:
            assert connection.recv(12) == f"HTTP/1.1 {status}".encode()
        except ConnectionResetError:
            assert status == 413


def test_incoming_bodies_leave_space_on_the_disk(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda path: Disk(free=10_000_000))
    head = b"POST /uploads HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n"
    with connect(url, head) as first:
        with connect(url, head) as second:
            refused = second.makefile("rb").read()
            assert b"507 Insufficient Storage" in refused
            assert b"Too many uploads are in progress." in refused
        assert requests.post(f"{url}/uploads", data=b"little", timeout=60).content == b"little"
        first.sendall(bytes(4_000_000))
        assert first.recv(12) == b"HTTP/1.1 200"


def _reads_files(view: Any) -> bool:
    """Return whether the view, or a function that it calls directly, reads `request.FILES`."""
    called = (view.__globals__.get(name) for name in view.__code__.co_names)
    return any(
        "request.FILES" in inspect.getsource(one) for one in (view, *called) if inspect.isfunction(one)
    )


def test_every_url_that_accepts_files_is_known() -> None:
    pages = {
        reverse(
            f"web:{one.name}",
            kwargs=dict.fromkeys(one.pattern.converters, "00000000-0000-0000-0000-000000000000"),
        )
        for one in urlpatterns
        if _reads_files(inspect.unwrap(one.callback))
    }
    assert len(pages) > 4
    calls = {
        path
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method in methods.values()
        if "multipart/form-data" in method.get("requestBody", {}).get("content", {})
    }
    assert len(calls) > 1
    for path in {*pages, *calls, reverse("local:upload")}:
        assert serving.FILES.fullmatch(path), path
