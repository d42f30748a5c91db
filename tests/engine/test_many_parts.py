"""Files of a few megabytes with more parts than any encoder makes."""

from __future__ import annotations

import time

import pytest
from PIL import Image

from converter.engine import Recipe, Result, UnsupportedVariant
from converter.engine.raster import convert, open
from converter.engine.raster.codecs.png_chunks import made as chunk

from . import samples

PNG = Recipe.parse({"format": "png"})


@pytest.mark.long
@pytest.mark.parametrize("kind", ["PNG", "GIF", "GIF of stray bytes", "JPEG", "JPEG of stray bytes"])
def test_parts_without_number_are_counted_before_anybody_reads_them(kind: str) -> None:
    data = samples.saved(Image.new("RGB", (8, 8)), kind.split()[0])
    match kind:
        case "PNG":
            data = data[:33] + chunk(b"IDAT", b"") * 300_000 + data[33:]
        case "GIF":
            data = data[:-1] + b"\x21\xfe\x01a\x00" * 300_000 + data[-1:]
        case "GIF of stray bytes":
            data = data[:-1] + bytes(3_000_000) + data[-1:]
        case "JPEG":
            data = data[:2] + b"\xff\xfe\x00\x02" * 300_000 + data[2:]
        case "JPEG of stray bytes":
            data = data[:2] + b"\xff" * 3_000_000 + data[2:]
    began = time.process_time()
    with pytest.raises(UnsupportedVariant, match="unusually large number of parts"):
        open(data)
    assert time.process_time() - began < 10


def test_a_png_of_many_small_parts_is_read() -> None:
    data = samples.saved(Image.new("RGB", (8, 8), "red"), "PNG")
    (result,) = convert(data[:33] + chunk(b"IDAT", b"") * 2_000 + data[33:], PNG)
    assert isinstance(result, Result)
