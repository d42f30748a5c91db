from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.run import run

pytestmark = [pytest.mark.slow, pytest.mark.system]


def test_nothing_is_lost_duplicated_or_left_behind(tmp_path: Path) -> None:
    (tmp_path / "chaos").mkdir()
    outcome = run(tmp_path / "chaos", seconds=60, seed=1)
    assert outcome.wrong == []
    assert outcome.batches > 5
    assert sum(outcome.faults.values()) > 5
