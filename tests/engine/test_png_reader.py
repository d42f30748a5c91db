"""8-bit PNGs are read by the crate `png` if available; the pixels are the same as from Pillow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import product

import pytest
from PIL import Image

from converter.engine import raster
from converter.engine.errors import Truncated
from converter.engine.raster.codecs import png_reader, set_up
from converter.engine.raster.codecs.optional import OptionalLibrary
from tests.oracles import pngs

from . import samples
from .rendering import codes, render

PHOTO = samples.photo((72, 40))


def by_pillow(data: bytes) -> Image.Image:
    with Image.open(BytesIO(data), formats=["PNG"]) as image:
        image.load()
        return image


def broken(*_: object) -> bytes:
    raise RuntimeError("it does not work")


def grey(*_: object) -> bytes:
    return b"\x80" * 61 * 40 * 3


def without_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "kornia_rs", None)
    monkeypatch.setattr(png_reader, "DECODER", OptionalLibrary(png_reader._tried))


def whole_pngs() -> Iterator[tuple[bytes, str]]:
    for (color, mode), filter, interlaced in product(
        ((0, "L"), (2, "RGB"), (6, "RGBA")), range(6), (False, True)
    ):
        yield pngs.made(color, 8, filter, interlaced), mode


def test_every_filter_and_interlacing_gives_the_pixels_that_pillow_gives() -> None:
    for data, mode in whole_pngs():
        expected = by_pillow(data)
        image = png_reader.read(data, expected.size)
        assert image is not None
        assert (image.mode, image.tobytes()) == (mode, expected.tobytes())


@pytest.mark.parametrize(
    "data",
    [
        pngs.made(2, 16, 0, False),
        pngs.made(3, 8, 0, False),
        pngs.made(4, 8, 0, False),
        pngs.made(2, 8, 0, False, [pngs.chunk(b"tRNS", bytes(6))]),
        samples.saved(PHOTO, "PNG")[:-40],
    ],
    ids=["16 bits", "palette", "grey with alpha", "clear colour", "truncated"],
)
def test_unsupported_files_are_left_to_pillow(data: bytes) -> None:
    set_up()
    assert png_reader.read(data, PHOTO.size) is None


def test_a_truncated_file_is_still_refused() -> None:
    data = samples.saved(PHOTO, "PNG")
    with pytest.raises(Truncated):
        render(data[:-40] + data[-12:])


def test_chunks_after_the_pixels_do_not_matter() -> None:
    data = samples.saved(PHOTO, "PNG")
    late = data[:-12] + pngs.chunk(b"acTL", bytes(8)) + data[-12:]
    image = png_reader.read(late, PHOTO.size)
    assert image is not None
    assert image.tobytes() == PHOTO.tobytes()


def test_a_large_picture_is_left_to_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    data = samples.saved(PHOTO, "PNG")
    assert png_reader.read(data, PHOTO.size)
    monkeypatch.setattr(png_reader, "MOST_PIXELS", PHOTO.width * PHOTO.height - 1)
    assert png_reader.read(data, PHOTO.size) is None


@pytest.mark.parametrize("wrong", [broken, grey])
def test_a_library_that_fails_its_test_is_not_used_and_doctor_says_so(
    monkeypatch: pytest.MonkeyPatch, wrong: Callable[..., bytes]
) -> None:
    monkeypatch.setattr("kornia_rs.io.decode_image_png_u8", wrong)
    monkeypatch.setattr(png_reader, "DECODER", OptionalLibrary(png_reader._tried))
    assert raster.check() == []
    assert any("kornia-rs" in note and "on this processor" in note for note in raster.notes())


def test_the_result_is_the_same_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    data = samples.saved(PHOTO, "PNG", dpi=(300, 300))
    fast = render(data, format="webp", lossless=True)
    without_the_reader(monkeypatch)
    assert raster.notes() == ["PNGs take longer to read than they could: kornia_rs is not installed."]
    slow = render(data, format="webp", lossless=True)
    assert (fast.data, codes(fast)) == (slow.data, codes(slow))
