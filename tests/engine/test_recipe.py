from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converter import engine
from converter.engine import FORMATS, InvalidRecipe, Recipe

FULL = {
    "format": "webp",
    "quality": 80,
    "lossless": False,
    "progressive": True,
    "resize": {"mode": "fit", "width": 1600, "height": 1200, "enlarge": False, "gravity": "center"},
    "crop": {"x": 0, "y": 0, "width": 100, "height": 100},
    "rotate": 0,
    "flip": None,
    "background": "#ffffff",
    "metadata": "strip",
    "color": "srgb",
    "frames": "all",
    "watermark": {"text": "© me", "image": None, "position": "bottom_right", "opacity": 0.5, "scale": 0.2},
}

FILL = {"mode": "fill", "width": 5, "height": 5}


def pointers(mapping: Any) -> set[str]:
    with pytest.raises(InvalidRecipe) as caught:
        Recipe.parse(mapping)
    assert caught.value.code == "invalid_recipe"
    assert all(error.message.text.endswith(".") for error in caught.value.errors)
    return {error.pointer for error in caught.value.errors}


def test_a_recipe_with_every_option_at_its_default_is_the_smallest_recipe() -> None:
    recipe = Recipe.parse(FULL)
    assert recipe.canonical() == {
        "format": "webp",
        "quality": 80,
        "crop": {"height": 100, "width": 100, "x": 0, "y": 0},
        "resize": {"height": 1200, "width": 1600},
        "watermark": {"text": "© me"},
    }
    assert list(recipe.canonical()) == sorted(recipe.canonical())


def test_short_names_are_aliases_of_the_long_ones() -> None:
    assert Recipe.parse({"format": "jpg"}) == Recipe.parse({"format": "jpeg"})
    assert Recipe.parse({"format": "tif"}).hash == Recipe.parse({"format": "tiff"}).hash


def test_a_focal_point_is_part_of_the_canonical_recipe() -> None:
    filled = {"format": "webp", "resize": FILL}
    recipe = Recipe.parse({**filled, "focal_point": {"y": 1.0, "x": 0.25}})
    assert recipe.to_json() == (
        '{"focal_point":{"x":0.25,"y":1},"format":"webp","resize":{"height":5,"mode":"fill","width":5}}'
    )
    assert recipe.hash == Recipe.parse({**filled, "focal_point": {"x": 0.25, "y": 1}}).hash
    assert recipe.hash != Recipe.parse(filled).hash
    assert Recipe.parse({**filled, "focal_point": None}).hash == Recipe.parse(filled).hash


def test_one_meaning_has_one_hash() -> None:
    same = [
        {"format": "png", "background": "#FFF"},
        {"format": "png", "lossless": True},
        {"format": "png", "progressive": False},
        {"format": "png", "resize": None},
        {"format": "PNG"},
    ]
    assert {Recipe.parse(mapping).hash for mapping in same} == {Recipe.parse({"format": "png"}).hash}


def test_an_integer_may_have_a_decimal_point_as_json_schema_says() -> None:
    recipe = Recipe.parse(
        {"format": "webp", "quality": 80.0, "rotate": 90.0, "depth": 8.0, "resize": {"width": 1600.0}}
    )
    assert recipe.to_json() == (
        '{"depth":8,"format":"webp","quality":80,"resize":{"width":1600},"rotate":90}'
    )
    assert recipe.resize
    assert all(
        type(number) is int for number in (recipe.quality, recipe.rotate, recipe.depth, recipe.resize.width)
    )


def test_a_whole_number_is_the_same_with_and_without_a_point() -> None:
    whole, pointed = ({"format": "png", "resize": {"scale": scale}} for scale in (50, 50.0))
    assert Recipe.parse(whole).hash == Recipe.parse(pointed).hash


def test_the_canonical_json_is_compact_and_sorted() -> None:
    text = Recipe.parse({"resize": {"width": 5}, "format": "png"}).to_json()
    assert text == '{"format":"png","resize":{"width":5}}'


def test_all_problems_are_reported_at_once() -> None:
    assert pointers(
        {
            "format": "jpeg",
            "quality": 101,
            "lossless": True,
            "rotate": 45,
            "resize": {"width": 0, "mode": "squeeze"},
            "sharpen": 3,
            "background": "white",
        }
    ) == {"/quality", "/lossless", "/rotate", "/resize/width", "/resize/mode", "/sharpen", "/background"}


