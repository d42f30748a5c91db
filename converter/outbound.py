"""Send requests to URLs given by users.

Addresses are checked when connecting, so that neither DNS rebinding nor a redirect bypasses the check.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from converter.engine.messages import Message, register
from converter.engine.messages import gettext_noop as _

PORTS = (80, 443, 8080, 8443)  # the web's; others only in networks that the operator allows
REDIRECTS = 5
REDIRECTING = (301, 302, 303, 307, 308)
CHUNK = 64 * 1024
NAT64 = IPv6Network("64:ff9b::/96")
# Networks that `ipaddress` takes for public but are not, or that reach a cloud's internal services: protocol
# assignments such as Oracle's metadata service, Azure's wire server, 6to4 relays, site-local, documentation.
CLOSED = [
    ip_network(network)
    for network in ("192.0.0.0/24", "168.63.129.16/32", "192.88.99.0/24", "fec0::/10", "3fff::/20")
]


TEMPLATES = {
    "fetch_failed.broken_off": _("The connection to this URL failed or was interrupted."),
    "fetch_failed.certificate": _("The certificate of this URL is not valid."),
    "fetch_failed.credentials": _("URLs with a user name or password are not accepted."),
    "fetch_failed.no_host": _("The host in this URL does not exist."),
    "fetch_failed.not_an_address": _("This is not a URL."),
    "fetch_failed.not_public": _("This URL is not on the public internet."),
    "fetch_failed.port": _("Only ports 80, 443, 8080 and 8443 are allowed."),
    "fetch_failed.redirects": _("This URL redirects too many times."),
    "fetch_failed.scheme": _("A URL must begin with https:// or http://."),
    "fetch_failed.status": _("This URL returned status {status} instead of a file."),
    "fetch_failed.timed_out": _("This URL took too long to respond."),
    "fetch_failed.too_large": _("The file at this URL is larger than {most:B}, the limit."),
}
register(TEMPLATES)


class FetchError(Exception):
    """The URL is not allowed or did not return a usable response; `kind` says why."""

    def __init__(self, kind: str, **params: Any) -> None:
        self.message = Message("fetch_failed", {"kind": kind, **params})
        super().__init__(self.message.text)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes
    url: str
    """The URL after all redirects."""


def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    seconds: float,
    most_bytes: int,
    cut: bool = False,
    allowed: Sequence[str] = (),
) -> Answer:
    """Return the response, within `seconds` in total. Only GET follows redirects.

    A body of more than `most_bytes` is an error, or truncated if `cut`. `allowed` are networks that may be
    reached even if they are not public. Raises FetchError.
    """
    deadline = time.monotonic() + seconds
    for _hop in range(REDIRECTS + 1):
        try:
            status, told, data = _once(method, url, body, headers or {}, deadline, most_bytes, cut, allowed)
        except ssl.SSLError as exc:
            raise FetchError("certificate") from exc
        except TimeoutError as exc:
            raise FetchError("timed_out") from exc
        except (OSError, http.client.HTTPException) as exc:
            raise FetchError("broken_off") from exc
        location = told.get("Location")
        if location is None or method != "GET" or status not in REDIRECTING:
            return Answer(status, told, data, url)
        try:
            url = urljoin(url, location)
        except ValueError as exc:
            raise FetchError("not_an_address") from exc
    raise FetchError("redirects")


def _once(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    deadline: float,
    most_bytes: int,
    cut: bool,
    allowed: Sequence[str],
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection, target = _connection(url, deadline, allowed)
    try:
        connection.request(method, target, body=body, headers={"User-Agent": "imagesite", **headers})
        answer = connection.getresponse()
        return answer.status, answer.headers, _read(answer, most_bytes, cut)
    finally:
        connection.close()


def _connection(url: str, deadline: float, allowed: Sequence[str]) -> tuple[http.client.HTTPConnection, str]:
    host, port, secure, target = parts(url)
    if secure:
        connection: Any = http.client.HTTPSConnection(host, port)
    else:
        connection = http.client.HTTPConnection(host, port)
    # http.client calls this to connect, then wraps the socket in TLS for the host name, not the address.
    connection._create_connection = lambda *args: _connect(host, port, deadline, allowed)
    connection.response_class = partial(_Response, deadline)
    return connection, target


def parts(url: str) -> tuple[str, int, bool, str]:
    """Return host, port, whether it is HTTPS, and the request target. Raises FetchError for any other URL."""
    try:
        split = urlsplit(url)
        port = split.port
        host = (split.hostname or "").encode("idna").decode("ascii") if split.hostname else ""
    except (ValueError, UnicodeError) as exc:
        raise FetchError("not_an_address") from exc
    if split.scheme not in ("http", "https"):
        raise FetchError("scheme")
    if not host or any(c.isspace() or c < "!" for c in url):
        raise FetchError("not_an_address")
    if split.username is not None or split.password is not None:
        raise FetchError("credentials")
    secure = split.scheme == "https"
    target = quote(split.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if split.query:
        target += "?" + quote(split.query, safe="/%:@!$&'()*+,;=~-._?[]{}|\\^`\"<>")
    return host, (443 if secure else 80) if port is None else port, secure, target


def check(url: str, allowed: Sequence[str] = ()) -> None:
    """Raise FetchError for a URL that is never allowed, whatever its host resolves to. Call before storing.

    Host names are resolved only when connecting.
    """
    host, port, _secure, _target = parts(url)
    if address := _written(host):
        _check_reachable([address], port, allowed)
    elif not allowed and (host == "localhost" or host.endswith(".localhost")):  # RFC 6761, 6.3
        raise FetchError("not_public")
    elif not allowed and port not in PORTS:
        raise FetchError("port")


def _written(host: str) -> str:
    """Return the host if it is an IP address, in any notation (`127.1`, `0x7f000001`); "" for a name."""
    with suppress(ValueError):
        return str(ip_address(host.partition("%")[0]))
    with suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(host))  # parses like getaddrinfo
    return ""


def _check_reachable(addresses: Sequence[str], port: int, allowed: Sequence[str]) -> None:
    if not all(is_permitted(address, allowed) for address in addresses):
        raise FetchError("not_public")
    if port not in PORTS and not all(_is_named(address, allowed) for address in addresses):
        raise FetchError("port")


def _connect(host: str, port: int, deadline: float, allowed: Sequence[str]) -> socket.socket:
    """Connect to the host at one of the addresses that were checked."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise FetchError("no_host") from exc
    _check_reachable([str(address[0]) for *_rest, address in found], port, allowed)
    fault: OSError = TimeoutError()
    for family, kind, protocol, _name, address in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(_left(deadline))
            sock.connect(address)
            return sock
        except OSError as exc:
            sock.close()
            fault = exc
    raise fault


