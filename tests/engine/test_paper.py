"""PDF pages of a paper size, measured by pdfinfo."""

from __future__ import annotations

import re
import subprocess

import pytest
from PIL import Image

from converter.engine import InvalidRecipe, Recipe
from tests.engine.rendering import codes, render

from .samples import saved

A4, LETTER = (595.28, 841.89), (612.0, 792.0)


def pages_of(data):
    """Return the size of each page in points."""
    answer = subprocess.run(["pdfinfo", "-l", "99", "-"], input=data, capture_output=True, check=True)
    found = re.findall(r"Page +\d+ size: +([\d.]+) x ([\d.]+)", answer.stdout.decode())
    return [(float(across), float(down)) for across, down in found]


@pytest.mark.parametrize(("page", "paper"), [("a4", A4), ("letter", LETTER)])
@pytest.mark.parametrize("size", [(300, 200), (200, 300), (90, 1000), (77, 77)])
@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_a_page_has_the_size_of_the_paper(page, paper, size, mode):
    result = render(saved(Image.new(mode, size), "PNG"), format="pdf", page=page)
    wanted = paper[::-1] if size[0] > size[1] else paper
    assert pages_of(result.data) == [pytest.approx(wanted, abs=0.1)]
    assert "page_filled" in codes(result)


def test_each_page_of_a_document_has_the_size_of_the_paper():
    pages = [Image.new("RGB", (100, 100)), Image.new("1", (80, 200)), Image.new("L", (300, 100))]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    found = pages_of(render(data, format="pdf", page="a4").data)
    assert found == [pytest.approx(size, abs=0.1) for size in (A4, A4, A4[::-1])]


@pytest.mark.parametrize("recipe", [{"format": "png"}, {"format": "pdf", "dpi": 300}])
def test_paper_is_for_pdf_and_sets_the_resolution_by_itself(recipe):
    with pytest.raises(InvalidRecipe):
        Recipe.parse({**recipe, "page": "a4"})
