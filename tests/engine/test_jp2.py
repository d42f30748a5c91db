"""JPEG 2000 of more than eight bits; the files have a ramp in every channel, descending in the second."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import imagecodecs
import numpy
import pytest
from PIL import Image

from converter.engine import Recipe, UnsupportedVariant
from converter.engine.raster import check, notes, open
from converter.engine.raster.codecs import openjpeg
from converter.engine.raster.codecs.optional import OptionalLibrary, Unfit

from . import samples
from .samples import opened

SIZES = b"\xff\x4f\xff\x51"


def deep(name: str) -> bytes:
    return (samples.FILES / name).read_bytes()


def first_row(data: bytes, mode: str) -> list[Any]:
    result = open(data).render(Recipe.parse({"format": "png", "depth": 8}))
    image = Image.open(BytesIO(result.data)).convert(mode)
    return [image.getpixel((x, 0)) for x in range(256)]


@pytest.mark.parametrize(
    ("name", "mode"), [("deep16.jp2", "RGB"), ("deep12.jp2", "RGBA"), ("deep10.jp2", "LA")]
)
def test_white_stays_white_in_deep_channels(name: str, mode: str) -> None:
    for level, pixel in enumerate(first_row(deep(name), mode)):
        wanted = [255 - level if channel == 1 else level for channel in range(len(mode))]
        assert samples.is_near(pixel, wanted, 1)


@pytest.fixture
def only_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that OpenJPEG cannot be called directly."""

    def tried() -> Any:
        raise Unfit("it is linked in another way")

    monkeypatch.setattr(openjpeg, "LIBRARY", OptionalLibrary(tried))


@pytest.mark.usefixtures("only_pillow")
@pytest.mark.parametrize(
    ("name", "mode"), [("deep16.jp2", "RGB"), ("deep12.jp2", "RGBA"), ("deep10.jp2", "LA")]
)
def test_white_stays_white_where_only_pillow_reads_it(name: str, mode: str) -> None:
    test_white_stays_white_in_deep_channels(name, mode)
    told = {note.code for note in open(deep(name)).render(Recipe.parse({"format": "png"})).report.notes}
    assert "bits_reduced" in told
    assert check() == []
    assert notes() == ["JPEG 2000 in colour is read in 8 bits per channel: it is linked in another way."]


def test_a_library_that_reads_other_pixels_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = [Image.new("I", (61, 40))] * 3
    monkeypatch.setattr(openjpeg._OpenJpeg, "decode", lambda *_: wrong)
    assert (
        OptionalLibrary(openjpeg._tried).problem()
        == "Pillow's OpenJPEG, called directly, decodes wrong pixels"
    )


