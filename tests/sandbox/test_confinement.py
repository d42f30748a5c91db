"""Each layer by itself: the filter's verdicts on each machine, and behaviour on systems that lack a layer."""

from __future__ import annotations

import errno
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from converter import engine
from converter.sandbox import (
    Rendered,
    Sandbox,
    SandboxError,
    confinement,
    landlock,
    missing_layers,
    seccomp,
)
from converter.sandbox.kernel import Unavailable
from tests.conftest import make_photo
from tests.sandbox.hostile import attacker

pytestmark = pytest.mark.system

ALLOW, NOT_PERMITTED, NOT_THERE, KILL = 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS, 0x80000000
PID = 4711
WEBP = engine.Recipe.parse({"format": "webp"})

X86, ARM = (seccomp.MACHINES[name] for name in ("x86_64", "aarch64"))

# From the kernel's own tables: arch/x86/entry/syscalls/syscall_64.tbl and include/uapi/asm-generic/unistd.h.
NUMBERS = {
    X86: {
        "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "mmap": 9, "mprotect": 10, "ioctl": 16, "pipe": 22,
        "socket": 41, "connect": 42, "sendto": 44, "recvfrom": 45, "sendmsg": 46, "bind": 49, "clone": 56, "fork": 57,
        "vfork": 58, "execve": 59, "exit": 60, "kill": 62, "fcntl": 72, "chmod": 90, "ptrace": 101, "prctl": 157,
        "mount": 165, "tkill": 200, "futex": 202, "exit_group": 231, "tgkill": 234, "openat": 257, "unlinkat": 263,
        "prlimit64": 302, "process_vm_readv": 310, "seccomp": 317, "getrandom": 318, "memfd_create": 319,
        "execveat": 322, "pidfd_send_signal": 424, "io_uring_setup": 425, "clone3": 435, "openat2": 437,
    },
    ARM: {
        "read": 63, "write": 64, "close": 57, "mmap": 222, "mprotect": 226, "ioctl": 29, "pipe2": 59, "socket": 198,
        "connect": 203, "sendto": 206, "recvfrom": 207, "sendmsg": 211, "bind": 200, "clone": 220, "execve": 221,
        "exit": 93, "kill": 129, "fcntl": 25, "fchmodat": 53, "ptrace": 117, "prctl": 167, "mount": 40, "tkill": 130,
        "futex": 98, "exit_group": 94, "tgkill": 131, "openat": 56, "unlinkat": 35, "prlimit64": 261,
        "process_vm_readv": 270, "seccomp": 277, "getrandom": 278, "memfd_create": 279, "execveat": 281,
        "pidfd_send_signal": 424, "io_uring_setup": 425, "clone3": 435, "openat2": 437,
    },
}  # fmt: skip
ALWAYS = {"read", "write", "close", "recvfrom", "futex", "exit", "exit_group", "getrandom"}
BY_ARGUMENT = {"mmap", "mprotect", "clone", "sendto", "prlimit64", "tgkill"}


