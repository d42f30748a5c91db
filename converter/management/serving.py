"""The HTTP server at home: waitress, which believes only the proxies it was told to trust."""

from __future__ import annotations

import time
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.proxy_headers import proxy_headers_middleware
from waitress.server import BaseWSGIServer
from waitress.task import WSGITask

Network = IPv4Network | IPv6Network

THREADS = 32
CONNECTIONS = 1_000  # browsers keep up to six each, mostly idle; whoever comes after the last one waits
# Not X-Forwarded-Host: proxies pass on what the visitor sent, unless told otherwise.
BELIEVED = {"x-forwarded-for", "x-forwarded-proto"}


class Parser(HTTPRequestParser):  # type: ignore[misc]
    def __init__(self, adj: Any) -> None:
        super().__init__(adj)
        self.began = time.time()


class Task(WSGITask):  # type: ignore[misc]
    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ["converter.request_began"] = self.request.began
        return environ


class Channel(HTTPChannel):  # type: ignore[misc]
    """Notes when a request began: its body is read whole before the application hears of it."""

    parser_class = Parser
    task_class = Task


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
    """Return a server that listens; requests with a body of more than `most_bytes` are refused.

    `path` is where the site is below the host, such as "/images"; requests may come with it or without.
    """
    BaseWSGIServer.channel_class = Channel
    return waitress.create_server(
        behind_proxies(application, trusted, auth_header),
        host=host,
        port=port,
        url_prefix=path,
        threads=THREADS,
        connection_limit=CONNECTIONS,
        max_request_body_size=most_bytes,
        asyncore_use_poll=True,  # select() ends at file 1,023
        ident=None,
        clear_untrusted_proxy_headers=False,  # behind_proxies does
    )


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
