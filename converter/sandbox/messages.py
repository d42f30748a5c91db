"""Messages between worker and child: a length, JSON, bytes."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, BinaryIO

_LENGTH = struct.Struct(">I")  # of a message's JSON


def send(line: socket.socket, message: dict[str, Any], *bodies: bytes) -> None:
    text = json.dumps({**message, "sizes": [len(body) for body in bodies]}, separators=(",", ":")).encode()
    line.sendall(_LENGTH.pack(len(text)) + text)
    for body in bodies:
        line.sendall(body)


def receive(file: BinaryIO) -> tuple[dict[str, Any], list[bytes]]:
    (length,) = _LENGTH.unpack(_exactly(file, _LENGTH.size))
    message = json.loads(_exactly(file, length))
    return message, [_exactly(file, size) for size in message.pop("sizes")]


def _exactly(file: BinaryIO, length: int) -> bytes:
    received = file.read(length)
    if len(received) < length:
        raise EOFError
    return received
