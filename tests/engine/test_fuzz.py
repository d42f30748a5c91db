from __future__ import annotations

import random

import pytest
from PIL import Image

from . import fuzz, fuzz_encoders, samples

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


@pytest.mark.parametrize("format", fuzz_encoders.ENCODERS)
@pytest.mark.parametrize("first", [0, pytest.param(1000, marks=pytest.mark.slow)])
def test_every_encoder_keeps_random_pictures(format: str, first: int) -> None:
    attempt = fuzz_encoders.encoded(format)
    for seed in range(first, first + (100 if first else 5)):
        assert attempt(random.Random(seed)) == format


def test_a_wrong_image_is_detected() -> None:
    grey, photo = samples.saved(Image.new("RGB", (99, 70), "grey"), "PNG"), samples.photo((99, 70))
    for format in fuzz_encoders.ENCODERS:
        recipe = fuzz_encoders.random_recipe(random.Random(1), format)
        fuzz_encoders.check(photo, samples.saved(photo, "PNG"), recipe)
        with pytest.raises(AssertionError):
            fuzz_encoders.check(photo, grey, recipe)
