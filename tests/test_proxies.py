"""A home server behind a proxy that terminates TLS."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from django.core import signing

from converter.management.serving import behind_proxies, networks
from converter.storage.signed import FORM_SALT
from tests.proxies import Caddy, Nginx, Proxy
from tests.server import Server
from tests.test_serve import eventually, submit

PEOPLE = """
from imagesite.accounts.models import ApiToken, User

print(ApiToken.issue(User.objects.create_superuser("alice@example.org", "x"), "test")[1])
"""


def heard(trusted: list[str], peer: str, **headers: str) -> dict[str, Any]:
    """Return what the application sees of a request from `peer`."""
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

    behind_proxies(application, networks(trusted), "Remote-Email")(environ, lambda *_: None)
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
def test_a_trusted_proxy_sets_the_scheme_and_the_client_address(trusted: list[str], peer: str) -> None:
    got = heard(trusted, peer, **TOLD)
    assert got["wsgi.url_scheme"] == "https"
    assert got["REMOTE_ADDR"] == "203.0.113.9"
    assert got["HTTP_HOST"] == "localhost"
    assert "HTTP_X_FORWARDED_HOST" not in got


def test_addresses_that_a_visitor_adds_are_ignored() -> None:
    got = heard(["127.0.0.1"], "127.0.0.1", x_forwarded_for="198.51.100.1, 203.0.113.9")
    assert got["REMOTE_ADDR"] == "203.0.113.9"


@pytest.mark.parametrize(("trusted", "peer"), [(["127.0.0.1"], "10.0.0.7"), ([], "127.0.0.1")])
def test_forged_headers_are_dropped(trusted: list[str], peer: str) -> None:
    got = heard(trusted, peer, **TOLD, forwarded="for=203.0.113.9;proto=https")
    assert got["wsgi.url_scheme"] == "http"
    assert got["REMOTE_ADDR"] == peer
    assert not {name for name in got if "FORWARDED" in name}


@pytest.mark.parametrize(("peer", "named"), [("127.0.0.1", "alice@example.org"), ("10.0.0.7", None)])
def test_only_a_trusted_proxy_sets_the_logged_in_user(peer: str, named: str | None) -> None:
    got = heard(["127.0.0.1"], peer, remote_email="alice@example.org")
    assert got.get("HTTP_REMOTE_EMAIL") == named


def test_an_invalid_proxy_address_is_refused() -> None:
    with pytest.raises(ValueError, match="proxy.example"):
        networks(["proxy.example"])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, new_site: Path) -> Iterator[tuple[Server, str]]:
    """Yield a site with HTTPS enabled, and a token of Alice's."""
    with Server(tmp_path_factory.mktemp("home"), like=new_site) as server:
        server.environment |= {"HTTPS": "1", "WORKERS": "1"}
        token = server.python(PEOPLE)
        server.start()
        yield server, token


@pytest.mark.system
@pytest.mark.parametrize("kind", [Nginx, pytest.param(Caddy, marks=pytest.mark.slow)])
def test_the_site_works_behind_tls(home: tuple[Server, str], kind: type[Proxy], tmp_path: Path) -> None:
    server, token = home
    with kind(tmp_path / "proxy", urlsplit(server.url).netloc) as proxy:  # type: ignore[call-arg]
        with visiting(proxy) as visitor:
            page = visitor.get(f"{proxy.url}/accounts/login/", timeout=60)
            assert (page.status_code, page.history) == (200, [])
            assert page.headers["Strict-Transport-Security"]
            assert log_in(visitor, page, "csrftoken").url == f"{proxy.url}/convert/"
            assert all(cookie.secure for cookie in visitor.cookies)

        with visiting(proxy, token) as program:
            at_proxy = Server(server.data)
            at_proxy.url = proxy.url
            batch = submit(at_proxy, program, 1)
            address = f"{proxy.url}/api/v1/batches/{batch}"
            assert eventually(60, lambda: program.get(address, timeout=60).json()["status"] == "finished")
            share = program.post(f"{address}/shares", json={}, timeout=60)
            assert share.json()["url"].startswith(f"{proxy.url}/")

        plain = requests.get(f"{server.url}/accounts/login/", allow_redirects=False, timeout=60)
        assert plain.headers["Location"].startswith("https://")
        assert requests.get(f"{server.url}/healthz", timeout=60).ok
        assert _send_slowly(proxy, server) == 201


