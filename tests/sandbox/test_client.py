"""A file that crashes the decoder, eats memory or never ends fails its own output and nothing else."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import psutil
import pytest

from converter import engine
from converter.sandbox import Probed, Refused, Rendered, Sandbox
from tests.conftest import make_photo

WEBP = engine.Recipe.parse({"format": "webp"})
PNG = engine.Recipe.parse({"format": "png"})
LIMITS = engine.Limits()

# What a hostile file would make a decoder do: the engine is replaced in the fork server, and so in its children.
HOSTILE = """
import os, sys, time, signal
sys.path[:] = {path!r}
from converter import engine
from converter.engine import raster
from converter.sandbox import fork_server
render = raster.Source.render
def hostile(self, recipe, images=None):
    if recipe.format == "png":
        {deed}
    return render(self, recipe, images or {{}})
raster.Source.render = hostile
fork_server._warm_up = lambda: fork_server._PICTURE
fork_server.run({fd})
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox()
    yield made
    made.close()


@pytest.fixture
def hostile(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Sandbox]:
    def make(deed: str) -> Sandbox:
        monkeypatch.setattr(
            "converter.sandbox.client._START", HOSTILE.replace("{deed}", deed.replace("{", "{{"))
        )
        return sandbox

    return make


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
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crashed"),
        ("os.abort()", "crashed"),
        ("os._exit(0)", "crashed"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "out_of_memory"),
        ("bytearray(3 * 2**30)", "out_of_memory"),
        ("time.sleep(600)", "timed_out"),
        ("while True: pass", "timed_out"),
    ],
)
def test_a_hostile_output_fails_alone(
    hostile: Callable[[str], Sandbox], photo: bytes, deed: str, code: str
) -> None:
    sandbox = hostile(deed)
    limits = engine.Limits(seconds=2, memory_bytes=2**30)
    _, first, second, third = sandbox.render(photo, [WEBP, PNG, WEBP], limits)
    assert isinstance(first, Rendered)
    assert isinstance(second, Refused)
    assert (second.index, second.code) == (1, code)
    assert isinstance(third, Rendered)
    assert third.index == 2


REFUSING_WRITER = "from PIL import Image; Image.Image.save = lambda *args, **options: 1 / 0"


def test_what_the_engine_logs_in_a_child_is_in_our_log(
    hostile: Callable[[str], Sandbox], photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    _, first, second = hostile(REFUSING_WRITER).render(photo, [WEBP, PNG], LIMITS)
    assert isinstance(first, Rendered)
    assert isinstance(second, Refused)
    assert second.code == "engine_error"
    [record] = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage() == "In the sandbox: The writer of PNG refused a picture"
    assert record.__dict__["cause"].startswith("ZeroDivisionError: division by zero (")
    assert "encode.py:" in record.__dict__["cause"]


def test_a_fault_of_ours_in_a_child_is_in_our_log(
    hostile: Callable[[str], Sandbox], photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    *_, answer = hostile("raise KeyError('ours')").render(photo, [PNG], LIMITS)
    assert isinstance(answer, Refused)
    assert answer.code == "crashed"
    assert ["KeyError: 'ours'" in record.__dict__["cause"] for record in caplog.records] == [True]


def test_a_child_that_was_taken_over_cannot_fill_our_log(
    hostile: Callable[[str], Sandbox], photo: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    deed = "import logging; logging.getLogger('converter').error('x' * 10**6)"
    *_, answer = hostile(deed).render(photo, [PNG], LIMITS)
    assert isinstance(answer, Rendered)
    assert [len(record.getMessage()) < 5_000 for record in caplog.records] == [True]


def test_the_child_writes_no_file(hostile: Callable[[str], Sandbox], photo: bytes, tmp_path: Path) -> None:
    target = tmp_path / "loot"
    sandbox = hostile(f"os.write(os.open({str(target)!r}, os.O_CREAT | os.O_WRONLY), b'x')")
    *_, answer = sandbox.render(photo, [PNG], LIMITS)
    assert isinstance(answer, Refused)
    assert target.stat().st_size == 0


def test_the_child_has_none_of_our_environment(
    hostile: Callable[[str], Sandbox], photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "the key of the site")
    seen = "(b'the key' in open('/proc/self/environ', 'rb').read() or 'django' in sys.modules) and os.abort()"
    sandbox = hostile(seen)
    *_, answer = sandbox.render(photo, [PNG], LIMITS)
    assert isinstance(answer, Rendered)


def test_a_killed_fork_server_is_replaced(sandbox: Sandbox, photo: bytes) -> None:
    list(sandbox.render(photo, [WEBP], LIMITS))
    assert sandbox._server
    os.kill(sandbox._server.pid, signal.SIGKILL)
    sandbox._server.wait()
    *_, answer = sandbox.render(photo, [WEBP], LIMITS)
    assert isinstance(answer, Rendered)


def test_a_waiting_child_that_is_killed_is_replaced(hostile: Callable[[str], Sandbox], photo: bytes) -> None:
    sandbox = hostile("os.kill(os.getpid(), signal.SIGSEGV)")
    assert isinstance(list(sandbox.render(photo, [WEBP], LIMITS))[1], Rendered)
    assert sandbox._exit_status() == 0  # that child has ended; the next one is the only one
    assert sandbox._server
    server = psutil.Process(sandbox._server.pid)
    while not (children := server.children()):
        time.sleep(0.01)
    (waiting,) = children
    waiting.kill()
    waiting.wait()
    # Its end is not taken for the end of the next one.
    answers = list(sandbox.render(photo, [WEBP, PNG], LIMITS))
    assert [type(answer) for answer in answers] == [Probed, Rendered, Refused]
    assert isinstance(answers[2], Refused)
    assert answers[2].code == "crashed"


def test_nothing_outlives_the_worker(sandbox: Sandbox, photo: bytes) -> None:
    list(sandbox.render(photo, [WEBP], LIMITS))
    assert sandbox._server
    assert sandbox._control
    children = psutil.Process(sandbox._server.pid).children()
    sandbox._control.close()  # as when the worker is killed
    sandbox._server.wait(10)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_a_reader_that_stops_half_way_leaves_the_sandbox_in_order(sandbox: Sandbox, photo: bytes) -> None:
    answers = sandbox.render(photo, [WEBP, PNG, WEBP], LIMITS)
    assert isinstance(answers, Generator)
    next(answers)
    answers.close()
    *_, answer = sandbox.render(photo, [PNG], LIMITS)
    assert isinstance(answer, Rendered)
    assert answer.format == "png"
