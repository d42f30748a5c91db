"""AVIF and HEIC may show only part of an image (`clap`). The references are libheif and libvips."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from converter.engine.raster import probe
from tests.engine import samples
from tests.engine.rendering import render

SIZE = (64, 48)


def avif() -> Any:
    ramps = [Image.linear_gradient("L").resize(SIZE), Image.radial_gradient("L").resize(SIZE)]
    return samples.saved(Image.merge("RGB", [*ramps, ramps[0].rotate(180)]), "AVIF", quality=90)


def cut(data: Any, width: Any, height: Any, across: int = 0, down: int = 0, below: int = 1) -> Any:
    """Return the file with the property; `across` and `down` are offsets of the centre in half pixels."""
    made = bytearray(data)
    boxes = {name: data.find(name) - 4 for name in (b"meta", b"iprp", b"ipco", b"ipma", b"iloc")}

    def size(at: Any) -> Any:
        return struct.unpack_from(">I", made, at)[0]

    end, number, at = boxes[b"ipco"] + size(boxes[b"ipco"]), 1, boxes[b"ipco"] + 8
    while at < end:
        number, at = number + 1, at + size(at)
    for name, more in ((b"ipma", 1), (b"ipco", 40), (b"iprp", 41), (b"meta", 41)):
        struct.pack_into(">I", made, boxes[name], size(boxes[name]) + more)
    counted = boxes[b"ipma"] + 18  # one item, whose id has two bytes
    made[counted] += 1
    made.insert(counted + made[counted], 0x80 | number)
    halves = (across, 2, down, 2)
    made[end:end] = struct.pack(">I4sIIIIiIiI", 40, b"clap", width, below, height, below, *halves)
    pixels = data.find(b"mdat") + 4
    for at in range(boxes[b"iloc"] + 8, boxes[b"iloc"] + size(boxes[b"iloc"]) - 3):
        if size(at) == pixels:
            struct.pack_into(">I", made, at, pixels + 41)
    return bytes(made)


@pytest.mark.parametrize(
    ("clap", "box"),
    [
        ((32, 24), (16, 12, 48, 36)),
        ((32, 24, -32, -24), (0, 0, 32, 24)),
        ((32, 24, 8, 6), (20, 15, 52, 39)),
        ((31, 23, 1, 1), (17, 13, 48, 36)),
        ((64, 48), (0, 0, 64, 48)),
        ((64, 48, 2, 0), (0, 0, 64, 48)),
        ((32, 24, 0, 0, 0), (0, 0, 64, 48)),
    ],
    ids=["middle", "corner", "beside", "odd", "all", "beyond", "nonsense"],
)
def test_the_clean_aperture_is_cut_out(clap: Any, box: Any) -> None:
    data = cut(avif(), *clap)
    facts = probe(data)
    assert (facts.width, facts.height) == (box[2] - box[0], box[3] - box[1])
    whole = samples.opened(render(avif()))
    assert samples.opened(render(data)).convert("RGB").tobytes() == whole.convert("RGB").crop(box).tobytes()


def test_it_is_cut_out_before_the_picture_is_turned() -> None:
    image = Image.open(BytesIO(avif())).convert("RGB")
    turned = cut(
        samples.saved(image, "AVIF", quality=90, exif=samples.exif(6, location=False)), 32, 20, -32, -28
    )
    facts = probe(turned)
    assert (facts.width, facts.height) == (20, 32)


@pytest.mark.parametrize("brand", [b"mif1", b"miaf", b"none"])
def test_avif_is_recognized_by_any_of_its_brands(brand: bytes) -> None:
    data = avif()
    other = data[:8] + brand + data[12:]
    assert samples.opened(render(other)).tobytes() == samples.opened(render(data)).tobytes()
