"""The visual score is SSIMULACRA2."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from converter.engine import raster
from converter.engine.raster.sample import bands, is_large
from converter.engine.raster.score import Reference

from . import samples

pytestmark = pytest.mark.long

Change = Callable[[Image.Image], Image.Image]


def score(picture: Image.Image, other: Image.Image) -> float:
    return Reference(picture).score(other)


def jpeg(quality: int) -> Change:
    def compressed(picture: Image.Image) -> Image.Image:
        file = BytesIO()
        picture.save(file, "JPEG", quality=quality)
        return Image.open(file)

    return compressed


def blurred(picture: Image.Image) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(0.6))


def pale(picture: Image.Image) -> Image.Image:
    return ImageEnhance.Color(picture).enhance(0.9)


def coarse(picture: Image.Image) -> Image.Image:
    return ImageOps.posterize(picture, 5)


def photo() -> Image.Image:
    return samples.grainy((320, 240))


def drawing() -> Image.Image:
    image = Image.new("RGB", (401, 301), "white")
    draw = ImageDraw.Draw(image)
    for number in range(12):
        left = 20 + 30 * number
        draw.rectangle((left, 30, left + 22, 290 - 15 * number), fill=(20 * number, 60, 200))
        draw.ellipse((left, 100, left + 40, 140), outline="red", width=3)
    return image


def dark() -> Image.Image:
    return samples.grainy((333, 227)).point(lambda value: value // 5)


def gray() -> Image.Image:
    return samples.grainy((240, 320)).convert("L")


def smooth() -> Image.Image:
    bands = [Image.linear_gradient("L").rotate(turn).resize((300, 300)) for turn in (0, 90, 180)]
    return Image.merge("RGB", bands)


def mosaic(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return a large image made of many small ones."""
    image = Image.new(picture.mode, size)
    for left in range(0, size[0], picture.width):
        for top in range(0, size[1], picture.height):
            image.paste(picture, (left, top))
    return image


WITNESSED = [
    (photo, jpeg(30), 25.68),
    (photo, jpeg(60), 44.76),
    (photo, jpeg(90), 67.22),
    (photo, blurred, 71.01),
    (photo, pale, 82.69),
    (photo, coarse, 86.23),
    (drawing, jpeg(30), 40.93),
    (drawing, jpeg(90), 59.03),
    (drawing, blurred, 70.39),
    (drawing, pale, 80.78),
    (dark, jpeg(30), 42.11),
    (dark, jpeg(90), 83.51),
    (dark, coarse, 77.36),
    (gray, jpeg(60), 58.03),
    (gray, jpeg(90), 82.87),
    (gray, coarse, 82.19),
    (smooth, jpeg(30), 43.17),
    (smooth, jpeg(60), 78.21),
    (smooth, jpeg(90), 92.48),
    (smooth, coarse, 71.17),
]


@pytest.mark.parametrize(("picture", "change", "wanted"), WITNESSED)
def test_a_score_is_that_of_the_package_ssimulacra2(
    picture: Callable[[], Image.Image], change: Change, wanted: float
) -> None:
    """Expected values: version 0.3.0, with the same pixels."""
    assert score(picture(), change(picture())) == pytest.approx(wanted, abs=0.5)


def test_nothing_lost_is_100_and_everything_lost_is_0() -> None:
    assert score(photo(), photo()) == pytest.approx(100)
    assert score(photo(), Image.new("RGB", photo().size)) == 0


@pytest.mark.parametrize("size", [(1, 1), (1, 16_000), (3, 3), (7, 200), (15, 16), (63, 65)])
def test_a_picture_of_any_size_has_a_score(size: tuple[int, int]) -> None:
    picture = samples.grainy(size)
    assert score(picture, picture) == pytest.approx(100)
    kept, lost = (score(picture, jpeg(quality)(picture)) for quality in (95, 5))
    assert lost < kept < 100


def test_a_small_picture_is_judged_as_a_large_one() -> None:
    """The package omits scales below eight pixels, and applies their weights to others."""
    small = samples.grainy((56, 48))
    large, worse = (mosaic(picture, (560, 480)) for picture in (small, jpeg(60)(small)))
    assert score(small, jpeg(60)(small)) == pytest.approx(score(large, worse), abs=5)


def test_lost_colours_lower_the_score() -> None:
    assert score(samples.photo(), samples.photo().convert("L")) < 50


def test_transparent_parts_count_as_white() -> None:
    clear = drawing().convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    white = Image.new("RGBA", clear.size, "white")
    white.alpha_composite(clear)
    assert score(white.convert("RGB"), clear) == pytest.approx(100)
    clear.putalpha(255)
    assert score(white.convert("RGB"), clear) < 50


def test_a_reference_may_be_used_again() -> None:
    reference = Reference(photo())
    first = reference.score(jpeg(50)(photo()))
    reference.score(jpeg(5)(photo()))
    assert reference.score(jpeg(50)(photo())) == first


def uneven(size: tuple[int, int]) -> Image.Image:
    """Return a large picture with grain, soft parts, fine black and white dots, and a dark part."""
    width, height = size
    picture = samples.grainy(size)
    soft = picture.crop((0, 0, width // 2, height)).filter(ImageFilter.GaussianBlur(3))
    picture.paste(soft, (0, 0))
    dots = picture.crop((width // 4, 0, width // 2, height)).convert("1").convert("RGB")
    picture.paste(dots, (width // 4, 0))
    dark = picture.crop((width // 3, 0, width, height // 3)).point(lambda value: value // 5)
    picture.paste(dark, (width // 3, 0))
    return picture


@pytest.mark.parametrize("size", [(1801, 1301), (700, 4001), (6400, 330)])
def test_a_large_picture_is_judged_as_if_every_row_were(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = uneven(size)
    changed = [change(picture) for change in (jpeg(60), jpeg(90), blurred)]
    sampled = [score(picture, one) for one in changed]
    monkeypatch.setattr(raster.score, "is_large", lambda _: False)
    assert sampled == pytest.approx([score(picture, one) for one in changed], abs=0.7)


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P"])
def test_a_large_picture_of_any_mode_has_a_score(mode: str) -> None:
    picture = mosaic(samples.grainy((160, 160)), (1801, 1301)).convert(mode)
    assert score(picture, picture) == pytest.approx(100)
    assert score(picture, Image.new("RGB", picture.size)) == 0


@pytest.mark.parametrize("size", [(1801, 1301), (32_000, 64), (64, 32_000), (10_000, 10_000)])
@pytest.mark.parametrize("rows", [14, 28])
def test_bands_lie_apart_in_the_picture(size: tuple[int, int], rows: int) -> None:
    found = bands(size, rows)
    assert is_large(size)
    assert all(bottom - top == rows for _, top, _, bottom in found)
    edges = [0, *(edge for _, top, _, bottom in found for edge in (top, bottom)), size[1]]
    assert edges == sorted(edges)