@pytest.mark.parametrize(
    ("mapping", "pointer"),
    [
        ({}, "/format"),
        ({"format": "heic"}, "/format"),
        ({"format": "svg"}, "/format"),
        ({"format": None}, "/format"),
        ({"format": "png", "quality": 80}, "/quality"),
        ({"format": "jpeg", "lossless": True}, "/lossless"),
        ({"format": "gif", "lossless": True}, "/lossless"),
        ({"format": "webp", "lossless": True, "quality": 80}, "/quality"),
        ({"format": "jpeg", "background": "transparent"}, "/background"),
        ({"format": "webp", "quality": True}, "/quality"),
        ({"format": "webp", "quality": 80.5}, "/quality"),
        ({"format": "webp", "quality": 800.0}, "/quality"),
        ({"format": "webp", "quality": float("inf")}, "/quality"),
        ({"format": "auto", "quality": 80.0}, "/quality"),
        ({"format": "webp", "quality": "80"}, "/quality"),
        ({"format": "webp", "lossless": 1}, "/lossless"),
        ({"format": "webp", "resize": {}}, "/resize"),
        ({"format": "webp", "resize": {"width": None}}, "/resize"),
        ({"format": "webp", "resize": {"width": 70000}}, "/resize/width"),
        ({"format": "webp", "resize": 5}, "/resize"),
        ({"format": "webp", "resize": {"width": 5, "filter": "box"}}, "/resize/filter"),
        ({"format": "webp", "crop": {"x": 0, "y": 0, "width": 5}}, "/crop/height"),
        ({"format": "webp", "crop": {"x": -1, "y": 0, "width": 5, "height": 5}}, "/crop/x"),
        ({"format": "webp", "crop": {"x": 0, "y": 0, "width": 0, "height": 5}}, "/crop/width"),
        ({"format": "webp", "watermark": {}}, "/watermark"),
        ({"format": "webp", "watermark": {"text": "a", "image": "b"}}, "/watermark"),
        ({"format": "webp", "watermark": {"text": ""}}, "/watermark/text"),
        ({"format": "webp", "watermark": {"text": "a", "opacity": 2}}, "/watermark/opacity"),
        ({"format": "webp", "watermark": {"text": "a", "opacity": float("nan")}}, "/watermark/opacity"),
        ({"format": "webp", "quality": 80, "aim": "small"}, "/aim"),
        ({"format": "webp", "aim": "small", "target_bytes": 9000}, "/target_bytes"),
        ({"format": "webp", "aim": "tiny"}, "/aim"),
        ({"format": "png", "aim": "small"}, "/aim"),
        ({"format": "gif", "target_bytes": 9000}, "/target_bytes"),
        ({"format": "webp", "lossless": True, "target_bytes": 9000}, "/target_bytes"),
        ({"format": "webp", "target_bytes": 10}, "/target_bytes"),
        ({"format": "webp", "shrink_to_fit": True}, "/shrink_to_fit"),
        ({"format": "auto", "quality": 80}, "/quality"),
        ({"format": "gif", "effort": 5}, "/effort"),
        ({"format": "webp", "effort": 10}, "/effort"),
        ({"format": "webp", "resize": {"scale": 50, "width": 5}}, "/resize/scale"),
        ({"format": "webp", "resize": {"scale": 150}}, "/resize/scale"),
        ({"format": "webp", "resize": {"scale": 50, "mode": "fill"}}, "/resize/mode"),
        ({"format": "webp", "resize": {"width": 50, "gravity": "smart"}}, "/resize/gravity"),
        ({"format": "webp", "focal_point": {"x": 0.5, "y": 0.5}}, "/focal_point"),
        (
            {"format": "webp", "resize": {"width": 5, "mode": "pad"}, "focal_point": {"x": 0.5, "y": 0.5}},
            "/focal_point",
        ),
        (
            {"format": "webp", "resize": {**FILL, "gravity": "top"}, "focal_point": {"x": 0, "y": 0}},
            "/resize/gravity",
        ),
        (
            {"format": "webp", "resize": {**FILL, "gravity": "smart"}, "focal_point": {"x": 0, "y": 0}},
            "/resize/gravity",
        ),
        ({"format": "webp", "resize": FILL, "focal_point": {"x": 0.5}}, "/focal_point/y"),
        ({"format": "webp", "resize": FILL, "focal_point": {"x": 1.01, "y": 0}}, "/focal_point/x"),
        ({"format": "webp", "resize": FILL, "focal_point": {"x": 0, "y": float("nan")}}, "/focal_point/y"),
        ({"format": "webp", "focal_point": [0.5, 0.5]}, "/focal_point"),
        ({"format": "webp", "watermark": {"text": "a", "tile": 1}}, "/watermark/tile"),
        ({"format": "webp", "background": "#fff\n"}, "/background"),
        ({"format": "webp", "a/b~c": 1}, "/a~1b~0c"),
        ([], ""),
        (None, ""),
        ("webp", ""),
    ],
)
def test_invalid_options_are_refused_at_their_pointer(mapping: Any, pointer: str) -> None:
    assert pointers(mapping) == {pointer}


