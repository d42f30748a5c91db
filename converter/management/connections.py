"""Limit the home server's idle and slow connections, and the disk space of request bodies."""

from __future__ import annotations

import copy
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.urls import set_script_prefix
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import Error

from converter import problems
from converter.engine import Message

MOST = 1_000  # connections; browsers keep up to six, mostly idle; above it, a new one replaces another
NEW_SECONDS = 2  # before a connection without any data counts as idle
HEADER_SECONDS = 30
BODY_SECONDS = 60  # before a body may count as too slow
BODY_RATE = 4_000  # bytes per second, the minimum on average; a 2G phone reaches it
LARGE = 1_000_000  # bytes; waitress writes bodies of more than half of this to disk

PROBLEMS = {
    400: Message("bad_request"),
    413: Message("body_too_large"),
    431: Message("headers_too_large"),
    500: Message("internal_error"),
    501: Message("unknown_transfer_coding"),
    507: Message("storage_full", {"kind": "uploads"}),
}


MostBytes = Callable[[str, Mapping[str, str]], int]


class NoRoom(Error):  # type: ignore[misc]
    code = 507
    reason = "Insufficient Storage"


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """Parse a request. Its headers determine the maximum body size before any of the body is stored.

    `most_bytes` takes path and headers (named as in WSGI, without `HTTP_`); `room` returns how many bytes may
    arrive now.
    """

    def __init__(self, adj: Any, most_bytes: MostBytes, room: Callable[[], int]) -> None:
        super().__init__(copy.copy(adj))
        self._most_bytes, self._room = most_bytes, room
        self.began = time.time()
        self._began = time.monotonic()

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        self.adj.max_request_body_size = self._most_bytes(self.path, self.headers)
        if self.to_come and self.to_come > self._room():
            self.error, self.body_rcv = NoRoom("Too many uploads at the same time"), None

    @property
    def to_come(self) -> int:
        """How many bytes of the body may still arrive, if it is stored on disk."""
        if self.body_rcv is None:
            return 0
        most: int = self.adj.max_request_body_size if self.chunked else self.content_length
        return max(0, most - int(self.body_bytes_received)) if most >= LARGE else 0

    @property
    def is_too_slow(self) -> bool:
        seconds = time.monotonic() - self._began
        if not self.headers_finished:
            return seconds > HEADER_SECONDS
        return seconds > BODY_SECONDS and self.body_bytes_received < seconds * BODY_RATE


class Task(WSGITask):  # type: ignore[misc]
    """Pass on when the request began: the application starts after its whole body is read."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ["converter.request_began"] = self.request.began
        return environ


class ProblemTask(ErrorTask):  # type: ignore[misc]
    """Send the errors of the HTTP server as problem details, as the application does."""

    def execute(self) -> None:
        problem = PROBLEMS.get(self.request.error.code)
        if not problem:
            super().execute()
            return
        # This thread may not have served a request of the application yet.
        set_script_prefix(f"{self.channel.server.adj.url_prefix}/")
        answer = problems.answer(problem)
        self.status = f"{answer.status_code} {answer.reason_phrase}"
        self.response_headers.extend(answer.items())
        self.set_close_on_finish()
        self.content_length = len(answer.content)
        self.write(answer.content)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that is closed if it is too slow, or to make room for a new one."""

    task_class = Task
    error_task_class = ProblemTask

    def __init__(
        self, server: Any, sock: Any, addr: Any, adj: Any, map: dict[int, Any], *, most_bytes: MostBytes
    ) -> None:
        self._most_bytes = most_bytes
        super().__init__(server, sock, addr, adj, map=map)
        if len(map) > MOST:
            self._take_place()

    def parser_class(self, adj: Any) -> Parser:
        return Parser(adj, self._most_bytes, self._room)

    def readable(self) -> bool:
        # Called about once a second.
        if self.request and not self.requests and self.request.is_too_slow:
            self.will_close = True
        return bool(super().readable())

    def _room(self) -> int:
        """Return how many bytes may arrive: half of the free disk space, less what other bodies may need."""
        to_come = sum(channel.request.to_come for channel in self._others() if channel.request)
        return shutil.disk_usage(tempfile.gettempdir()).free // 2 - int(to_come)

    def _take_place(self) -> None:
        others = [channel for channel in self._others() if not channel.requests]
        if others:
            min(others, key=Channel._worth).will_close = True

    def _worth(self) -> tuple[int, float]:
        """Return a sort key for closing connections.

        Idle ones go first, then those with an incomplete header, an incomplete body, or a response being
        sent.
        """
        if self.total_outbufs_len:
            return 3, self.last_activity
        if self.request is None:
            is_new = (
                self.last_activity == self.creation_time and time.time() - self.creation_time < NEW_SECONDS
            )
            return (1 if is_new else 0), self.last_activity
        return 2 if self.request.headers_finished else 1, self.request.began

    def _others(self) -> list[Channel]:
        found = [*self._map.values()]
        return [one for one in found if isinstance(one, Channel) and one is not self and not one.will_close]
