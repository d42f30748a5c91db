"""A system call filter that lets a decoder compute and answer, nothing else. See seccomp(2).

It is an allowlist, because a denylist would allow whatever the next kernel adds. Other calls fail with EPERM,
so that a library that merely tries them carries on.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import kernel
from .kernel import Unavailable


@dataclass(frozen=True)
class Machine:
    """Constants of one architecture.

    `audit` is its AUDIT_ARCH, `seccomp` the number of seccomp(2), `column` its column in the tables below,
    and `foreign` the first system call number of another ABI.
    """

    audit: int
    seccomp: int
    column: int
    foreign: int | None = None


MACHINES: Mapping[str, Machine] = {
    "x86_64": Machine(audit=0xC000003E, seccomp=317, column=0, foreign=0x40000000),  # x32
    "aarch64": Machine(audit=0xC00000B7, seccomp=277, column=1),
}

# (x86_64, aarch64), from the kernel's unistd.h. A decoder has its file in memory, so it needs only memory,
# threads, the time and the socket to the worker.
_ALLOWED: Mapping[str, tuple[int, int]] = {
    "futex": (202, 98),
    "munmap": (11, 215),
    "brk": (12, 214),
    "madvise": (28, 233),
    "mremap": (25, 216),
    "read": (0, 63),
    "write": (1, 64),
    "recvfrom": (45, 207),
    "clock_gettime": (228, 113),
    "gettimeofday": (96, 169),
    "clock_getres": (229, 114),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "getrandom": (318, 278),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
_PROT_EXEC = 0x4
_THREAD = 0x10100  # CLONE_VM | CLONE_THREAD: a thread of this process, not a new process
_ALL = 0xFFFFFFFF

_Condition = tuple[int, int, int]
"""A 32-bit word of the arguments (0 and 1 are the first one's low and high), a mask, and the masked value."""

_ALLOWED_WHEN: Mapping[str, tuple[tuple[int, int], tuple[_Condition, ...]]] = {
    "mmap": ((9, 222), ((4, _PROT_EXEC, 0),)),
    "mprotect": ((10, 226), ((4, _PROT_EXEC, 0),)),
    "clone": ((56, 220), ((0, _THREAD, _THREAD),)),
    "sendto": ((44, 206), ((8, _ALL, 0), (9, _ALL, 0))),  # only to the peer of a connected socket
    "prlimit64": ((302, 261), ((0, _ALL, 0), (4, _ALL, 0), (5, _ALL, 0))),  # only to read its own limits
}
_TGKILL = (234, 131)  # for abort()
# A filter cannot see its arguments, which are in memory. On ENOSYS, glibc falls back to clone.
_CLONE3 = (435, 435)

_SET_FILTER = 1
# No slowdown: this process holds no secrets that speculative execution could leak.
_ALL_THREADS, _NO_SLOWDOWN = 0x1, 0x4

_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_REFUSE, _NOT_THERE = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS

_LOAD, _RETURN, _EQUAL, _AT_LEAST, _MASK = 0x20, 0x06, 0x15, 0x35, 0x54  # classic BPF opcodes

_Step = tuple[int, int, int, int]
"""One instruction: code, jump if true, jump if false, value."""


def restrict(pid: int) -> None:
    """Install the filter for all threads of this process, permanently; `pid` is its process ID.

    Needs no_new_privs. Raises Unavailable, OSError.
    """
    machine = MACHINES.get(kernel.MACHINE)
    if machine is None or not kernel.LINUX:
        raise Unavailable("available only on Linux for x86-64 and ARM")
    filter = program(machine, pid)
    header = struct.pack("HxxxxxxP", len(filter) // 8, kernel.address(filter))
    flags = _ALL_THREADS | _NO_SLOWDOWN
    try:
        kernel.syscall(machine.seccomp, _SET_FILTER, flags, header)
    except OSError as exc:
        if exc.errno not in (errno.ENOSYS, errno.EINVAL, errno.EPERM):
            raise
        raise Unavailable(
            f"this kernel or container has no filters ({exc.strerror}); Linux 4.17 brings them"
        ) from exc


def program(machine: Machine, pid: int) -> bytes:
    """Return the filter as an array of struct sock_filter."""
    return _FOR_ALL[machine] + _packed(
        [*_when(_TGKILL[machine.column], ((0, _ALL, pid),)), (_RETURN, 0, 0, _REFUSE)]
    )


def _for_all(machine: Machine) -> bytes:
    """Return the part of the filter that is the same for every process."""
    column = machine.column
    steps: list[_Step] = [
        (_LOAD, 0, 0, 4),  # the ABI of the call
        (_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # the number of the call
    ]
    if machine.foreign:
        steps += [(_AT_LEAST, 0, 1, machine.foreign), (_RETURN, 0, 0, _KILL)]
    for numbers in _ALLOWED.values():
        steps += [(_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _ALLOW)]
    for numbers, conditions in _ALLOWED_WHEN.values():
        steps += _when(numbers[column], conditions)
    return _packed([*steps, (_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _NOT_THERE)])


def _when(number: int, conditions: Sequence[_Condition]) -> list[_Step]:
    """Return the instructions that allow call `number` if all conditions hold and otherwise refuse it."""
    tests: list[_Step] = []
    for left, (word, mask, value) in zip(range(len(conditions) - 1, -1, -1), conditions, strict=True):
        tests += [(_LOAD, 0, 0, 16 + 4 * word), (_MASK, 0, 0, mask), (_EQUAL, 0, 3 * left + 1, value)]
    tests += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    return [(_EQUAL, 0, len(tests), number), *tests]


def _packed(steps: Sequence[_Step]) -> bytes:
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


_FOR_ALL = {machine: _for_all(machine) for machine in MACHINES.values()}  # built once, not in each child