def test_a_file_that_breaks_off_inside_is_not_read_as_deep() -> None:
    data = deep("deep16.jp2")
    raw = data[data.index(SIZES) :]
    assert openjpeg.channels(raw) is not None
    assert openjpeg.channels(raw[: len(raw) // 2]) is None
    assert openjpeg.channels(b"") is None


def test_a_raw_codestream_is_read_as_its_file_is() -> None:
    data = deep("deep16.jp2")
    raw = data[data.index(SIZES) :]
    assert first_row(raw, "RGB") == first_row(data, "RGB")


@pytest.mark.parametrize("tail", [b"more", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(3000)])
def test_another_file_behind_it_does_no_harm(tail: bytes) -> None:
    for data in (deep("deep16.jp2"), samples.saved(samples.photo(), "JPEG2000")):
        assert first_row(data + tail, "RGB") == first_row(data, "RGB")


def test_a_codestream_in_another_box_is_not_taken_for_the_image() -> None:
    data, other = deep("deep16.jp2"), deep("deep12.jp2")
    hidden = b"uuid" + bytes(16) + other[other.index(SIZES) :]
    header = data.index(b"jp2h") - 4
    box = struct.pack(">I", len(hidden) + 4) + hidden
    assert first_row(data[:header] + box + data[header:], "RGB") == first_row(data, "RGB")


def test_a_read_that_fails_for_lack_of_memory_gives_no_image(monkeypatch: pytest.MonkeyPatch) -> None:
    data = deep("deep16.jp2")

    class Exhausted(bytes):
        def __getitem__(self, _: Any) -> Any:
            raise MemoryError

    assert openjpeg.channels(Exhausted(data[data.index(SIZES) :])) is None


def test_deep_ycbcr_and_more_than_four_channels_are_refused_by_their_name() -> None:
    data = deep("deep16.jp2")
    colors = data.index(b"colr")
    ycc = data[: colors + 7] + (18).to_bytes(4, "big") + data[colors + 11 :]
    with pytest.raises(UnsupportedVariant, match="This JPEG 2000 has 16-bit YCbCr colours"):
        open(ycc)
    sizes = data.index(SIZES)
    deeper = bytearray(data)
    deeper[sizes + 42 : sizes + 51 : 3] = bytes([23, 23, 23])
    with pytest.raises(UnsupportedVariant, match="24-bit samples"):
        open(bytes(deeper))
    more = bytearray(data)
    more[sizes + 40 : sizes + 42] = (5).to_bytes(2, "big")
    with pytest.raises(UnsupportedVariant, match="5 channels"):
        open(bytes(more))


@pytest.mark.parametrize("container", ["JP2", "J2K"])
@pytest.mark.parametrize("bits", [1, 2, 4, 7, 9, 12])
def test_grey_reaches_from_black_to_white_at_every_depth(bits: int, container: str) -> None:
    top = (1 << bits) - 1
    levels = numpy.array([[0, top // 2, top]], numpy.uint8 if bits <= 8 else numpy.uint16)
    data = bytes(
        imagecodecs.jpeg2k_encode(
            levels, 0, codecformat=container, bitspersample=bits, colorspace="GRAY", resolutions=1
        )
    )
    row = opened(open(data).render(Recipe.parse({"format": "png", "depth": 8}))).convert("L")
    found = list(row.get_flattened_data())
    assert samples.is_near(found, [0, round(255 * (top // 2) / top), 255], 1)


def with_palette(
    columns: int = 3, depth: int = 7, bits: int = 8, order: tuple[int, ...] = (0, 1, 2)
) -> bytes:
    """Return a JP2 with a palette of 256 colours, or as many as the bits allow."""
    indices = numpy.arange(1 << bits, dtype=numpy.uint8)[None]
    data = bytes(
        imagecodecs.jpeg2k_encode(
            indices, 0, codecformat="JP2", bitspersample=bits, colorspace="GRAY", resolutions=1
        )
    )
    colors = struct.pack(">HB", 1 << bits, columns) + bytes([depth] * columns)
    colors += bytes((7 * at) % 256 for at in range((1 << bits) * columns * (1 + depth // 8)))
    mapped = b"".join(struct.pack(">HBB", 0, 1, column) for column in order[:columns])
    boxes = struct.pack(">I4s", 8 + len(colors), b"pclr") + colors
    boxes += struct.pack(">I4s", 8 + len(mapped), b"cmap") + mapped
    at = data.index(b"jp2h") - 4
    size = int.from_bytes(data[at : at + 4], "big")
    header = bytearray(data[at : at + size] + boxes)
    header[:4] = struct.pack(">I", len(header))
    enumerated = header.index(b"colr") + 7
    header[enumerated : enumerated + 4] = struct.pack(">I", 17 if columns == 1 else 16)
    return data[:at] + bytes(header) + data[at + size :]


def test_a_usual_palette_gives_its_colours() -> None:
    image = opened(open(with_palette()).render(Recipe.parse({"format": "png"}))).convert("RGB")
    assert [image.getpixel((at, 0)) for at in (0, 1, 255)] == [(0, 7, 14), (21, 28, 35), (235, 242, 249)]


@pytest.mark.parametrize(
    "odd", [{"columns": 1}, {"depth": 15}, {"bits": 4}, {"order": (2, 1, 0)}], ids=lambda odd: next(iter(odd))
)
def test_other_palettes_are_refused_by_name(odd: Any) -> None:
    with pytest.raises(UnsupportedVariant, match="unusual palette"):
        open(with_palette(**odd))


def test_lab_is_refused_by_name() -> None:
    data = bytes(
        imagecodecs.jpeg2k_encode(numpy.zeros((4, 4, 3), numpy.uint8), 0, codecformat="JP2", resolutions=1)
    )
    at = data.index(b"colr") + 7
    with pytest.raises(UnsupportedVariant, match="8-bit Lab"):
        open(data[:at] + struct.pack(">I", 14) + data[at + 4 :])


def sampled(data: bytes, *steps: tuple[int, int]) -> bytes:
    """Return the file with this many image pixels for each sample of its channels."""
    changed, sizes = bytearray(data), data.index(SIZES)
    for channel, step in enumerate(steps):
        changed[sizes + 43 + 3 * channel : sizes + 45 + 3 * channel] = bytes(step)
    return bytes(changed)


@pytest.mark.parametrize(
    ("mode", "steps"),
    [
        ("L", [(2, 2)]),
        ("L", [(1, 2)]),
        ("LA", [(1, 1), (2, 2)]),
        ("RGB", [(1, 1), (1, 1), (2, 2)]),
        ("RGB", [(2, 2), (1, 1), (1, 1)]),
    ],
)
@pytest.mark.parametrize("no_jp2", [False, True])
def test_subsampled_channels_are_refused_by_name(
    mode: str, steps: list[tuple[int, int]], no_jp2: bool
) -> None:
    plain = samples.saved(samples.quarters((32, 24), mode), "JPEG2000", no_jp2=no_jp2)
    assert open(plain).facts.mode == mode
    with pytest.raises(UnsupportedVariant, match="unusual subsampling"):
        open(sampled(plain, *steps))


@pytest.mark.parametrize("side", [1, 8, 32, 256])
@pytest.mark.parametrize(
    ("mode", "color"), [("RGB", (230, 30, 30)), ("RGBA", (10, 200, 90, 128)), ("L", (77,))]
)
def test_a_plain_area_keeps_its_colour(side: int, mode: str, color: Any) -> None:
    data = samples.saved(Image.new(mode, (side, side), color), "PNG")
    written = open(data).render(Recipe.parse({"format": "jp2", "quality": 40})).data
    found = imagecodecs.jpeg2k_decode(written)
    assert found.reshape(side, side, -1)[0, 0].tolist() == [*color]
