"""The HTTP server at home: waitress, which believes only the trusted proxies."""

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
SMALL = 5_000_000  # bytes of a body without a file: twice what Django takes, which says so itself
FILES = re.compile(
    r"/(uploads|convert/(watermark/)?|batches/[^/]+/files/|jobs/[^/]+/file/|recipes/[^/]+/"
    r"|api/v1/(convert|uploads))"
)
"""What takes files. A test finds what is left out."""
# The form of an upload brings its own permission, at the beginning of its body.
OPEN = "/uploads"
# Not X-Forwarded-Host: proxies pass on what the visitor sent, unless told otherwise.
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
    """Return a server that listens; requests with a body of more than `most_bytes` are refused, or of `SMALL` where no file is taken.

    `path` is where the site is below the host, such as "/images"; requests may come with it or without.
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
        connection_limit=MOST + 100,  # above it: these give way themselves
        max_request_body_size=most_bytes,
        asyncore_use_poll=True,  # select() ends at file 1,023
        ident=None,
        clear_untrusted_proxy_headers=False,  # behind_proxies does
    )


def may_send(path: str, headers: Mapping[str, str]) -> bool:
    """Return whether a request may carry a file: where one is taken, by somebody who says who they are."""
    if not FILES.fullmatch(path):
        return False
    return path == OPEN or "AUTHORIZATION" in headers or "COOKIE" in headers


def address(server: Any, host: str) -> str:
    """Return the address of the site, for a browser. A name such as localhost may be served on IPv4 and IPv6."""
    listens = getattr(server, "effective_listen", None) or [(host, server.effective_port)]
    return f"http://{f'[{host}]' if ':' in host else host}:{listens[0][1]}"


def networks(texts: Iterable[str]) -> list[Network]:
    """Return addresses and networks as such; ValueError for one that is neither."""
    return [ip_network(text.strip(), strict=False) for text in texts]


def behind_proxies(application: Any, trusted: Iterable[Network], auth_header: str = "") -> Any:
    """Take scheme and client address from a trusted proxy's headers; drop everybody else's, and their `auth_header`.

    The scheme goes into `wsgi.url_scheme`, which is what Django's `is_secure()` reads, so no header has to be trusted
    further in.
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