def test_an_error_can_be_sent_between_processes() -> None:
    import pickle

    with pytest.raises(InvalidRecipe) as caught:
        Recipe.parse({"format": "png", "quality": 3})
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.errors, again.message) == (caught.value.errors, caught.value.message)


@pytest.mark.parametrize(
    ("mapping", "sentence"),
    [
        (
            {
                "format": "webp",
                "quality": 80,
                "resize": {"width": 1600, "height": 1600},
                "metadata": "strip_location",
            },
            "WebP, quality 80, fit in 1600×1600, location removed",
        ),
        ({"format": "jpg"}, "JPEG, metadata removed"),
        (
            {
                "format": "jpg",
                "progressive": False,
                "background": "#000",
                "flip": "vertical",
                "resize": {"height": 9},
            },
            "JPEG, not progressive, flipped top to bottom, fit in 9 high, background #000000, metadata removed",
        ),
        ({"format": "auto", "aim": "small"}, "Best format, small, metadata removed"),
        (
            {"format": "webp", "target_bytes": 200000, "shrink_to_fit": True, "resize": {"scale": 50}},
            "WebP, at most 200,000 bytes (smaller dimensions if needed), scaled to 50 percent, metadata removed",
        ),
        (
            {"format": "avif", "effort": 9, "watermark": {"text": "mine", "tile": True}},
            "AVIF, effort 9, tiled watermark “mine”, metadata removed",
        ),
        (
            {
                "format": "png",
                "crop": {"x": 1, "y": 2, "width": 3, "height": 4},
                "rotate": 90,
                "metadata": "keep",
            },
            "PNG, cropped to 3×4 at 1,2, rotated 90°, metadata kept",
        ),
        (
            {
                "format": "png",
                "resize": {"mode": "fill", "width": 3, "height": 4},
                "focal_point": {"x": 0.3, "y": 0},
            },
            "PNG, fill 3×4, focal point 30 percent across, 0 percent down, metadata removed",
        ),
        (
            {"format": "gif", "frames": "first", "resize": {"mode": "fill", "width": 10, "enlarge": True}},
            "GIF, first frame only, fill 10 wide, enlarged if needed, metadata removed",
        ),
        (
            {"format": "webp", "lossless": True, "watermark": {"text": "mine"}, "color": "keep"},
            "WebP, lossless, colour profile kept, watermark “mine”, metadata removed",
        ),
    ],
)
def test_a_recipe_can_be_described_in_words(mapping: dict[str, Any], sentence: str) -> None:
    assert engine.sentence(Recipe.parse(mapping)) == sentence


SIDE = st.integers(1, 5000)
RESIZE = st.fixed_dictionaries(
    {"width": SIDE},
    optional={
        "height": SIDE | st.none(),
        "mode": st.sampled_from(["fit", "fill", "pad", "stretch"]),
        "enlarge": st.booleans(),
        "gravity": st.sampled_from(["center", "top_left", "bottom"]),
    },
)
RECIPES = st.fixed_dictionaries(
    {
        "format": st.sampled_from(
            [name for name, format in FORMATS.items() if format.encodes] + ["jpg", "tif"]
        )
    },
    optional={
        "resize": RESIZE | st.none(),
        "rotate": st.sampled_from([0, 90, 180, 270]),
        "flip": st.sampled_from([None, "horizontal", "vertical"]),
        "background": st.sampled_from(["#fff", "#FFFFFF", "#123abc"]),
        "metadata": st.sampled_from(["strip", "strip_location", "keep"]),
        "color": st.sampled_from(["srgb", "keep"]),
        "frames": st.sampled_from(["all", "first"]),
        "progressive": st.booleans(),
        "watermark": st.none()
        | st.fixed_dictionaries(
            {"text": st.text(min_size=1, max_size=20)},
            optional={"opacity": st.floats(0.01, 1), "scale": st.just(1)},
        ),
    },
)


@pytest.mark.long
@given(RECIPES)
@settings(max_examples=200, deadline=None)
def test_the_canonical_form_means_the_same(mapping: Any) -> None:
    recipe = Recipe.parse(mapping)
    again = Recipe.parse(json.loads(recipe.to_json()))
    assert again.canonical() == recipe.canonical()
    assert again.hash == recipe.hash
    assert engine.sentence(recipe)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*FULL, "text", "x"]), inner, max_size=6)
    ),
    max_leaves=12,
)


@pytest.mark.slow
@given(JSON)
@settings(max_examples=300, deadline=None)
def test_any_json_is_either_a_recipe_or_refused(value: Any) -> None:
    try:
        recipe = Recipe.parse(value)
    except InvalidRecipe as exc:
        problems = exc.errors
    else:
        assert recipe.target.encodes
        problems = []
    assert all(problem.message.text for problem in problems)