def verdict(program: bytes, machine: seccomp.Machine, number: int, *arguments: int) -> int:
    """Run the filter as the kernel does; it uses only five instructions."""
    data = struct.pack("=IIQ6Q", number, machine.audit, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = list(struct.iter_unpack("=HBBI", program))
    at = value = 0
    while True:
        code, yes, no, constant = steps[at]
        at += 1
        match code:
            case 0x20:
                (value,) = struct.unpack_from("=I", data, constant)
            case 0x54:
                value &= constant
            case 0x15:
                at += yes if value == constant else no
            case 0x35:
                at += yes if value >= constant else no
            case 0x06:
                return int(constant)
            case _:
                raise AssertionError(code)


@pytest.fixture(params=[X86, ARM], ids=["x86-64", "ARM"])
def machine(request: pytest.FixtureRequest) -> seccomp.Machine:
    made: seccomp.Machine = request.param
    return made


def test_only_what_decoding_needs_is_allowed(machine: seccomp.Machine) -> None:
    program = seccomp.program(machine, PID)
    for name, number in NUMBERS[machine].items():
        if name in ALWAYS:
            assert verdict(program, machine, number) == ALLOW, name
        elif name not in BY_ARGUMENT | {"clone3"}:
            assert verdict(program, machine, number) == NOT_PERMITTED, name
    assert verdict(program, machine, NUMBERS[machine]["clone3"]) == NOT_THERE
    assert verdict(program, machine, 9999) == NOT_PERMITTED


def test_calls_are_filtered_by_their_arguments(machine: seccomp.Machine) -> None:
    program = seccomp.program(machine, PID)
    thread = 0x3D0F00  # how glibc starts a thread: CLONE_VM, CLONE_FS, CLONE_FILES, CLONE_SIGHAND, CLONE_THREAD and more
    for name, arguments, expected in [
        ("mmap", (0, 4096, 3), ALLOW),
        ("mmap", (0, 4096, 7), NOT_PERMITTED),
        ("mprotect", (0, 4096, 1), ALLOW),
        ("mprotect", (0, 4096, 5), NOT_PERMITTED),
        ("clone", (thread,), ALLOW),
        ("clone", (17,), NOT_PERMITTED),  # fork: SIGCHLD
        ("clone", (0x4111,), NOT_PERMITTED),  # vfork
        ("clone", (0x10000011,), NOT_PERMITTED),  # a new user namespace
        ("sendto", (3, 1, 1, 0, 0, 0), ALLOW),
        ("sendto", (3, 1, 1, 0, 1 << 40, 16), NOT_PERMITTED),  # with an address
        ("prlimit64", (0, 7, 0, 1), ALLOW),
        ("prlimit64", (0, 7, 1 << 40, 0), NOT_PERMITTED),  # set a limit
        ("prlimit64", (1, 7, 0, 1), NOT_PERMITTED),  # of another process
        ("tgkill", (PID, PID, 6), ALLOW),
        ("tgkill", (PID + 1, PID, 6), NOT_PERMITTED),
    ]:
        assert verdict(program, machine, NUMBERS[machine][name], *arguments) == expected, (name, arguments)


def test_calls_of_another_kind_of_machine_end_the_process() -> None:
    for machine, other in ((X86, ARM), (ARM, X86)):
        assert verdict(seccomp.program(machine, PID), other, 0) == KILL
    i386 = seccomp.Machine(audit=0x40000003, seccomp=0, column=0)
    assert verdict(seccomp.program(X86, PID), i386, 11) == KILL
    assert verdict(seccomp.program(X86, PID), X86, 0x40000000 + 1) == KILL  # x32


@pytest.mark.parametrize(
    ("version", "size", "files"), [(1, 8, 13), (2, 8, 14), (3, 8, 15), (4, 16, 15), (5, 16, 16), (6, 24, 16)]
)
def test_each_version_of_landlock_restricts_everything_it_can(version: int, size: int, files: int) -> None:
    rules = landlock._everything(version)
    assert len(rules) == size
    assert rules[:8] == (2**files - 1).to_bytes(8, "little")


def test_this_system_has_every_layer() -> None:
    assert missing_layers() == {}


def test_a_missing_layer_is_logged_and_the_sandbox_still_works(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with attacker(make_photo(), without={"landlock": "this kernel has none", "seccomp": "nor this"}) as there:
        assert isinstance(there.answers("", WEBP)[-1], Rendered)
    assert [record.__dict__["layer"] for record in caplog.records] == ["landlock", "seccomp"]


def test_a_required_layer_that_is_missing_prevents_the_start() -> None:
    with attacker(make_photo(), without={"landlock": "this kernel has none"}) as there:
        there.sandbox._required = True
        with pytest.raises(SandboxError, match="lacks landlock, and SANDBOX_REQUIRED is on"):
            there.answers("", WEBP)
    sandbox = Sandbox(required=True)
    try:
        assert isinstance(list(sandbox.render(make_photo(), [WEBP], engine.Limits()))[-1], Rendered)
    finally:
        sandbox.close()


def test_a_sandbox_that_cannot_start_blames_no_file() -> None:
    sandbox = Sandbox()
    sandbox._program = "raise SystemExit(1)"
    with pytest.raises(SandboxError, match="does not start"):
        list(sandbox.render(make_photo(), [WEBP], engine.Limits()))


@pytest.mark.parametrize("system", ["darwin", "linux on a machine that is not known"])
def test_missing_layers_say_why_they_are_missing(system: str) -> None:
    code = """
import sys
sys.platform = "darwin" if "darwin" in sys.argv[1] else sys.platform
from converter.sandbox import kernel
kernel.MACHINE = "riscv64"
from converter.sandbox import confinement
print(sorted(confinement.missing()))
"""
    done = subprocess.run([sys.executable, "-c", code, system], capture_output=True, text=True, check=True)
    expected = ["landlock", "privileges", "seccomp"] if system == "darwin" else ["privileges", "seccomp"]
    assert done.stdout.strip() == str(expected)


def test_a_worker_is_hidden_from_others_of_its_user() -> None:
    code = """
from pathlib import Path
from converter.sandbox import hide
hide()
print(Path("/proc/self/environ").stat().st_uid, Path("/proc/self").stat().st_uid)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        user=65534
        if os.geteuid() == 0 and os.access(sys.executable, os.X_OK) and _anybody_may_run_python()
        else None,
    )
    assert done.stdout.split() == ["0", "0"]


def _anybody_may_run_python() -> bool:
    folders = [Path(sys.executable).resolve(), *Path(sys.executable).resolve().parents]
    return all(folder.stat().st_mode & 0o1 for folder in folders)


def test_limits_are_never_raised_above_the_existing_ones() -> None:
    code = """
import resource
from converter.sandbox import confinement
resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))
confinement._limit(resource.RLIMIT_AS, 2**34)
print(resource.getrlimit(resource.RLIMIT_AS) == (2**33, 2**33))
confinement._limit(resource.RLIMIT_AS, 2**32, grace=1)
print(resource.getrlimit(resource.RLIMIT_AS) == (2**32, 2**32 + 1))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


def test_an_unknown_machine_has_no_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converter.sandbox.kernel.MACHINE", "riscv64")
    with pytest.raises(Unavailable, match="x86-64 and ARM"):
        seccomp.restrict(PID)
    assert confinement.LAYERS.keys() == {"privileges", "landlock", "seccomp"}
