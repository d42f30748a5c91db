"""Linux system calls that Python does not wrap."""

from __future__ import annotations

import ctypes
import os
import platform
import sys

LINUX = sys.platform == "linux"
MACHINE = platform.machine()

_LIBC = ctypes.CDLL(None, use_errno=True)
_SYSCALL = _LIBC.syscall  # looked up once, not in each child
_NOTHING = (ctypes.c_ulong(0),) * 3
_PRCTL = _LIBC.prctl if LINUX else None


class Unavailable(Exception):
    """This system lacks the feature; the text says why."""


def prctl(option: int, value: int) -> None:
    """Set a property of this process; see prctl(2).

    Raises Unavailable, OSError.
    """
    if _PRCTL is None:
        raise Unavailable(f"available only on Linux, not on {platform.system()}")
    _checked(_PRCTL(ctypes.c_int(option), ctypes.c_ulong(value), *_NOTHING))


def syscall(number: int, *arguments: int | bytes | None) -> int:
    """Return what system call `number` returns; bytes are passed by address. See syscall(2).

    Raises OSError.
    """
    passed = [ctypes.c_long(argument) if isinstance(argument, int) else argument for argument in arguments]
    return _checked(_SYSCALL(ctypes.c_long(number), *passed))


def exit_at_once() -> None:
    """Make exit() in a library end this process without waiting for threads that did not survive the fork.

    Does nothing if the C library does not support it. Call from the main thread.
    """
    register = getattr(_LIBC, "__cxa_thread_atexit_impl", None)
    if register is not None:
        # The destructor registered last runs first; its argument, 1, becomes the exit status.
        register(ctypes.cast(_LIBC._exit, ctypes.c_void_p), ctypes.c_void_p(1), None)


def address(data: bytes) -> int:
    """Return the address of the bytes, valid while they are referenced."""
    return ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0


def _checked(returned: int) -> int:
    if returned < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return returned
