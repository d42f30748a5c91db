"""A compromised decoder can reach nothing and nobody, whoever runs the service and whatever layer is missing."""

from __future__ import annotations

import os
import socket
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from converter import engine
from converter.sandbox import Probed, Refused, Rendered
from tests.conftest import make_photo
from tests.sandbox.hostile import PNG, Attacker, attacker

pytestmark = pytest.mark.system

REFUSED = {"EPERM", "EACCES", "ENOSYS"}
WEBP = engine.Recipe.parse({"format": "webp"})

# Whether the fork server runs as an ordinary user although the tests run as root, and which layers are
# disabled.
HOMES: dict[str, tuple[bool, dict[str, str]]] = {
    "as it is": (False, {}),
    "an ordinary user": (True, {}),
    "without Landlock": (False, {"landlock": "taken away"}),
    "an ordinary user without Landlock": (True, {"landlock": "taken away"}),
}


def _is_root() -> bool:
    return os.geteuid() == 0


@pytest.fixture(scope="module", params=HOMES)
def there(request: pytest.FixtureRequest) -> Iterator[Attacker]:
    ordinary, without = HOMES[request.param]
    with attacker(make_photo(64), ordinary=ordinary and _is_root(), without=without) as made:
        yield made


@pytest.fixture(scope="module")
def by_landlock_alone() -> Iterator[Attacker]:
    with attacker(
        make_photo(64), ordinary=_is_root(), without={"seccomp": "taken away"}, opens_files=True
    ) as made:
        yield made


