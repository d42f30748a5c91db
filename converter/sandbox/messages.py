"""Messages between worker and child: the length of the JSON, the JSON, then the bodies."""

from __future__ import annotations

import io
import json
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">I")  # of a message's JSON
_MOST_TEXT = 2**18  # bytes of JSON in an answer; a genuine one has a few thousand
_LOOK = 1.0  # seconds between checks whether an answer is still wanted


class Malformed(Exception):
    """The bytes received are not a valid message."""


class Unwanted(Exception):
    """The answer is no longer wanted."""


def send(line: socket.socket, message: dict[str, Any], *bodies: bytes) -> None:
    """Send a message with its bodies. Raises OSError if the other end is gone."""
    text = json.dumps({**message, "sizes": [len(body) for body in bodies]}, separators=(",", ":")).encode()
    line.sendall(_LENGTH.pack(len(text)) + text)
    # Sending b"" to a peer that has read everything and closed raises EPIPE.
    for body in filter(None, bodies):
        line.sendall(body)


def receive(file: BinaryIO) -> tuple[dict[str, Any], list[bytes]]:
    """Return a message from a trusted sender with its bodies. Raises EOFError."""
    (length,) = _LENGTH.unpack(_exactly(file, _LENGTH.size))
    message = json.loads(_exactly(file, length))
    return message, [_exactly(file, size) for size in message.pop("sizes")]


class Answers:
    """Messages from an untrusted sender, with limits on their size and time."""

    def __init__(self, line: socket.socket, most_bytes: int, wanted: Callable[[], bool]) -> None:
        self._arriving = _Arriving(line, wanted)
        self._file = io.BufferedReader(self._arriving)
        self._most_bytes = most_bytes

    def next(self, deadline: float) -> tuple[dict[str, Any], bytes]:
        """Return the next message and its body, or b"". `deadline` is in seconds of time.monotonic().

        Raises EOFError, ConnectionError, TimeoutError, Malformed, Unwanted.
        """
        self._arriving.deadline = deadline
        (length,) = _LENGTH.unpack(_exactly(self._file, _LENGTH.size))
        if length > _MOST_TEXT:
            raise Malformed("too long")
        message = _parsed(_exactly(self._file, length))
        match message.pop("sizes", None):
            case []:
                return message, b""
            case [int(size)] if 0 <= size <= self._most_bytes and not isinstance(size, bool):
                return message, _exactly(self._file, size)
        raise Malformed("wrong sizes")


class _Arriving(io.RawIOBase):
    """Read from a socket until a fixed deadline. A socket timeout would start again with each byte."""

    def __init__(self, line: socket.socket, wanted: Callable[[], bool]) -> None:
        self._line = line
        self._wanted = wanted
        self.deadline = 0.0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while (left := self.deadline - time.monotonic()) > 0:
            self._line.settimeout(min(left, _LOOK))
            try:
                return self._line.recv_into(buffer)
            except TimeoutError:
                if not self._wanted():
                    raise Unwanted from None
        raise TimeoutError


def _parsed(text: bytes) -> dict[str, Any]:
    try:
        message = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as exc:
        raise Malformed("no JSON") from exc
    if not isinstance(message, dict):
        raise Malformed("no object")
    return message


def _refuse(constant: str) -> None:
    raise ValueError(constant)  # NaN and infinity are not JSON: databases and browsers reject them


def _exactly(file: BinaryIO | io.BufferedReader, length: int) -> bytes:
    received = file.read(length)
    if len(received) < length:
        raise EOFError
    return received
