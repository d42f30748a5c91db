from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter import engine
from converter.web.forms import OutputForm
from converter.web.options import options, outputs, recipe_mapping, values_of
from converter.web.tags import wordiness


def test_every_option_of_every_format_is_in_the_form() -> None:
    fields = OutputForm().fields
    for option in options():
        assert option.path in fields


def test_every_option_is_shown() -> None:
    form = OutputForm()
    shown = [field.name for field in (*form.plain_fields(), *form.size_fields(), form.watermark_id())]
    shown += [field.name for _, fields in form.more() for field in fields]
    assert sorted(shown) == sorted(form.fields)


def test_the_form_offers_what_the_engine_writes() -> None:
    shown = str(OutputForm()["format"])
    for format in engine.FORMATS.values():
        assert (f'value="{format.name}"' in shown) == format.encodes
    assert 'value="auto"' in shown


def test_every_option_and_choice_has_words() -> None:
    for option in options():
        assert option.title
        for choice in option.schema.get("enum", []):
            assert option.label(choice)


def test_long_choices_have_a_row_of_their_own() -> None:
    form = OutputForm()
    assert wordiness(form["resize.gravity"]) == " is-wordy is-wordiest"  # “Most interesting area (auto)”
    assert wordiness(form["watermark.position"]) == " is-wordy"  # “Bottom right”
    assert wordiness(form["quality"]) == ""


@pytest.mark.parametrize("format", [format.name for format in outputs()])
def test_an_untouched_form_asks_for_nothing_but_the_format(format: str) -> None:
    defaults = {option.path: option.default for option in options()}
    mapping = recipe_mapping(format, defaults)
    assert engine.Recipe.parse(mapping) == engine.Recipe.parse({"format": format})


sides = st.one_of(st.none(), st.integers(1, 5000))
# The form omits the format's default quality, which is equivalent for the engine.
DEFAULT_QUALITY = engine.FORMATS["webp"].default_quality


@pytest.mark.long
@given(
    width=sides,
    height=sides,
    mode=st.sampled_from(["fit", "fill", "pad", "stretch"]),
    quality=st.one_of(st.none(), st.integers(1, 100).filter(lambda quality: quality != DEFAULT_QUALITY)),
    metadata=st.sampled_from(["strip", "strip_location", "keep"]),
)
def test_a_recipe_survives_the_form(
    width: int | None, height: int | None, mode: str, quality: int | None, metadata: str
) -> None:
    recipe = {"format": "webp", "quality": quality, "metadata": metadata}
    if width or height:
        recipe["resize"] = {"width": width, "height": height, "mode": mode}  # type: ignore[assignment]
    canonical = engine.Recipe.parse(recipe).canonical()
    again = engine.Recipe.parse(recipe_mapping("webp", values_of(canonical)))
    assert again.canonical() == canonical


@pytest.mark.parametrize(
    ("mode", "gravity", "kept"),
    [
        ("fill", "smart", "smart"),
        ("fill", "left", "left"),
        ("pad", "left", "left"),
        ("pad", "smart", None),
        ("fit", "smart", None),
        ("stretch", "left", None),
    ],
)
def test_gravity_is_read_only_with_the_modes_that_use_it(mode: str, gravity: str, kept: str | None) -> None:
    form = OutputForm({"format": "webp", "resize.width": 9, "resize.mode": mode, "resize.gravity": gravity})
    assert form.is_valid(), form.errors
    assert form.mapping()["resize"].get("gravity") == kept
