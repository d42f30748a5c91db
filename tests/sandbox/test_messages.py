"""Messages between worker and child arrive complete, whichever side closes the socket first."""

from __future__ import annotations

import socket

from converter.sandbox.messages import receive, send


def test_a_message_arrives_with_its_bodies() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, {"index": 0}, b"one", b"", b"three")
        assert receive(theirs.makefile("rb")) == ({"index": 0}, [b"one", b"", b"three"])


def test_an_empty_body_is_no_broken_pipe_after_the_reader_has_closed() -> None:
    ours, theirs = socket.socketpair()

    class Reader(socket.socket):
        def sendall(self, data: object, flags: int = 0) -> None:
            super().sendall(data, flags)  # type: ignore[arg-type]
            theirs.close()  # like a child that responded immediately

    with ours, Reader(fileno=ours.detach()) as line:
        send(line, {"index": 0}, b"")
