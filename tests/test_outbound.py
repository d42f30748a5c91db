from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from converter import outbound
from converter.outbound import FetchError
from tests.receiver import Receiver, receiver

HOME = ["127.0.0.1/32"]


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


def get(url: str, allowed: list[str] | None = None, **options: Any) -> outbound.Answer:
    options = {"seconds": 20, "most_bytes": 1000, **options}
    return outbound.request("GET", url, allowed=allowed or [], **options)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::",
        "192.0.0.192", "::ffff:192.0.0.192", "168.63.129.16", "192.88.99.1", "fec0::1", "3fff::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_not_allowed(address: str) -> None:
    assert not outbound.is_permitted(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address: str) -> None:
    assert outbound.is_permitted(address)


def test_a_network_may_be_allowed() -> None:
    assert outbound.is_permitted("192.168.1.7", ["192.168.1.0/24"])
    assert not outbound.is_permitted("192.168.2.7", ["192.168.1.0/24", "fd00::/8"])


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_this_machine_is_not_reached_in_any_spelling(server: Receiver, host: str) -> None:
    port = server.url.rpartition(":")[2]
    with pytest.raises(FetchError):
        get(f"http://{host}:{port}/")
    assert server.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "file://localhost/secret", "//example.org", "example.org", "", "http://", "http://:80/",
        "http://user:pw@example.org/", "http://example.org:99999/", "http://exa mple.org/", "http://example.org/\r\nX: 1",
        "http://[::1", "http://" + "a" * 70 + ".org/",
    ],
)  # fmt: skip
def test_an_invalid_url_is_refused(url: str) -> None:
    with pytest.raises(FetchError):
        outbound.parts(url)


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        *((f"http://{host}/", "not_public") for host in (
            "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "0", "localhost", "a.localhost", "LOCALHOST",
            "169.254.169.254", "10.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "[fe80::1%25eth0]", "①②⑦.⓪.⓪.①",
        )),
        ("http://example.org:22/", "port"),
        ("http://8.8.8.8:22/", "port"),
        ("http://example.org:0/", "port"),
        ("ftp://example.org/", "scheme"),
        ("example.org/a.jpg", "scheme"),
        ("http://exa mple.org/", "not_an_address"),
        ("http://example.org/\n", "not_an_address"),
        ("https://", "not_an_address"),
    ],
)  # fmt: skip
def test_an_url_that_needs_no_lookup_is_refused_immediately(
    url: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: pytest.fail("looked up"))
    with pytest.raises(FetchError) as raised:
        outbound.check(url)
    assert raised.value.message.params["kind"] == kind


