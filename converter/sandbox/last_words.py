"""What a library writes to stderr when it ends the process, which says nowhere else that memory ran out."""

from __future__ import annotations

import os

_MOST_BYTES = 65_536  # what a pipe holds
_NO_MEMORY = (b"Insufficient memory", b"std::bad_alloc", b"memory allocation of ")  # libjpeg, C++, Rust
_STDERR = 2


def pipe() -> tuple[int, int]:
    """Return two descriptors, to read and to write. Neither blocks: a full pipe must not stop a decoder."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    return reader, writer


def catch(writer: int) -> None:
    """Let this process write its stderr there."""
    os.dup2(writer, _STDERR)
    os.close(writer)


def tell_of_no_memory(reader: int) -> bool:
    """Whether a process that has ended said that memory ran out. Closes the descriptor."""
    try:
        said = os.read(reader, _MOST_BYTES)
    except BlockingIOError:  # something still holds the other end
        said = b""
    finally:
        os.close(reader)
    return any(words in said for words in _NO_MEMORY)
