"""Several outputs of one file: none may change another, and none may fail because of the kind of image."""

from __future__ import annotations

import itertools
import re
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, TiffImagePlugin

from converter.engine import FORMATS, Recipe, Result
from converter.engine.raster import convert

from . import samples
from .samples import saved

OUTPUTS = [name for name, format in FORMATS.items() if format.encodes]
MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"]


def small(mode: Any) -> Any:
    if mode == "I;16":
        wide = Image.new("I", (12, 9))
        wide.putdata([500 * n for n in range(12 * 9)])
        return wide.convert("I;16")
    if mode in ("LA", "RGBA"):
        image = samples.photo((12, 9)).convert(mode)
        image.putalpha(Image.linear_gradient("L").resize((12, 9)))
        return image
    return samples.photo((12, 9)).convert(mode)


def scanned(size: tuple[int, int]) -> Image.Image:
    return samples.quarters(size).convert("1", dither=Image.Dither.NONE)


def pages(*images: Image.Image) -> bytes:
    return saved(images[0], "TIFF", save_all=True, append_images=images[1:])


def animation() -> Any:
    frames = [samples.quarters((12, 9)).rotate(90 * turn) for turn in range(3)]
    return saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True, duration=100)


SOURCES = {mode: pages(small(mode), small(mode).transpose(Image.Transpose.ROTATE_180)) for mode in MODES} | {
    "mixed pages": pages(small("1"), small("L"), small("1")),
    "animation": animation(),
    "metadata": samples.phone_jpeg(),
}


def every_pair(names: list[str]) -> list[str]:
    """Return the names in an order in which each follows each other and itself once."""
    chain = []
    for n, name in enumerate(names):
        chain.append(name)
        for other in names[n + 1 :]:
            chain += [name, other]
    return [*chain, names[0]]


def test_every_pair_is_tested() -> None:
    chain = every_pair(OUTPUTS)
    assert sorted(itertools.pairwise(chain)) == sorted(itertools.product(OUTPUTS, repeat=2))


@pytest.mark.long
@pytest.mark.parametrize("source", SOURCES)
def test_no_output_changes_another(source: str) -> None:
    kept = {"metadata": "keep"} if source == "metadata" else {}
    recipes = {name: Recipe.parse({"format": name, "resize": {"width": 12}, **kept}) for name in OUTPUTS}
    alone = {}
    for name, recipe in recipes.items():
        result = convert(SOURCES[source], recipe)[0]
        assert isinstance(result, Result), (name, result)
        alone[name] = result.data
    chain = every_pair(OUTPUTS)
    together = convert(SOURCES[source], *(recipes[name] for name in chain))
    for (before, name), result in zip(itertools.pairwise(["nothing", *chain]), together, strict=True):
        assert isinstance(result, Result), (name, "after", before, result)
        assert result.data == alone[name], (name, "after", before)


def bilevel_pages(pdf: bytes) -> list[tuple[Image.Image, int]]:
    """Return the CCITT pages of the PDF, decoded by libtiff, with their sizes in bytes."""
    found = []
    for part in pdf.split(b"\nendstream"):
        start, _, stream = part.partition(b">>stream\n")
        image = start.rpartition(b"obj<<")[2]
        if b"/CCITTFaxDecode" not in image:
            continue
        assert b"/K -1" in image
        assert b"/BlackIs1 true" in image
        width, height = (int(re.findall(rb"/%s (\d+)" % name, image)[0]) for name in (b"Width", b"Height"))
        tags = TiffImagePlugin.ImageFileDirectory_v2()
        for tag, value in {
            256: width,
            257: height,
            258: 1,
            259: 4,
            262: 1,
            277: 1,
            278: height,
            279: len(stream),
        }.items():
            tags[tag] = value
        tags[273] = 0  # changed to point behind the directory
        with Image.open(BytesIO(b"II*\0\x08\0\0\0" + tags.tobytes(8) + stream)) as page:
            found.append((page.convert("1"), len(stream)))
    return found


def test_black_and_white_pages_go_into_a_pdf_bit_for_bit_and_small() -> None:
    page = scanned((1240, 1754))
    for source in (saved(page, "PNG"), pages(page, page)):
        result = samples.render_all(source, Recipe.parse({"format": "pdf"}))[0]
        held = bilevel_pages(result.data)
        assert len(held) == result.report.frames_kept
        for decoded, size in held:
            assert decoded.tobytes() == page.tobytes()
            assert size < 1.1 * len(saved(page, "TIFF", compression="group4"))
        assert result.report.settings == {"compression": "group4"}


def test_a_photograph_among_black_and_white_pages_keeps_its_quality() -> None:
    page, photo = scanned((124, 175)), samples.photo((124, 175)).convert("L")
    scan = pages(page, photo, page)
    low, high = samples.render_all(
        scan, *(Recipe.parse({"format": "pdf", "quality": quality}) for quality in (30, 90))
    )
    for result in (low, high):
        assert [decoded.tobytes() for decoded, _ in bilevel_pages(result.data)] == [page.tobytes()] * 2
        assert result.data.count(b"/DCTDecode") == 1
    assert len(low.data) < len(high.data)


LOSSY = [name for name in OUTPUTS if FORMATS[name].quality]


@pytest.mark.long
@pytest.mark.parametrize("promise", [{"aim": "balanced"}, {"target_bytes": 20_000}], ids=str)
@pytest.mark.parametrize("output", LOSSY)
@pytest.mark.parametrize("source", SOURCES)
def test_lossless_results_keep_every_kind_of_image(source: str, output: str, promise: dict[str, Any]) -> None:
    [result] = convert(SOURCES[source], Recipe.parse({"format": output, **promise}))
    assert isinstance(result, Result), result
    assert len(result.data) <= 20_000


def test_pages_of_one_bit_have_no_quality_to_choose() -> None:
    [result] = samples.render_all(SOURCES["1"], Recipe.parse({"format": "pdf", "aim": "balanced"}))
    assert "quality_chosen" not in [note.code for note in result.report.notes]


def test_the_quality_of_mixed_pages_is_chosen_on_one_that_has_any() -> None:
    [result] = samples.render_all(SOURCES["mixed pages"], Recipe.parse({"format": "pdf", "aim": "balanced"}))
    assert "quality_chosen" in [note.code for note in result.report.notes]
