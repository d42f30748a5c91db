from __future__ import annotations

import json

import pytest

from converter import engine
from converter.web import presets
from converter.web.forms import OutputForm
from converter.web.presets import PRESETS, Preset


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: str(preset.name))
def test_a_preset_is_a_recipe(preset: Preset) -> None:
    recipe = engine.Recipe.parse({"format": "webp", **preset.recipe})
    assert recipe.resize


def test_every_preset_sets_the_same_fields_of_the_form() -> None:
    sets = [json.loads(values) for _, values in presets.choices()]
    fields = set().union(*sets)
    assert fields <= set(OutputForm().fields)
    assert {frozenset(set(values) - {"format"}) for values in sets} == {frozenset(fields - {"format"})}


def test_presets_use_the_units_of_the_form() -> None:
    application = json.loads(presets.choices()[0][1])
    assert application["target_bytes"] == 200  # KB


def test_printed_sizes_are_those_of_300_dots_to_the_inch() -> None:
    for millimetres, pixels in {35: 413, 45: 531, 210: 2480, 297: 3508}.items():
        assert round(millimetres / 25.4 * 300) == pixels
