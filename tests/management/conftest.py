from __future__ import annotations

from collections.abc import Iterator
from queue import Empty, SimpleQueue

import pytest

from converter.management import converting
from converter.sandbox import Sandbox


@pytest.fixture(scope="session")
def idle_sandboxes() -> Iterator[SimpleQueue[Sandbox]]:
    idle: SimpleQueue[Sandbox] = SimpleQueue()
    yield idle
    while not idle.empty():
        idle.get().close()


@pytest.fixture(autouse=True)
def _sandboxes_stay_warm(monkeypatch: pytest.MonkeyPatch, idle_sandboxes: SimpleQueue[Sandbox]) -> None:
    """Reuse sandboxes across commands: starting one for each thread takes longer than most tests."""

    def take(*, required: bool) -> Sandbox:
        try:
            return idle_sandboxes.get_nowait()
        except Empty:
            return Sandbox(required=required)

    def give_back(converter: converting.LocalConverter) -> None:
        idle_sandboxes.put(converter._sandbox)

    monkeypatch.setattr(converting, "Sandbox", take)
    monkeypatch.setattr(converting.LocalConverter, "close", give_back)
