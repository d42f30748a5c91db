from __future__ import annotations

import random

import pytest

from . import fuzz

pytestmark = pytest.mark.long

SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 12))]


@pytest.mark.parametrize("seed", SEEDS)
def test_damaged_files_raise_only_our_errors(seed: int) -> None:
    chance, sources = random.Random(seed), fuzz.seeds()
    outcomes = {fuzz.attack(fuzz.mutated(chance, sources)) for _ in range(100)}
    assert "converted" in outcomes
    assert outcomes & {"truncated", "corrupt", "not_an_image"}


def test_undamaged_files_are_converted() -> None:
    assert {fuzz.attack(data) for data in fuzz.seeds()} == {"converted"}
