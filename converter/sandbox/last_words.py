"""Read a child's stderr: some libraries report only there that they ended the process for lack of memory."""

from __future__ import annotations

import os

_MOST_BYTES = 65_536  # a pipe's capacity
_NO_MEMORY = (b"Insufficient memory", b"std::bad_alloc", b"memory allocation of ")  # libjpeg, C++, Rust
_STDERR = 2


def pipe() -> tuple[int, int]:
    """Return the read and write ends of a non-blocking pipe: a full pipe must not stop a decoder."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    return reader, writer


def catch(writer: int) -> None:
    """Redirect this process's stderr to `writer`."""
    os.dup2(writer, _STDERR)
    os.close(writer)


def tell_of_no_memory(reader: int) -> bool:
    """Return whether a process that has ended reported that memory ran out. Closes the descriptor."""
    try:
        said = os.read(reader, _MOST_BYTES)
    except BlockingIOError:  # something still holds the write end
        said = b""
    finally:
        os.close(reader)
    return any(words in said for words in _NO_MEMORY)
