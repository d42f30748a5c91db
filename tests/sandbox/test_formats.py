"""Every format can be read and written with all layers of the sandbox, as without any."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from converter import engine
from converter.engine.raster import convert
from converter.engine.raster.codecs import CODECS, Codec
from converter.sandbox import Probed, Refused, Rendered, Sandbox
from tests.engine import samples

pytestmark = pytest.mark.system

READ = [codec for codec in CODECS.values() if codec.format.decodes]
WRITTEN = [name for name, format in engine.FORMATS.items() if format.encodes]
RECIPES = [
    *(engine.Recipe.parse({"format": name}) for name in WRITTEN),
    # What needs more than the codec: fonts, the resizer, profiles, a search, several encodes.
    engine.Recipe.parse({"format": "auto", "aim": "balanced"}),
    engine.Recipe.parse({"format": "webp", "target_bytes": 400, "shrink_to_fit": True}),
    engine.Recipe.parse(
        {"format": "avif", "resize": {"width": 20}, "rotate": 90, "watermark": {"text": "Größe"}}
    ),
    engine.Recipe.parse({"format": "jpeg", "metadata": "keep", "color": "keep", "progressive": True}),
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(required=True)  # it does not start if a layer is missing
    yield made
    made.close()


@pytest.mark.parametrize("codec", READ, ids=lambda codec: codec.format.name)
def test_every_format_is_converted_to_every_other(sandbox: Sandbox, codec: Codec) -> None:
    sample = codec.sample()
    probed, *answers = sandbox.render(sample, RECIPES, engine.Limits())
    assert isinstance(probed, Probed)
    assert probed.facts["format"] == codec.format.name
    for recipe, answer, outside in zip(RECIPES, answers, convert(sample, *RECIPES), strict=True):
        if isinstance(outside, engine.EngineError):
            assert isinstance(answer, Refused), recipe
            assert answer.code == outside.code, recipe
            continue
        assert isinstance(answer, Rendered), (recipe, answer)
        assert (answer.format, answer.width, answer.height) == (
            outside.format,
            outside.width,
            outside.height,
        )
        assert answer.data == outside.data, recipe


@pytest.mark.parametrize(("format", "arguments"), [("JPEG", {}), ("TIFF", {"compression": "group4"})])
def test_damage_that_decoders_only_report_is_noted(
    sandbox: Sandbox, format: str, arguments: dict[str, str]
) -> None:
    picture = samples.grainy((400, 300))
    data = samples.saved(picture.convert("1") if format == "TIFF" else picture, format, **arguments)
    middle = len(data) // 2
    damaged = data[:middle] + bytes(range(1, 100)) * 5 + data[middle + 495 :]
    for file, wanted in ((data, []), (damaged, ["image_incomplete"])):
        _, answer = sandbox.render(file, [engine.Recipe.parse({"format": "png"})], engine.Limits())
        assert isinstance(answer, Rendered), answer
        assert [warning["code"] for warning in answer.report["warnings"]] == wanted


def test_none_is_left_out() -> None:
    assert {recipe.format for recipe in RECIPES} == {*WRITTEN, "auto"}
    assert {codec.format.name for codec in READ} >= {"jpeg", "png", "webp", "avif", "gif", "tiff", "heic"}