@pytest.mark.slow
@pytest.mark.system
def test_the_site_works_under_a_path_next_to_other_sites(tmp_path: Path) -> None:
    with Server(tmp_path / "site") as server:
        server.environment |= {
            "HTTPS": "1",
            "WORKERS": "1",
            "SITE_PATH": "/images/",
            "COOKIE_PREFIX": "images_",
        }
        server.environment["PYTHONUNBUFFERED"] = "1"
        token = server.prepare(PEOPLE).splitlines()[-1]
        server.start()
        assert requests.get(f"{server.url}/healthz", timeout=60).ok
        with Nginx(tmp_path / "proxy", urlsplit(server.url).netloc, beside_others=True) as proxy:
            with visiting(proxy) as visitor:
                assert visitor.get(f"{proxy.url}/convert/", timeout=60).text == "another site"
                page = visitor.get(f"{proxy.url}/images/accounts/tokens/", timeout=60)
                assert page.url == f"{proxy.url}/images/accounts/login/?next=/images/accounts/tokens/"
                assert log_in(visitor, page, "images_csrftoken").url == f"{proxy.url}/images/accounts/tokens/"
                assert {(cookie.name, cookie.path) for cookie in visitor.cookies} == {
                    ("images_csrftoken", "/images/"),
                    ("images_session", "/images/"),
                    ("images_device", "/images/"),
                }
                for path in PAGES:
                    _follow_links(visitor, f"{proxy.url}/images/{path}")
                _reset_password(visitor, f"{proxy.url}/images/accounts/password/reset/")
            assert server.process
            assert server.process.stdout
            mailed = next(line for line in server.process.stdout if "https://" in line)
            assert mailed.strip().startswith(f"{proxy.url}/images/accounts/password/reset/")

            with visiting(proxy, token) as program:
                _use_api(program, proxy, server)


PAGES = (
    "",
    "convert/",
    "batches/",
    "recipes/",
    "formats/",
    "webhooks/",
    "accounts/",
    "accounts/tokens/",
    "admin/",
    "api/",
    "api/docs",
    "no-such-page",
)


def _use_api(program: requests.Session, proxy: Proxy, server: Server) -> None:
    """Convert and share under the site's path, and check that the links in responses point there."""
    at_proxy = Server(server.data)
    at_proxy.url = f"{proxy.url}/images"
    batch = submit(at_proxy, program, 1)
    address = f"{at_proxy.url}/api/v1/batches/{batch}"
    assert eventually(60, lambda: program.get(address, timeout=60).json()["status"] == "finished")
    result = program.get(address, timeout=60).json()["jobs"][0]["result"]
    assert len(program.get(proxy.url + result["url"], timeout=60).content) == result["size"]
    share = program.post(f"{address}/shares", json={}, timeout=60).json()["url"]
    assert share.startswith(f"{at_proxy.url}/s/")
    _follow_links(program, share)
    problem = program.get(f"{at_proxy.url}/api/v1/batches/x", timeout=60).json()
    assert program.get(proxy.url + problem["type"], timeout=60).ok
    described = program.get(f"{at_proxy.url}/api/v1/openapi.json", timeout=60).json()["paths"]
    assert all(path.startswith("/images/api/v1/") for path in described)


def _follow_links(visitor: requests.Session, address: str) -> None:
    """Check that all links of a page are under the site's path, and work."""
    page = visitor.get(address, timeout=60).text
    named = set(re.findall(r"""(?:href|src|action|data-[a-z-]+)="(/[^"#]*)["#]""", page))
    assert len(named) > 3, page
    for path in named:
        assert f"{path}/".startswith("/images/"), (address, path)
    for path in named:
        if "/static/" in path or path.startswith("/images/s/") or path == "/images":
            assert visitor.get(urljoin(address, path), timeout=60).ok, path


def _reset_password(visitor: requests.Session, address: str) -> None:
    visitor.get(address, timeout=60)
    form = {"csrfmiddlewaretoken": visitor.cookies["images_csrftoken"], "email": "alice@example.org"}
    assert visitor.post(address, form, headers={"Referer": address}, timeout=60).ok


def visiting(proxy: Proxy, token: str = "") -> requests.Session:
    session = requests.Session()
    session.verify, session.trust_env = str(proxy.certificate), False
    if token:
        session.headers["Authorization"] = f"Bearer {token}"
    return session


def log_in(visitor: requests.Session, page: requests.Response, cookie: str) -> requests.Response:
    sent = {"csrfmiddlewaretoken": visitor.cookies[cookie], "username": "alice@example.org", "password": "x"}
    return visitor.post(page.url, sent, headers={"Referer": page.url}, timeout=60)


def _send_slowly(proxy: Proxy, server: Server) -> int:
    """Start sending a file before its form expires and finish afterwards; return the status."""
    body, boundary = b"", "b" * 30
    key, expires = "uploads/someone/something/x.jpg", int(time.time()) + 5
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
            f"POST /uploads HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n"
            f"Content-Type: multipart/form-data; boundary={boundary}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        safe.sendall(head.encode() + body[:-500])
        time.sleep(max(0, expires + 1.5 - time.time()))
        safe.sendall(body[-500:])
        return int(safe.recv(100).split()[1])
