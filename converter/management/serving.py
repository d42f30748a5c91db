"""The HTTP server at home: waitress, which trusts only the configured proxies."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import waitress
from waitress.proxy_headers import proxy_headers_middleware
from waitress.server import BaseWSGIServer

from converter.management.connections import MOST, Channel

Network = IPv4Network | IPv6Network

THREADS = 32
SMALL = 5_000_000  # bytes of a body without a file: twice Django's limit, so that Django can report it
FILES = re.compile(
    r"/(uploads|convert/(watermark/)?|batches/[^/]+/files/|jobs/[^/]+/file/|recipes/[^/]+/"
    r"|api/v1/(convert|uploads))"
)
"""The paths that accept files. A test finds missing ones."""
# An upload form carries its signed policy at the beginning of the body.
OPEN = "/uploads"
# Not X-Forwarded-Host: unless configured otherwise, proxies forward the client's own.
BELIEVED = {"x-forwarded-for", "x-forwarded-proto"}


def create_server(
    application: Any,
    *,
    host: str,
    port: int,
    path: str,
    most_bytes: int,
    trusted: Iterable[Network],
    auth_header: str,
) -> Any:
    """Return a listening server. It refuses bodies over `most_bytes`, or over SMALL if no file is accepted.

    `path` is the site's path below the host, such as "/images"; requests may include it or not.
    """

    def most(address: str, headers: Mapping[str, str]) -> int:
        return most_bytes if may_send(address.removeprefix(path), headers) else min(SMALL, most_bytes)

    BaseWSGIServer.channel_class = staticmethod(partial(Channel, most_bytes=most))
    return waitress.create_server(
        behind_proxies(application, trusted, auth_header),
        host=host,
        port=port,
        url_prefix=path,
        threads=THREADS,
        connection_limit=MOST + 100,  # above MOST, which Channel enforces itself
        max_request_body_size=most_bytes,
        asyncore_use_poll=True,  # select() supports only 1,024 files
        ident=None,
        clear_untrusted_proxy_headers=False,  # behind_proxies does
    )


def may_send(path: str, headers: Mapping[str, str]) -> bool:
    """Return whether a request may carry a file: its path accepts one, and it has credentials."""
    if not FILES.fullmatch(path):
        return False
    return path == OPEN or "AUTHORIZATION" in headers or "COOKIE" in headers


def address(server: Any, host: str) -> str:
    """Return the site's URL for a browser. A name such as localhost may have an IPv4 and an IPv6 address."""
    listens = getattr(server, "effective_listen", None) or [(host, server.effective_port)]
    return f"http://{f'[{host}]' if ':' in host else host}:{listens[0][1]}"


def networks(texts: Iterable[str]) -> list[Network]:
    """Parse addresses and networks. Raises ValueError for one that is neither."""
    return [ip_network(text.strip(), strict=False) for text in texts]


def behind_proxies(application: Any, trusted: Iterable[Network], auth_header: str = "") -> Any:
    """Take scheme and client address from trusted proxies' headers; drop others' headers and `auth_header`.

    The scheme is put into `wsgi.url_scheme`, which Django's `is_secure()` reads, so that Django need not
    trust any header.
    """
    trusted = list(trusted)
    names_person = f"HTTP_{auth_header.upper().replace('-', '_')}"
    told = proxy_headers_middleware(application, trusted_proxy="*", trusted_proxy_headers=BELIEVED)
    untold = proxy_headers_middleware(application, trusted_proxy=None)

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        peer = ip_address(environ["REMOTE_ADDR"].partition("%")[0])
        if isinstance(peer, IPv6Address) and peer.ipv4_mapped:
            peer = peer.ipv4_mapped
        is_trusted = any(peer in network for network in trusted)
        if not is_trusted:
            environ.pop(names_person, None)
        return (told if is_trusted else untold)(environ, start_response)

    return answer
