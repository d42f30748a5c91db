"""PDF pages with a paper size, measured by pdfinfo."""

from __future__ import annotations

import re
import subprocess
from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageDraw

from converter.engine import InvalidRecipe, Recipe, TooManyPixels
from tests.engine.rendering import codes, render

from .samples import saved

A4, LETTER = (595.28, 841.89), (612.0, 792.0)


def pages_of(data: bytes) -> list[tuple[float, float]]:
    """Return the size of each page in points."""
    answer = subprocess.run(["pdfinfo", "-l", "99", "-"], input=data, capture_output=True, check=True)
    found = re.findall(r"Page +\d+ size: +([\d.]+) x ([\d.]+)", answer.stdout.decode())
    return [(float(across), float(down)) for across, down in found]


@pytest.mark.parametrize(("page", "paper"), [("a4", A4), ("letter", LETTER)])
@pytest.mark.parametrize("size", [(300, 200), (200, 300), (90, 1000), (77, 77)])
@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_a_page_has_the_size_of_the_paper(
    page: str, paper: tuple[float, float], size: tuple[int, int], mode: str
) -> None:
    result = render(saved(Image.new(mode, size), "PNG"), format="pdf", page=page)
    wanted = paper[::-1] if size[0] > size[1] else paper
    assert pages_of(result.data) == [pytest.approx(wanted, abs=0.1)]
    assert "page_filled" in codes(result)


def test_each_page_of_a_document_has_the_size_of_the_paper() -> None:
    pages = [Image.new("RGB", (100, 100)), Image.new("1", (80, 200)), Image.new("L", (300, 100))]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    found = pages_of(render(data, format="pdf", page="a4").data)
    assert found == [pytest.approx(size, abs=0.1) for size in (A4, A4, A4[::-1])]


def drawn(data: bytes) -> Image.Image:
    """Return the first page as rendered by poppler, one pixel per point."""
    args = ["pdftoppm", "-r", "72", "-singlefile", "-png", "-", "-"]
    answer = subprocess.run(args[:-1], input=data, capture_output=True, check=True)
    return Image.open(BytesIO(answer.stdout)).convert("L")


def inked(data: bytes) -> tuple[int, int, int, int]:
    """Return the bounding box of the black image on the first page, in points."""
    box = drawn(data).point([255 if value < 128 else 0 for value in range(256)]).getbbox()
    assert box
    return box


@pytest.mark.parametrize(
    ("orientation", "size", "paper"),
    [
        ("portrait", (300, 200), A4),
        ("portrait", (200, 300), A4),
        ("landscape", (200, 300), A4[::-1]),
        ("landscape", (300, 200), A4[::-1]),
        ("turned", (300, 200), A4),
        ("auto", (300, 200), A4[::-1]),
    ],
)
def test_pages_have_the_requested_orientation(
    orientation: str, size: tuple[int, int], paper: tuple[float, float]
) -> None:
    result = render(saved(Image.new("L", size), "PNG"), format="pdf", page="a4", orientation=orientation)
    assert pages_of(result.data) == [pytest.approx(paper, abs=0.1)]


def test_a_wide_image_is_turned_to_fill_an_upright_page() -> None:
    data = saved(Image.new("L", (297, 210)), "PNG")
    upright = inked(render(data, format="pdf", page="a4", orientation="portrait").data)
    turned = inked(render(data, format="pdf", page="a4", orientation="turned").data)
    assert upright[3] - upright[1] == pytest.approx(595.28 * 210 / 297, abs=2)
    assert turned == pytest.approx((0, 0, *A4), abs=2)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["RGB", "1"])
def test_a_margin_keeps_the_edge_of_the_paper_free(mode: str) -> None:
    result = render(saved(Image.new(mode, (1700, 2570)), "PNG"), format="pdf", page="a4", margin=20)
    edge = 20 / 25.4 * 72
    assert inked(result.data) == pytest.approx((edge, edge, A4[0] - edge, A4[1] - edge), abs=2)
    assert pages_of(result.data) == [pytest.approx(A4, abs=0.1)]
    assert "margin_added" in codes(result)


def test_a_page_as_large_as_its_image_grows_by_the_margin() -> None:
    image = saved(Image.new("L", (600, 300)), "PNG", dpi=(300, 300))
    result = render(image, format="pdf", margin=10)
    edge = 10 / 25.4 * 72
    assert pages_of(result.data) == [pytest.approx((144 + 2 * edge, 72 + 2 * edge), abs=0.5)]
    assert inked(result.data) == pytest.approx((edge, edge, edge + 144, edge + 72), abs=1.5)


@pytest.mark.long
@pytest.mark.parametrize(("size", "wanted"), [((3000, 2000), 150), ((300, 200), 27)])
def test_dpi_on_paper_is_the_most_that_an_image_has(size: tuple[int, int], wanted: int) -> None:
    result = render(saved(Image.new("RGB", size, "red"), "PNG"), format="pdf", page="a4", dpi=150)
    answer = subprocess.run(["pdfimages", "-list", "-"], input=result.data, capture_output=True, check=True)
    across, down = answer.stdout.decode().splitlines()[2].split()[12:14]
    assert int(across) == int(down) == pytest.approx(wanted, abs=1)
    assert ("reduced_on_page" in codes(result)) == (size == (3000, 2000))
    assert pages_of(result.data) == [pytest.approx(A4[::-1], abs=0.5)]


@pytest.mark.parametrize("recipe", [{}, {"page": "a4", "margin": 10}, {"page": "a4", "dpi": 72}])
def test_black_and_white_stays_in_one_bit_and_as_small_as_its_fax_code(recipe: Any) -> None:
    page = Image.new("1", (1240, 1754), 1)
    ImageDraw.Draw(page).multiline_text((100, 100), "Every word of it. " * 5 + "\n" * 3, fill=0)
    scan = saved(page, "TIFF", compression="group4", dpi=(150, 150))
    result = render(scan, format="pdf", **recipe)
    answer = subprocess.run(["pdfimages", "-list", "-"], input=result.data, capture_output=True, check=True)
    _color, _comp, bits, encoding = answer.stdout.decode().splitlines()[2].split()[5:9]
    assert (bits, encoding) == ("1", "ccitt")
    assert len(result.data) < len(scan) + 1000  # the size of the PDF around it by tiff2pdf


def test_a_page_that_would_be_too_large_is_refused() -> None:
    with pytest.raises(TooManyPixels):
        render(saved(Image.new("1", (20_000, 10)), "PNG"), format="pdf", page="a4")


@pytest.mark.parametrize(
    ("recipe", "code"),
    [
        ({"format": "png", "page": "a4"}, "format_has_no_paper"),
        ({"format": "png", "margin": 5}, "format_has_no_paper"),
        ({"format": "jpeg", "orientation": "portrait"}, "format_has_no_paper"),
        ({"format": "pdf", "orientation": "portrait"}, "orientation_needs_page"),
        ({"format": "pdf", "margin": 101}, "option_integer"),
    ],
)
def test_paper_is_for_pdf(recipe: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidRecipe) as refusal:
        Recipe.parse(recipe)
    assert [problem.message.code for problem in refusal.value.errors][:1] == [code]
