"""A file that crashes the decoder, exhausts memory or never ends fails only its own output."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Generator, Iterator

import psutil
import pytest

from converter import engine
from converter.sandbox import Probed, Refused, Rendered, Sandbox
from tests.conftest import make_photo
from tests.sandbox.hostile import PNG, Attacker, attacker

pytestmark = pytest.mark.system

WEBP = engine.Recipe.parse({"format": "webp"})
LIMITS = engine.Limits()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox()
    yield made
    made.close()


@pytest.fixture(scope="module")
def there() -> Iterator[Attacker]:
    """Yield a shared fork server: what a child does affects no other file."""
    with attacker(make_photo()) as made:
        yield made


def test_it_works(sandbox: Sandbox, photo: bytes) -> None:
    probed, webp, png = sandbox.render(photo, [WEBP, PNG], LIMITS)
    assert isinstance(probed, Probed)
    assert (probed.facts["format"], probed.facts["width"]) == ("jpeg", 64)
    assert isinstance(webp, Rendered)
    assert isinstance(png, Rendered)
    assert (webp.index, webp.format, webp.width, webp.height) == (0, "webp", 64, 48)
    assert png.data.startswith(b"\x89PNG")


def test_one_fork_server_serves_many_files(sandbox: Sandbox) -> None:
    for width in range(20, 30):
        *_, answer = sandbox.render(make_photo(width), [WEBP], LIMITS)
        assert isinstance(answer, Rendered)
        assert answer.width == width
    assert sandbox._server
    assert sandbox._server.poll() is None


def test_a_file_that_is_no_image_refuses_every_output(sandbox: Sandbox) -> None:
    answers = list(sandbox.render(b"just text", [WEBP, PNG], LIMITS))
    assert [(a.index, a.code) for a in answers if isinstance(a, Refused)] == [
        (0, "not_an_image"),
        (1, "not_an_image"),
    ]


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        ("ctypes.string_at(0)", "crashed"),
        ("os.abort()", "crashed"),
        ("os._exit(0)", "crashed"),
        ("signal.pthread_kill(threading.get_ident(), signal.SIGKILL)", "out_of_memory"),
        ("bytearray(3 * 2**30)", "out_of_memory"),
        ("os.write(2, b'Insufficient memory (case 10)'); libc.exit(1)", "out_of_memory"),  # libjpeg
        ("os.write(2, b'what():  std::bad_alloc'); os.abort()", "out_of_memory"),
        ("os.write(2, b'memory allocation of 64 bytes failed'); os.abort()", "out_of_memory"),  # Rust
        ("os.write(2, b'Bogus marker length'); libc.exit(1)", "crashed"),
        ("time.sleep(600)", "timed_out"),
        ("while True: pass", "timed_out"),
    ],
)
def test_a_hostile_output_fails_alone(there: Attacker, deed: str, code: str) -> None:
    limits = engine.Limits(seconds=5 if code == "timed_out" else 60, memory_bytes=2**30)
    _, first, second, third = there.answers(deed, WEBP, PNG, WEBP, limits=limits)
    assert isinstance(first, Rendered)
    assert isinstance(second, Refused)
    assert (second.index, second.code) == (1, code)
    assert isinstance(third, Rendered)
    assert third.index == 2


@pytest.mark.long  # it fills its memory
def test_a_jpeg_without_enough_memory_has_that_error(there: Attacker) -> None:
    # jpegli itself would end the process.
    deed = """
    from PIL import Image
    from converter.engine.raster.codecs import jpegli
    noise = Image.effect_noise((3000, 2000), 60).convert("RGB")
    libc.malloc.restype = ctypes.c_void_p
    held = []
    while block := libc.malloc(2**20):
        held.append(block)
    for block in held[-28:]:
        libc.free(ctypes.c_void_p(block))
    jpegli.encoded(noise, jpegli.Options(80, True, False))
    """
    answer = there.answers(deed, limits=engine.Limits(memory_bytes=600 * 2**20))[-1]
    assert isinstance(answer, Refused)
    assert answer.code == "out_of_memory"


def test_log_messages_of_a_child_are_in_our_log(there: Attacker, caplog: pytest.LogCaptureFixture) -> None:
    refusing_writer = "from PIL import Image; Image.Image.save = lambda *args, **options: 1 / 0"
    _, first, second = there.answers(refusing_writer, WEBP, PNG)
    assert isinstance(first, Rendered)
    assert isinstance(second, Refused)
    assert second.code == "engine_error"
    [record] = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage() == "Error in the sandbox: The encoder of PNG rejected an image"
    assert record.__dict__["cause"].startswith("ZeroDivisionError: division by zero (")
    assert "encode.py:" in record.__dict__["cause"]


def test_an_internal_error_in_a_child_is_in_our_log(
    there: Attacker, caplog: pytest.LogCaptureFixture
) -> None:
    answer = there.answers("raise KeyError('ours')")[-1]
    assert isinstance(answer, Refused)
    assert answer.code == "crashed"
    assert ["KeyError: 'ours'" in record.__dict__["cause"] for record in caplog.records] == [True]


def test_a_long_error_is_cut_in_our_log(there: Attacker, caplog: pytest.LogCaptureFixture) -> None:
    answer = there.answers("logging.getLogger('converter').error('x' * 10**6)")[-1]
    assert isinstance(answer, Rendered)
    assert [len(record.getMessage()) < 5_000 for record in caplog.records] == [True]


def test_a_killed_fork_server_is_replaced(sandbox: Sandbox, photo: bytes) -> None:
    list(sandbox.render(photo, [WEBP], LIMITS))
    assert sandbox._server
    os.kill(sandbox._server.pid, signal.SIGKILL)
    sandbox._server.wait()
    *_, answer = sandbox.render(photo, [WEBP], LIMITS)
    assert isinstance(answer, Rendered)


@pytest.mark.long  # starting each fork server takes a while
@pytest.mark.parametrize(("times", "outcome"), [(2, "webp"), (3, "crashed")])
def test_a_file_that_kills_the_fork_server_three_times_fails(
    sandbox: Sandbox, photo: bytes, monkeypatch: pytest.MonkeyPatch, times: int, outcome: str
) -> None:
    kill_at_work(sandbox, times, monkeypatch)
    *_, answer = sandbox.render(photo, [WEBP], LIMITS)
    assert (answer.code if isinstance(answer, Refused) else getattr(answer, "format", "")) == outcome


@pytest.mark.long
def test_a_fork_server_that_is_killed_while_it_joins_is_replaced(
    sandbox: Sandbox, photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    *_, page = sandbox.render(photo, [engine.Recipe.parse({"format": "pdf"})], LIMITS)
    assert isinstance(page, Rendered)
    kill_at_work(sandbox, 1, monkeypatch)
    document = sandbox.join([page.data, page.data], LIMITS)
    assert isinstance(document, bytes)
    assert document.startswith(b"%PDF")


def kill_at_work(sandbox: Sandbox, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kill the fork server after each of the next `times` children has received its socket."""
    fork, left = sandbox._fork, iter(range(times))

    def fork_and_kill() -> socket.socket:
        line = fork()
        if next(left, None) is not None:
            assert sandbox._server
            sandbox._server.kill()
            sandbox._server.wait()
        return line

    monkeypatch.setattr(sandbox, "_fork", fork_and_kill)


