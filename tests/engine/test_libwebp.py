"""Lossy WebP by libwebp, judged by libvips, which has its own libwebp, and by Pillow."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any

import numpy as np
import PIL
import pytest
import pyvips
from PIL import Image, ImageChops, ImageDraw, ImageStat

from converter.engine import Limits, Recipe
from converter.engine.limits import Deadline
from converter.engine.raster import check, notes, open
from converter.engine.raster.aim import reached
from converter.engine.raster.codecs import libwebp
from converter.engine.raster.codecs.libwebp import Options
from converter.engine.raster.codecs.optional import OptionalLibrary, Unfit
from converter.engine.raster.codecs.webp_chunks import chunks, with_metadata
from converter.engine.raster.encode import Encoder, prepare
from converter.engine.raster.score import Reference
from converter.engine.raster.search import AIMS, Plan
from converter.engine.raster.steps import Frame
from converter.engine.report import Log, Result

from . import samples
from .samples import opened, saved

pytestmark = pytest.mark.long


def vivid(mode: str = "RGB") -> Image.Image:
    """Return a photo with lines in a colour that is not much brighter or darker."""
    image = samples.photo((161, 119))
    for y in range(5, 119, 7):
        ImageDraw.Draw(image).line((0, y, 160, y + 9), fill=(220, 60, 40), width=2)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def render(image: Image.Image, aim: str = "near_identical", **recipe: Any) -> Result:
    source = saved(image, "PNG", **recipe.pop("arguments", {}))
    return open(source, Limits(seconds=900)).render(Recipe.parse({"format": "webp", "aim": aim, **recipe}))


def decoded(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data)) as image:
        image.load()
    return image


def sharp(quality: int) -> Options:
    return Options(quality, 4, sharp=True)


def error(first: Image.Image, second: Image.Image) -> float:
    difference = ImageChops.difference(first.convert("RGBA"), second.convert("RGBA"))
    return max(ImageStat.Stat(difference).mean)


@pytest.mark.parametrize("mode", libwebp.MODES)
def test_the_sharp_mode_is_that_of_libvips(mode: str) -> None:
    image = vivid(mode)
    ours = libwebp.encoded(image, sharp(80))
    theirs = pyvips.Image.new_from_array(np.asarray(image)).webpsave_buffer(
        Q=80, effort=4, smart_subsample=True, keep="none"
    )
    assert len(ours) == pytest.approx(len(theirs), rel=0.01)
    assert error(decoded(ours), decoded(theirs)) < 0.2
    read = pyvips.Image.new_from_buffer(ours, "").numpy()
    assert error(decoded(ours), Image.fromarray(read)) < 0.2


@pytest.mark.parametrize("mode", libwebp.MODES)
@pytest.mark.parametrize("size", [(161, 119), (1, 1), (1, 300), (17, 5)])
@pytest.mark.parametrize("quality", [1, 40, 75, 100])
def test_the_usual_mode_writes_the_same_file_as_pillow(
    mode: str, size: tuple[int, int], quality: int
) -> None:
    image = vivid(mode).resize(size)
    for method in (0, 4, 6):
        ours = libwebp.encoded(image, Options(quality, method))
        assert ours == saved(image, "WEBP", quality=quality, method=method)


@pytest.mark.parametrize("mode", libwebp.MODES)
@pytest.mark.parametrize("sharp", [False, True])
def test_planes_are_encoded_at_several_qualities(mode: str, sharp: bool) -> None:
    image = vivid(mode)
    image.paste(0, (0, 0, 60, 60))  # transparent in RGBA
    planes = libwebp.planes(image, sharp)
    for quality in (40, 90, 40):
        assert planes.encode(quality, 4) == libwebp.encoded(image, Options(quality, 4, sharp))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (17, 5), (300, 257)])
def test_any_size_is_encoded(size: tuple[int, int]) -> None:
    for mode in libwebp.MODES:
        image = vivid(mode).resize(size)
        result = decoded(libwebp.encoded(image, sharp(90)))
        assert (result.mode, result.size) == (mode, size)


def test_colourful_pictures_reach_the_aim_in_fewer_bytes_than_without_loss() -> None:
    image = samples.photo()
    result = render(image)
    assert result.report.settings["sharp_yuv"] is True
    assert 82 <= Reference(image).score(opened(result)) <= 86
    assert Reference(image).score(decoded(saved(image, "WEBP", quality=98))) < 75
    assert len(result.data) < len(saved(image, "WEBP", lossless=True)) / 3


def test_the_usual_mode_is_kept_where_it_is_enough() -> None:
    assert "sharp_yuv" not in render(samples.photo().convert("L").convert("RGB"), "balanced").report.settings


def test_the_usual_mode_is_not_tried_where_the_search_starts_above_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = []
    encode = Encoder.encode

    def noted(self: Any, quality: Any = None) -> Any:
        tried.append(self.settings(quality).get("sharp_yuv"))
        return encode(self, quality)

    monkeypatch.setattr(Encoder, "encode", noted)
    photo = samples.photo()
    encoder = prepare([Frame.whole(photo)], Recipe.parse({"format": "webp"}), 1, {}, False, Log())
    aim = AIMS["near_identical"]
    found = reached(encoder, Reference(photo), aim, Deadline(900), Plan(90, (2,), encoder.usual))
    assert found.score >= aim.score
    assert set(tried) == {True}


def test_the_usual_mode_is_left_as_soon_as_it_would_take_too_high_a_quality(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = []
    encode = Encoder.encode

    def noted(self: Any, quality: Any = None) -> Any:
        tried.append((quality, self.settings(quality).get("sharp_yuv")))
        return encode(self, quality)

    monkeypatch.setattr(Encoder, "encode", noted)
    photo = samples.photo()
    encoder = prepare([Frame.whole(photo)], Recipe.parse({"format": "webp"}), 1, {}, False, Log())
    plan = Plan(60, (2, 3), encoder.usual)
    found = reached(encoder, Reference(photo), AIMS["near_identical"], Deadline(900), plan)
    assert found.score >= AIMS["near_identical"].score
    assert [quality for quality, sharp in tried if not sharp] == [60]
    assert tried[1][0] > 80


def test_metadata_is_stored_as_by_pillow() -> None:
    told = {"icc_profile": samples.display_p3() + b"\0", "exif": samples.exif(3), "xmp": b"<x:xmpmeta/>"}
    for mode in libwebp.MODES:
        image = vivid(mode)
        ours = with_metadata(
            libwebp.encoded(image, sharp(80)), image.size, told["icc_profile"], told["exif"], told["xmp"]
        )
        theirs = saved(image, "WEBP", quality=80, **told)
        pixels = (b"VP8 ", b"ALPH")
        assert [kind for kind, _ in chunks(ours)] == [kind for kind, _ in chunks(theirs)]
        for (kind, content), (_, other) in zip(chunks(ours), chunks(theirs), strict=True):
            assert kind in pixels or content == other
        assert int.from_bytes(ours[4:8], "little") + 8 == len(ours)


def test_a_result_keeps_its_metadata_in_the_sharp_mode() -> None:
    profile = samples.display_p3()
    result = render(samples.photo(), metadata="keep", color="keep", arguments={"icc_profile": profile})
    assert result.report.settings["sharp_yuv"] is True
    assert opened(result).info["icc_profile"] == profile


def test_transparent_pictures_keep_their_alpha_exactly() -> None:
    image = vivid("RGBA")
    kept = decoded(libwebp.encoded(image, sharp(60)))
    assert kept.getchannel("A").tobytes() == image.getchannel("A").tobytes()


def test_without_the_library_colourful_pictures_are_lossless(monkeypatch: pytest.MonkeyPatch) -> None:
    def tried() -> Any:
        raise Unfit("it is linked in another way")

    monkeypatch.setattr(libwebp, "LIBRARY", OptionalLibrary(tried))
    assert render(samples.photo()).report.settings["lossless"] is True
    assert check() == []
    assert notes() == [
        "WebP takes more memory, and more bytes with vivid colours: it is linked in another way."
    ]


def test_only_an_expendable_picture_is_closed_once_its_pixels_are_read() -> None:
    image = Image.new("RGB", (8, 8))
    kept = libwebp.encoded(image, Options(80, 4))
    assert libwebp.encoded(image, Options(80, 4, expendable=True)) == kept
    with pytest.raises(ValueError, match="closed"):
        image.getpixel((0, 0))


def test_pillow_may_have_been_built_without_webp(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(PIL, "_webp", raising=False)
    monkeypatch.setitem(sys.modules, "PIL._webp", None)
    assert "cannot be called: " in OptionalLibrary(libwebp._tried).problem()


def blurred(*_: Any) -> bytes:
    return saved(Image.new("RGB", (72, 40), "grey"), "WEBP")


def refused(*_: Any) -> bytes:
    raise OSError("error 4")


@pytest.mark.parametrize(("encode", "problem"), [(blurred, "encodes wrong pixels"), (refused, "error 4")])
def test_a_library_that_fails_its_test_is_not_used(
    monkeypatch: pytest.MonkeyPatch, encode: Any, problem: str
) -> None:
    monkeypatch.setattr(libwebp._LibWebp, "encode", encode)
    assert problem in OptionalLibrary(libwebp._tried).problem()


def test_another_version_of_its_structures_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libwebp, "_VERSION", 0x0310)
    assert "has another picture structure" in OptionalLibrary(libwebp._tried).problem()


def test_too_little_memory_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libwebp, "_OUT_OF_MEMORY", (5,))
    with pytest.raises(MemoryError):
        libwebp.LIBRARY.get().encode(Image.new("RGB", (16_384, 1)), sharp(80))


def test_the_sharp_mode_is_not_used_where_it_takes_too_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libwebp, "MOST_SHARP_PIXELS", 100)
    assert render(samples.photo()).report.settings["lossless"] is True


def test_a_picture_that_libwebp_cannot_store_is_an_error() -> None:
    with pytest.raises(OSError, match="error 5"):
        libwebp.LIBRARY.get().encode(Image.new("RGB", (16_384, 1)), sharp(80))
