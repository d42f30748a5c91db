"""Files of a few megabytes with more parts than any encoder makes."""

from __future__ import annotations

import struct
import time
import zlib

import imagecodecs
import pytest
from PIL import Image

from converter.engine import Recipe, Result, UnsupportedVariant
from converter.engine.raster import convert, open
from converter.engine.raster.codecs.png_chunks import made as chunk

from . import samples

PNG = Recipe.parse({"format": "png"})


@pytest.mark.long
@pytest.mark.parametrize(
    "kind", ["PNG", "GIF", "GIF of stray bytes", "JPEG", "JPEG of stray bytes", "JPEG XL"]
)
def test_parts_without_number_are_counted_before_anybody_reads_them(kind: str) -> None:
    data = _jxl() if kind == "JPEG XL" else samples.saved(Image.new("RGB", (8, 8)), kind.split()[0])
    match kind:
        case "JPEG XL":
            data += box(b"free") * 300_000
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


def test_directories_of_a_tiff_that_overlap_are_not_all_read() -> None:
    """Each has 65,535 entries and begins at an entry of the one before."""
    first, entry, most, directories = 8, 12, 65_535, 1_000
    data = bytearray(b"II*\0" + struct.pack("<I", first) + bytes(entry * (most + directories + 2)))
    for at in range(first, first + entry * (most + directories), entry):
        struct.pack_into("<H", data, at, most)
    for at in range(first, first + entry * directories, entry):
        struct.pack_into("<I", data, at + 2 + entry * most, at + entry)
    began = time.process_time()
    with pytest.raises(UnsupportedVariant, match="unusually large number of parts"):
        open(bytes(data))
    assert time.process_time() - began < 5


def test_a_png_of_many_small_parts_is_read() -> None:
    data = samples.saved(Image.new("RGB", (8, 8), "red"), "PNG")
    (result,) = convert(data[:33] + chunk(b"IDAT", b"") * 2_000 + data[33:], PNG)
    assert isinstance(result, Result)


@pytest.mark.long
@pytest.mark.parametrize("kind", [b"xml ", b"Exif"])
def test_a_jpeg_xl_of_many_compressed_boxes_is_read_in_time(kind: bytes) -> None:
    """The last box of each kind counts, as libjxl returns it. All together would take 100 seconds."""
    bomb = box(b"brob", kind + bytes(imagecodecs.brotli_encode(bytes(50_000_000))))
    last = box(b"xml ", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    began = time.process_time()
    (result,) = convert(_jxl() + bomb * 300 + last, Recipe.parse({"format": "png", "metadata": "keep"}))
    assert isinstance(result, Result)
    assert b"adobe:ns:meta/" in result.data
    assert time.process_time() - began < 10


@pytest.mark.long
@pytest.mark.parametrize(
    "text", [(b"zTXt", b"a\0\0"), (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0"), (b"iCCP", b"a\0\0")]
)
@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_png_of_many_texts_that_are_too_large_is_read_in_time(
    text: tuple[bytes, bytes], is_damaged: bool
) -> None:
    packed = zlib.compress(bytes(8_000_100))
    bomb = chunk(text[0], text[1] + (packed[:-6] + b"damage" if is_damaged else packed))
    data = samples.saved(Image.new("RGB", (8, 8)), "PNG")
    began = time.process_time()
    (result,) = convert(data[:33] + bomb * 400 + data[33:], PNG)
    assert isinstance(result, Result)
    assert time.process_time() - began < 5


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def _jxl() -> bytes:
    source = samples.saved(Image.new("RGB", (8, 8)), "PNG")
    (result,) = convert(source, Recipe.parse({"format": "jxl", "metadata": "keep", "lossless": True}))
    assert isinstance(result, Result)
    stream = result.data
    container = b"\x00\x00\x00\x0cJXL \r\n\x87\n\x00\x00\x00\x14ftypjxl \x00\x00\x00\x00jxl "
    return stream if stream.startswith(container) else container + box(b"jxlc", stream)
