from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks import fairness
from tests.benchmarks.overhead import photo
from tests.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.system]


def test_a_large_upload_does_not_delay_others(tmp_path: Path, new_site: Path) -> None:
    with Server(tmp_path / "site", like=new_site) as server:
        tokens = server.python(fairness.MAKE_TOKENS).split()
        server.start()
        seconds, waiting = fairness.measure(server.url, tokens, 60, photo(1, (1200, 900)))
    # First come, first served would have left none of the other jobs waiting.
    assert waiting > 20
    assert seconds < 30
