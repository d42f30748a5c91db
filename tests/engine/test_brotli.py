"""Compressed metadata of JPEG XL is measured before libjxl decompresses it."""

from __future__ import annotations

import random
import struct

import imagecodecs
import pytest

from converter.engine import Recipe
from converter.engine.raster import notes, open
from converter.engine.raster.codecs import brotli
from converter.engine.raster.codecs.brotli import is_longer
from converter.engine.raster.codecs.optional import OptionalLibrary, Unfit

from . import samples

RANDOM = random.Random(5).randbytes(200_000)


@pytest.mark.parametrize("content", [b"", b"a", bytes(3_000_000), RANDOM, b"abc" * 500_000])
def test_the_length_is_that_of_another_library(content: bytes) -> None:
    stream = bytes(imagecodecs.brotli_encode(content))
    assert not is_longer(stream, len(content))
    assert not is_longer(stream + b"more", len(content))
    assert not content or is_longer(stream, len(content) - 1)


@pytest.mark.parametrize("stream", [b"", b"\xff" * 100, bytes(imagecodecs.brotli_encode(RANDOM))[:1_000]])
def test_a_damaged_stream_ends_at_the_damage(stream: bytes) -> None:
    assert not is_longer(stream, 1_000)


def boxed(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def with_metadata(kind: bytes, length: int) -> bytes:
    packed = bytes(imagecodecs.brotli_encode(bytes(length)))
    jxl = open(samples.phone_jpeg()).render(Recipe.parse({"format": "jxl", "metadata": "keep"})).data
    return jxl + boxed(b"brob", kind + packed)


@pytest.mark.parametrize(("kind", "name"), [(b"Exif", "exif"), (b"xml ", "xmp")])
def test_too_large_metadata_is_left_out_with_a_warning(kind: bytes, name: str) -> None:
    large, small = (
        open(with_metadata(kind, length)).render(Recipe.parse({"format": "png", "metadata": "keep"}))
        for length in (8_000_001, 1_000)
    )
    assert "metadata_unread" in {warning.code for warning in large.report.warnings}
    assert name in large.report.metadata_removed
    assert "metadata_unread" not in {warning.code for warning in small.report.warnings}


def test_without_the_library_a_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> brotli._BrotliDecoder:
        raise Unfit("it is missing")

    monkeypatch.setattr(brotli, "LIBRARY", OptionalLibrary(missing))
    assert not is_longer(bytes(imagecodecs.brotli_encode(bytes(1_000))), 10)
    assert "Compressed metadata of JPEG XL is read whatever its size: it is missing." in notes()


def test_the_library_works_here() -> None:
    assert brotli.LIBRARY.problem() == ""
