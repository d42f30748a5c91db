"""At home behind a proxy that ends TLS."""

from __future__ import annotations

import signal
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.core import signing

from converter.management.serving import behind_proxies, networks
from converter.storage.folder import FORM_SALT
from tests.nginx import Nginx
from tests.server import Server
from tests.test_serve import eventually, submit

ME = "from django.contrib.auth import get_user_model as m; m().objects.create_user('alice@example.org', 'x')"


def heard(trusted: list[str], peer: str, **headers: str) -> dict[str, Any]:
    """Return what an application hears of a request from `peer`."""
    environ = {
        "REMOTE_ADDR": peer,
        "wsgi.url_scheme": "http",
        "SERVER_PORT": "8000",
        "HTTP_HOST": "localhost",
    }
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    said: dict[str, Any] = {}

    def application(got: dict[str, Any], start: Any) -> list[bytes]:
        said.update(got)
        return []

    behind_proxies(application, networks(trusted))(environ, lambda *_: None)
    return said


TOLD = {"x_forwarded_proto": "https", "x_forwarded_for": "203.0.113.9", "x_forwarded_host": "evil.example"}


@pytest.mark.parametrize(
    ("trusted", "peer"),
    [
        (["127.0.0.1", "::1"], "127.0.0.1"),
        (["127.0.0.1", "::1"], "::1"),
        (["172.16.0.0/12"], "172.18.0.3"),
        (["127.0.0.1"], "::ffff:127.0.0.1"),
    ],
)
def test_a_trusted_proxy_says_the_scheme_and_who_asks(trusted: list[str], peer: str) -> None:
    got = heard(trusted, peer, **TOLD)
    assert got["wsgi.url_scheme"] == "https"
    assert got["REMOTE_ADDR"] == "203.0.113.9"
    assert got["HTTP_HOST"] == "localhost"
    assert "HTTP_X_FORWARDED_HOST" not in got


def test_what_a_visitor_put_before_the_proxy_does_not_count() -> None:
    got = heard(["127.0.0.1"], "127.0.0.1", x_forwarded_for="198.51.100.1, 203.0.113.9")
    assert got["REMOTE_ADDR"] == "203.0.113.9"


@pytest.mark.parametrize(("trusted", "peer"), [(["127.0.0.1"], "10.0.0.7"), ([], "127.0.0.1")])
def test_what_others_forge_is_dropped(trusted: list[str], peer: str) -> None:
    got = heard(trusted, peer, **TOLD, forwarded="for=203.0.113.9;proto=https")
    assert got["wsgi.url_scheme"] == "http"
    assert got["REMOTE_ADDR"] == peer
    assert not {name for name in got if "FORWARDED" in name}


def test_a_proxy_that_is_no_address_is_refused() -> None:
    with pytest.raises(ValueError, match="proxy.example"):
        networks(["proxy.example"])


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[Server, Nginx, str]]:
    """A site with HTTPS on, the proxy before it, and a token of Alice's."""
    server = Server(tmp_path / "site")
    server.environment |= {"HTTPS": "1", "WORKERS": "1"}
    server.manage("migrate", "--verbosity", "0")
    server.manage("collectstatic", "--no-input", "--verbosity", "0")
    server.manage("shell", "-c", ME)
    token = server.manage("create_api_token", "alice@example.org").splitlines()[-1]
    server.start()
    proxy = Nginx(tmp_path / "nginx", urlsplit(server.url).netloc)
    yield server, proxy, token
    proxy.end()
    server.end(signal.SIGKILL)


@pytest.mark.system
def test_the_site_works_behind_tls(home: tuple[Server, Nginx, str]) -> None:
    server, proxy, token = home
    with requests.Session() as visitor:
        visitor.verify, visitor.trust_env = str(proxy.certificate), False
        page = visitor.get(f"{proxy.url}/accounts/login/", timeout=10)
        assert (page.status_code, page.history) == (200, [])
        assert page.headers["Strict-Transport-Security"]
        cookie = next(cookie for cookie in visitor.cookies if cookie.name == "csrftoken")
        assert cookie.secure
        sent = {"csrfmiddlewaretoken": cookie.value, "username": "alice@example.org", "password": "x"}
        entered = visitor.post(page.url, sent, headers={"Referer": page.url}, timeout=10)
        assert entered.url == f"{proxy.url}/convert/"
        assert all(cookie.secure for cookie in visitor.cookies)

    with requests.Session() as program:
        program.verify, program.trust_env = str(proxy.certificate), False
        program.headers["Authorization"] = f"Bearer {token}"
        at_proxy = Server(server.data)
        at_proxy.url = proxy.url
        batch = submit(at_proxy, program, 1)
        address = f"{proxy.url}/api/v1/batches/{batch}"
        assert eventually(60, lambda: program.get(address, timeout=10).json()["status"] == "finished")
        share = program.post(f"{address}/shares", json={}, timeout=10)
        assert share.json()["url"].startswith(f"{proxy.url}/")

    plain = requests.get(f"{server.url}/accounts/login/", allow_redirects=False, timeout=10)
    assert plain.headers["Location"].startswith("https://")
    assert requests.get(f"{server.url}/healthz", timeout=10).ok

    assert _send_slowly(proxy, server) == 201


def _send_slowly(proxy: Nginx, server: Server) -> int:
    """Begin to send a file while its form is good, end after; return the status."""
    body, boundary = b"", "b" * 30
    key, expires = "uploads/someone/something/x.jpg", int(time.time()) + 2
    secret = (server.data / "secret_key").read_text()
    policy = signing.dumps({"key": key, "max": 1000, "expires": expires}, key=secret, salt=FORM_SALT)
    for name, value in {"key": key, "policy": policy}.items():
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    body += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x.jpg"\r\n\r\n'.encode()
    body += b"x" * 1000 + f"\r\n--{boundary}--\r\n".encode()
    address = urlsplit(proxy.url)
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    with (
        socket.create_connection(("127.0.0.1", address.port or 0)) as line,
        context.wrap_socket(line, server_hostname="localhost") as safe,
    ):
        head = (
            f"POST /storage/uploads HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n"
            f"Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        safe.sendall(head.encode() + body[:-500])
        time.sleep(expires + 1.5 - time.time())
        safe.sendall(body[-500:])
        return int(safe.recv(100).split()[1])