@pytest.mark.parametrize("url", ["HTTP://example.org/", "https://8.8.8.8/", "http://[2606:4700::1]:8080/"])
def test_an_allowed_url_is_not_refused_before_the_lookup(url: str) -> None:
    outbound.check(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost", "receiver.home"])
def test_an_allowed_network_is_allowed_on_any_port(host: str) -> None:
    outbound.check(f"http://{host}:5000/", HOME)


def test_a_response_is_returned(server: Receiver) -> None:
    server.answers["/a%20b?q=%C3%A9"] = (200, {}, b"hello")
    answer = get(f"{server.url}/a b?q=é".replace(" ", "%20"), HOME)
    assert (answer.status, answer.body) == (200, b"hello")
    assert server.asked[0].headers["Host"] == server.url.removeprefix("http://")


def test_redirects_are_followed_and_each_is_checked(server: Receiver) -> None:
    server.answers["/here"] = (302, {"Location": "/there"}, b"")
    server.answers["/there"] = (200, {}, b"found")
    answer = get(f"{server.url}/here", HOME)
    assert (answer.status, answer.body, answer.url) == (200, b"found", f"{server.url}/there")

    port = server.url.rpartition(":")[2]
    for target in (
        f"http://127.0.0.2:{port}/there",
        "http://169.254.169.254/latest/",
        "file://localhost/secret",
    ):
        server.answers["/here"] = (302, {"Location": target}, b"")
        with pytest.raises(FetchError):
            get(f"{server.url}/here", HOME)
    assert [asked.path for asked in server.asked] == ["/here", "/there", "/here", "/here", "/here"]


def test_a_circle_of_redirects_ends(server: Receiver) -> None:
    server.answers["/"] = (302, {"Location": "/"}, b"")
    with pytest.raises(FetchError, match="too many times"):
        get(f"{server.url}/", HOME)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_data_is_not_sent_to_another_address(server: Receiver, status: int) -> None:
    server.answers["/here"] = (status, {"Location": "/there"}, b"")
    answer = outbound.request(
        "POST", f"{server.url}/here", body=b"x", seconds=20, most_bytes=10, allowed=HOME
    )
    assert answer.status == status
    assert [asked.path for asked in server.asked] == ["/here"]


def test_a_name_is_looked_up_once_and_the_checked_address_is_used(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(server.url.rpartition(":")[2])
    lookups = []

    def rebind(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        lookups.append(host)
        address = "127.0.0.1" if len(lookups) == 1 else "10.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    assert get(f"http://rebinding.example:{port}/", HOME).status == 200
    assert lookups == ["rebinding.example"]
    with pytest.raises(FetchError):
        get(f"http://rebinding.example:{port}/", HOME)


@pytest.mark.parametrize("port", [22, 25, 3306, 5432, 6379, 8000, 65535])
def test_only_the_ports_of_the_web_are_reached(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    with pytest.raises(FetchError, match="Only ports 80, 443, 8080 and 8443"):
        get(f"http://example.org:{port}/")


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    with pytest.raises(FetchError, match="public internet"):
        get("http://both.example/")


def test_a_body_that_is_too_large_is_refused_or_cut(server: Receiver) -> None:
    server.answers["/"] = (200, {}, b"x" * 1001)
    with pytest.raises(FetchError, match="larger than"):
        get(f"{server.url}/", HOME)
    assert len(get(f"{server.url}/", HOME, cut=True).body) == 1000
    server.answers["/"] = (200, {}, b"x" * 1000)
    assert len(get(f"{server.url}/", HOME).body) == 1000


def test_a_length_above_the_limit_is_refused_before_the_body_arrives(server: Receiver) -> None:
    server.answers["/"] = (200, {"Content-Length": "1001"}, b"")
    with pytest.raises(FetchError, match="larger than"):
        get(f"{server.url}/", HOME)


@pytest.mark.long
def test_a_server_that_does_not_respond_times_out(server: Receiver) -> None:
    with pytest.raises(FetchError, match="too long"):
        get(f"{server.url}/slow", HOME, seconds=0.2)


@contextmanager
def dripping(begin: bytes, drop: bytes) -> Iterator[str]:
    """Yield the URL of a response that continues byte by byte for longer than any client would wait."""
    left = threading.Event()

    def answer() -> None:
        with suppress(OSError), listening.accept()[0] as connection:
            connection.recv(1000)
            connection.sendall(begin)
            for _ in range(400):
                if left.wait(0.02):
                    return
                connection.sendall(drop)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        finally:
            left.set()
            thread.join()


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.long
@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (OK, b"a: b\r\n"),
        (OK + b"a: ", b"b"),
        (OK + b"Content-Length: 900\r\n\r\n", b"x"),
        (OK + b"Connection: close\r\n\r\n", b"x"),
        (b"HTTP/1.0 200 OK\r\n\r\n", b"x"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n"),
    ],
    ids=["continue", "headers", "header", "length", "close", "old", "chunks", "extension", "trailers"],
)
def test_a_server_that_responds_too_slowly_times_out_too(begin: bytes, drop: bytes) -> None:
    with dripping(begin, drop) as url, pytest.raises(FetchError, match="too long"):
        get(url, HOME, seconds=0.2)


@pytest.mark.long
def test_an_endless_response_is_accepted_if_its_start_is_enough() -> None:
    with dripping(OK + b"Content-Length: 900\r\n\r\n", b"x") as url:
        answer = get(url, HOME, seconds=1, cut=True)  # time limit for the first bytes
    assert answer.status == 200
    assert set(answer.body) <= {ord("x")}


def test_an_interrupted_response_is_an_error(server: Receiver) -> None:
    server.answers["/"] = (200, {"Content-Length": "10", "Connection": "close"}, b"half")
    with pytest.raises(FetchError, match="interrupted"):
        get(f"{server.url}/", HOME)
    assert get(f"{server.url}/", HOME, cut=True).body == b"half"


@pytest.mark.parametrize("location", ["http://[", "http://[::1", "//[x]/"])
def test_a_redirect_to_an_invalid_url_is_reported(server: Receiver, location: str) -> None:
    server.answers["/"] = (302, {"Location": location}, b"")
    with pytest.raises(FetchError, match="not a URL"):
        get(f"{server.url}/", HOME)


def test_a_host_that_does_not_exist_or_listen_is_reported(server: Receiver) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(FetchError, match="interrupted"):
            get(f"http://127.0.0.1:{taken.getsockname()[1]}/", HOME)
    with pytest.raises(FetchError):
        get("http://nowhere.invalid/")


def test_a_plain_server_is_not_taken_for_an_encrypted_one(server: Receiver) -> None:
    with pytest.raises(FetchError, match="certificate"):
        get(server.url.replace("http:", "https:"), HOME)