@pytest.fixture
def loot() -> Iterator[Path]:
    """Yield a file that anybody may read and write, in such a folder, so that file modes do not protect it."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        path = Path(folder, "db.sqlite3")
        path.write_text("password hashes")
        path.chmod(0o666)
        yield path


def facts(path: Path) -> list[int]:
    """Return mode, links, owner, size and times, except the access time."""
    found = path.stat()
    return [
        found.st_mode,
        found.st_nlink,
        found.st_uid,
        found.st_gid,
        found.st_size,
        found.st_mtime_ns,
        found.st_ctime_ns,
    ]


READ = "say(tried(lambda: os.read(os.open({path!r}, os.O_RDONLY), 10)))"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/proc/self/environ", "/proc/{worker}/environ", "/proc/{worker}/mem"]
)
def test_it_reads_no_file_and_no_memory_of_the_worker(there: Attacker, path: str) -> None:
    assert there.hears(READ.format(path=path.format(worker=os.getpid()))) in REFUSED


def test_it_reads_no_file_of_the_site(there: Attacker, by_landlock_alone: Attacker, loot: Path) -> None:
    for attack in (there, by_landlock_alone):
        assert attack.hears(READ.format(path=str(loot))) in REFUSED
        assert attack.hears(f"say(tried(os.listdir, {str(loot.parent)!r}))") in REFUSED


WRITES = {
    "make an empty file": "os.open({folder!r} + '/empty', os.O_CREAT | os.O_WRONLY)",
    "append": "os.write(os.open({file!r}, os.O_WRONLY | os.O_APPEND), b'x')",
    "overwrite": "os.pwrite(os.open({file!r}, os.O_WRONLY), b'x', 0)",
    "open to truncate": "os.open({file!r}, os.O_WRONLY | os.O_TRUNC)",
    "truncate": "os.truncate({file!r}, 0)",
    "map": "mmap.mmap(os.open({file!r}, os.O_RDWR), 0)",
    "delete": "os.unlink({file!r})",
    "rename": "os.rename({file!r}, {folder!r} + '/other')",
    "link": "os.link({file!r}, {folder!r} + '/other')",
    "symlink": "os.symlink({file!r}, {folder!r} + '/other')",
    "make a folder": "os.mkdir({folder!r} + '/folder')",
    "make a pipe": "os.mkfifo({folder!r} + '/pipe')",
}
NOT_FOR_LANDLOCK = {
    "chmod": "os.chmod({file!r}, 0o777)",
    "chown": "os.chown({file!r}, -1, -1)",
    "change the times": "os.utime({file!r})",
    "set an attribute": "os.setxattr({file!r}, 'user.x', b'x')",
}


@pytest.mark.parametrize("what", [*WRITES, *NOT_FOR_LANDLOCK])
def test_it_changes_no_file(there: Attacker, by_landlock_alone: Attacker, loot: Path, what: str) -> None:
    before = facts(loot)
    code = {**WRITES, **NOT_FOR_LANDLOCK}[what].format(file=str(loot), folder=str(loot.parent))
    for attack in (there, by_landlock_alone) if what in WRITES else (there,):
        assert attack.hears(f"say(tried(lambda: {code}))") in REFUSED
        assert [path.name for path in loot.parent.iterdir()] == [loot.name]
        assert loot.read_text() == "password hashes"
        assert facts(loot) == before


def test_it_leaves_no_code_for_the_next_start(there: Attacker) -> None:
    for folder in (sysconfig.get_path("purelib"), os.getcwd()):
        target = Path(folder, "attack.pth")
        assert there.hears(f"say(tried(os.open, {str(target)!r}, os.O_CREAT | os.O_WRONLY))") in REFUSED
        assert not target.exists()


def test_it_fills_no_disk(there: Attacker, loot: Path) -> None:
    code = f"""
    made = 0
    for number in range(2000):
        made += not tried(os.open, f"{loot.parent}/{{number}}", os.O_CREAT | os.O_WRONLY) in {REFUSED!r}
    say(made)
    """
    assert there.hears(code) == "0"
    assert len(list(loot.parent.iterdir())) == 1


def test_it_connects_nowhere(there: Attacker, by_landlock_alone: Attacker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as site:
        site.settimeout(0.1)
        for attack in (there, by_landlock_alone):
            for host in ("127.0.0.1", "192.0.2.1"):  # the second is unreachable (TEST-NET-1)
                address = (host, site.getsockname()[1])
                assert attack.hears(f"say(tried(lambda: socket.socket().connect({address!r})))") in REFUSED
        with pytest.raises(TimeoutError):
            site.accept()


def test_it_listens_nowhere(there: Attacker, by_landlock_alone: Attacker) -> None:
    for attack in (there, by_landlock_alone):
        assert attack.hears("say(tried(lambda: socket.socket().bind(('127.0.0.1', 0))))") in REFUSED


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK", "AF_PACKET"])
def test_it_has_no_socket_of_any_kind(there: Attacker, family: str) -> None:
    kinds = "(socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW)"
    heard = there.hears(f"say([tried(socket.socket, socket.{family}, kind) for kind in {kinds}])")
    assert heard == str(["EPERM"] * 3)
    assert there.hears("say(tried(socket.socketpair))") == "EPERM"
    assert there.hears("say(tried(os.pipe))") == "EPERM"


def test_it_kills_no_process(there: Attacker, by_landlock_alone: Attacker) -> None:
    for attack in (there, by_landlock_alone):
        for pid in (os.getpid(), attack.server.pid, -1, 1):
            for signum in ("SIGKILL", "SIGSTOP", "SIGTERM"):
                code = f"say(tried(os.kill, {pid}, signal.{signum}))"
                if pid == -1 and attack is by_landlock_alone:
                    continue  # it can reach only its own processes
                assert attack.hears(code) in REFUSED
        assert attack.server.status() != psutil.STATUS_ZOMBIE


def test_it_sends_no_signal_through_another_call(there: Attacker) -> None:
    pid = os.getpid()
    for number, arguments in {
        "tkill": (200, f"{pid}, 9"),
        "tgkill": (234, f"{pid}, {pid}, 9"),
        "rt_sigqueueinfo": (129, f"{pid}, 9, None"),
        "pidfd_open": (434, f"{pid}, 0"),
    }.values():
        assert there.hears(f"say(called({number}, {arguments}))") == "EPERM"


def test_it_traces_no_process(there: Attacker, by_landlock_alone: Attacker) -> None:
    for attack in (there, by_landlock_alone):
        for pid in (os.getpid(), attack.server.pid):
            assert attack.hears(f"say(called(101, 16, {pid}, 0, 0))") in REFUSED  # PTRACE_ATTACH
            code = f"""
            room = ctypes.create_string_buffer(8)
            part = struct.pack("PN", ctypes.addressof(room), 8)
            say(called(310, {pid}, part, 1, part, 1, 0))
            """
            assert attack.hears(code) in REFUSED  # process_vm_readv


def test_it_starts_no_process(there: Attacker) -> None:
    assert there.hears("say(tried(os.fork))") == "EPERM"
    assert there.hears("say(called(57))") == "EPERM"  # fork
    assert there.hears("say(called(58))") == "EPERM"  # vfork
    assert there.hears("say(called(56, signal.SIGCHLD, 0, 0, 0, 0))") == "EPERM"  # clone
    assert (
        there.hears("say(called(56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0))") == "EPERM"
    )  # in a new namespace
    assert there.hears("say(called(435, ctypes.create_string_buffer(88), 88))") == "ENOSYS"  # clone3
    assert there.hears("say(tried(os.posix_spawn, '/bin/sh', ['sh', '-c', 'sleep 99'], {}))") == "EPERM"
    assert there.hears("say([tried(os.fork) for _ in range(200)].count('EPERM'))") == "200"


def test_it_executes_no_program(there: Attacker) -> None:
    for program in ("/bin/sh", sys.executable):
        assert there.hears(f"say(tried(os.execv, {program!r}, ['x']))") in REFUSED
    assert there.hears("say(called(322, 0, b'/bin/sh', None, None, 0))") in REFUSED  # execveat


@pytest.mark.parametrize(
    "code",
    [
        "tried(os.setuid, 0)",
        "tried(os.setgid, 0)",
        "tried(os.setsid)",
        "tried(os.setpgid, 0, 0)",
        "tried(os.chroot, '/')",
        "tried(os.chdir, '/')",
        "tried(os.memfd_create, 'x')",
        "called(157, 38, 0, 0, 0, 0)",  # prctl
        "called(160, resource.RLIMIT_NPROC, struct.pack('QQ', 2**20, 2**20))",  # setrlimit
        "called(302, 0, resource.RLIMIT_AS, struct.pack('QQ', 2**62, 2**62), None)",  # prlimit64
        "called(165, b'/', b'/', b'', 0, None)",  # mount
        "called(272, 0x10000000)",  # unshare
        "called(308, 0, 0)",  # setns
        "called(250, 0, 0, 0, 0)",  # keyctl
        "called(321, 0, None, 0)",  # bpf
        "called(298, None, 0, -1, -1, 0)",  # perf_event_open
        "called(323, 0)",  # userfaultfd
        "called(425, 8, ctypes.create_string_buffer(120))",  # io_uring_setup
        "called(126, None, None)",  # capset
        "called(317, 0, 0, None)",  # seccomp
        "called(444, None, 0, 1)",  # landlock_create_ruleset
        "called(16, 0, 0x5412, b'x')",  # ioctl: inject terminal input
        "called(9, 0, 4096, 7, 0x22, -1, 0)",  # mmap: executable memory
    ],
)
def test_it_gets_no_privileges_and_no_rare_calls(there: Attacker, code: str) -> None:
    assert there.hears(f"say({code})") == "EPERM"


def test_it_inherits_only_its_socket(there: Attacker) -> None:
    code = """
    def there(fd):
        return libc.write(fd, b"", 0) == 0 or ctypes.get_errno() != errno.EBADF
    say(sorted(os.environ) + [sum(map(there, range(3, 4096)))])
    """
    # The socket, and the one through which it was received.
    assert there.hears(code) == str(["GLIBC_TUNABLES", "LC_ALL", "OPENBLAS_NUM_THREADS", 2])


def test_it_writes_nothing_to_the_log(there: Attacker, capfd: pytest.CaptureFixture[str]) -> None:
    there.answers("os.write(1, b'x' * 10**6); os.write(2, b'x' * 10**6); say(1)")
    assert capfd.readouterr() == ("", "")


def test_a_thread_bomb_affects_no_other_process(there: Attacker) -> None:
    code = """
    stop = threading.Event()
    threading.stack_size(65536)
    try:
        for number in range(100_000):
            threading.Thread(target=stop.wait, daemon=True).start()
    except RuntimeError:
        pass
    messages.send(lines[0], {"threads": number})
    """
    began = time.monotonic()
    answer = there.answers(code)[-1]
    assert isinstance(answer, Refused)
    assert answer.code == "crashed"  # because of its message
    assert time.monotonic() - began < 20
    assert isinstance(there.answers("", WEBP)[-1], Rendered)


def test_it_does_not_outlive_the_conversion(there: Attacker) -> None:
    server = there.server
    code = """
    messages.send(lines[0], {"index": 0, "code": "corrupt", "params": {}})
    for signum in range(1, 32):
        signum in (9, 19) or signal.signal(signum, signal.SIG_IGN)
    time.sleep(600)
    """
    there.answers(code)
    before = set(server.children())
    there.answers("", WEBP)
    _, alive = psutil.wait_procs(before, timeout=60)
    assert not alive
    assert len(server.children()) <= 1


def test_each_attempt_ends_at_most_one_job(there: Attacker) -> None:
    probed, first, second, third = there.answers("os.kill(os.getppid(), 9)", WEBP, PNG, WEBP)
    assert isinstance(probed, Probed)
    assert isinstance(first, Rendered)
    assert isinstance(second, Refused)
    assert second.code == "crashed"
    assert isinstance(third, Rendered)
