"""Deny files, ports and signals to other processes with Landlock. Linux 5.13 and later; see landlock(7)."""

from __future__ import annotations

import os
import struct

from . import kernel
from .kernel import Unavailable

# System call numbers, the same on every architecture.
_CREATE_RULESET = 444
_RESTRICT_SELF = 446

_VERSION = 1  # a flag: return the ABI version instead of creating a ruleset
_QUIET = 1  # a flag: keep denials out of the audit log, which a decoder could fill
_QUIET_SINCE = 7


def restrict() -> None:
    """Deny this process and its children everything that this kernel's Landlock can deny, permanently.

    Raises Unavailable, OSError.
    """
    version = _version()
    rules = _everything(version)
    ruleset = kernel.syscall(_CREATE_RULESET, rules, len(rules), 0)
    try:
        kernel.syscall(_RESTRICT_SELF, ruleset, _QUIET if version >= _QUIET_SINCE else 0)
    finally:
        os.close(ruleset)


def _version() -> int:
    if not kernel.LINUX:
        raise Unavailable("available only on Linux")
    try:
        return kernel.syscall(_CREATE_RULESET, None, 0, _VERSION)
    except OSError as exc:
        raise Unavailable(
            f"not supported or turned off in this kernel ({exc.strerror}); needs Linux 5.13 or later"
        ) from exc


def _everything(version: int) -> bytes:
    """Return a struct landlock_ruleset_attr that handles every right and scope of this ABI version."""
    rights = 13  # bits: version 1 has thirteen file access rights
    for since in (2, 3, 5):  # REFER, TRUNCATE, IOCTL_DEV
        rights += version >= since
    rules = [2**rights - 1]
    if version >= 4:
        rules.append(0b11)  # TCP: bind, connect
    if version >= 6:
        rules.append(0b11)  # abstract UNIX sockets of, and signals to, processes outside
    return struct.pack(f"={len(rules)}Q", *rules)