def test_a_killed_child_does_not_fail_its_file(photo: bytes) -> None:
    count_children = (
        "globals().update(forks=[], fork=os.fork); os.fork = lambda: (forks.append(1), fork())[1]"
    )
    with attacker(photo, before=count_children) as there:
        images = {"code": b"time.sleep(600 if len(forks) == 1 else 0)"}
        answers = there.sandbox.render(photo, [PNG], LIMITS, images)
        assert isinstance(next(answers), Probed)
        for child in there.server.children():
            child.kill()
        (png,) = answers
    assert isinstance(png, Rendered)


def test_a_waiting_child_that_is_killed_is_replaced(photo: bytes) -> None:
    with attacker(photo) as there:
        there.answers("", WEBP)
        assert there.sandbox._ended() is not None  # that child has ended, so there is only the next one
        assert there.sandbox._server
        (waiting,) = psutil.Process(there.sandbox._server.pid).children()
        waiting.kill()
        # Its exit is not mistaken for the exit of the next one.
        _, webp, png = there.answers("ctypes.string_at(0)", WEBP, PNG)
    assert isinstance(webp, Rendered)
    assert isinstance(png, Refused)
    assert png.code == "crashed"


def test_nothing_outlives_the_worker(sandbox: Sandbox, photo: bytes) -> None:
    list(sandbox.render(photo, [WEBP], LIMITS))
    assert sandbox._server
    assert sandbox._control
    children = psutil.Process(sandbox._server.pid).children()
    sandbox._control.close()  # as if the worker were killed
    sandbox._server.wait(60)
    _, alive = psutil.wait_procs(children, timeout=60)
    assert not alive


def test_a_reader_that_stops_half_way_leaves_the_sandbox_in_order(sandbox: Sandbox, photo: bytes) -> None:
    answers = sandbox.render(photo, [WEBP, PNG, WEBP], LIMITS)
    assert isinstance(answers, Generator)
    next(answers)
    answers.close()
    *_, answer = sandbox.render(photo, [PNG], LIMITS)
    assert isinstance(answer, Rendered)
    assert answer.format == "png"


@pytest.mark.parametrize(("deed", "code"), [("time.sleep(600)", "timed_out"), ("os.abort()", "crashed")])
def test_a_file_that_cannot_be_decoded_is_tried_once_for_all_outputs(
    photo: bytes, deed: str, code: str
) -> None:
    with attacker(photo, before=f"raster.Source.load = lambda *_: {deed}") as there:
        there.answers("", limits=engine.Limits(seconds=1))  # the startup, which takes a while
        began = time.monotonic()
        found = there.answers("", WEBP, PNG, WEBP, PNG, limits=engine.Limits(seconds=2))
        assert time.monotonic() - began < 4 * 2
    assert [(a.index, a.code) for a in found if isinstance(a, Refused)] == [(n, code) for n in range(4)]


@pytest.mark.slow
def test_a_file_that_exceeds_its_time_limit_fails(photo: bytes) -> None:
    with attacker(photo) as there:
        there.answers("")
        began = time.monotonic()
        found = there.answers("time.sleep(600)", *[PNG] * 9, WEBP, limits=engine.Limits(seconds=1))
        assert time.monotonic() - began < 9 * 1
    assert [a.code for a in found if isinstance(a, Refused)] == ["timed_out"] * 10


def test_cancelled_work_ends(photo: bytes) -> None:
    with attacker(photo) as there:
        assert list(there.sandbox.render(photo, [WEBP], LIMITS))
        assert there.sandbox._server
        began = time.monotonic()
        images = {"code": b"time.sleep(600)"}
        found = list(there.sandbox.render(photo, [WEBP, PNG, WEBP], LIMITS, images, wanted=lambda: False))
        assert time.monotonic() - began < LIMITS.seconds
        assert [type(answer) for answer in found] == [Probed, Rendered]
        assert isinstance(list(there.sandbox.render(photo, [WEBP], LIMITS))[-1], Rendered)
        assert len(psutil.Process(there.sandbox._server.pid).children()) <= 1
