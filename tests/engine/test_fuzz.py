from __future__ import annotations

import random

import pytest

from . import fuzz


@pytest.mark.parametrize("seed", range(12))
def test_damaged_files_raise_only_our_errors(seed):
    chance, sources = random.Random(seed), fuzz.seeds()
    outcomes = {fuzz.attack(fuzz.mutated(chance, sources)) for _ in range(100)}
    assert "converted" in outcomes
    assert outcomes & {"truncated", "corrupt", "not_an_image"}


def test_undamaged_files_are_converted():
    assert {fuzz.attack(data) for data in fuzz.seeds()} == {"converted"}