def is_permitted(address: str, allowed: Sequence[str] = ()) -> bool:
    """Return whether an address is public: not private, loopback, link-local, shared (CGNAT), multicast or reserved.

    Of an IPv6 address that embeds an IPv4 address, the latter is checked.
    """
    if _is_named(address, allowed):
        return True
    ip = _judged(address)
    if any(ip in network for network in CLOSED):
        return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _is_named(address: str, allowed: Sequence[str]) -> bool:
    ip = _judged(address)
    return any(ip in ip_network(network) for network in allowed)


def _judged(address: str) -> IPv4Address | IPv6Address:
    """Return the address, or the IPv4 address embedded in it."""
    ip: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in NAT64:
            inner = IPv4Address(int(ip) & 0xFFFFFFFF)
        return inner or ip
    return ip


class _Response(http.client.HTTPResponse):
    """A response whose reads of status, headers and body end at a deadline.

    A socket timeout restarts with each byte, so a slow sender could hold the connection forever.
    """

    def __init__(self, deadline: float, sock: socket.socket, **options: Any) -> None:
        super().__init__(sock, **options)
        self.fp = io.BufferedReader(_Timed(self.fp.detach(), sock, deadline))


class _Timed(io.RawIOBase):
    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw, self._sock, self._deadline = raw, sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left(self._deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _read(answer: http.client.HTTPResponse, most_bytes: int, cut: bool) -> bytes:
    announced = answer.length
    if announced is not None and announced > most_bytes and not cut:
        raise FetchError("too_large", most=most_bytes)
    data = bytearray()
    while len(data) <= most_bytes:
        try:
            chunk = answer.read1(CHUNK)
            if not chunk and announced is not None and len(data) < announced:
                raise http.client.IncompleteRead(bytes(data))
        except (OSError, http.client.HTTPException):
            if cut:
                return bytes(data)  # the caller needs only the status
            raise
        if not chunk:
            return bytes(data)
        data += chunk
    if not cut:
        raise FetchError("too_large", most=most_bytes)
    return bytes(data[:most_bytes])


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
