"""PNGs with odd chunks: libpng, and so browsers, ignore damage that does not affect the image."""

from __future__ import annotations

import struct
import zlib

import pytest
from PIL import Image

from converter.engine.errors import Corrupt, Truncated, UnsupportedVariant
from converter.engine.raster import probe
from converter.engine.raster.codecs.png_chunks import chunks, made
from converter.engine.report import Result

from . import samples
from .rendering import codes, render
from .samples import chunk

_AT = 33
"""The offset where the header ends."""


def damaged(kind: bytes, data: bytes) -> bytes:
    return chunk(kind, data)[:-1] + bytes([chunk(kind, data)[-1] ^ 1])


def png(*chunks: bytes, mode: str = "RGB") -> bytes:
    data = samples.saved(Image.linear_gradient("L").resize((16, 16)).convert(mode), "PNG")
    return data[:_AT] + b"".join(chunks) + data[_AT:]


@pytest.mark.parametrize(
    "odd",
    [
        damaged(b"tEXt", b"Title\x00words"),
        damaged(b"gAMA", struct.pack(">I", 100_000)),
        chunk(b"gAMA", b"\x00"),
        chunk(b"cHRM", b"\x00"),
        chunk(b"sRGB", b""),
        chunk(b"pHYs", b"\x00\x00"),
        chunk(b"tRNS", b"\x00"),
        chunk(b"acTL", b"\x00"),
        chunk(b"iCCP", b""),
        chunk(b"iCCP", b"name\x00\x01data"),
        chunk(b"zTXt", b"Title\x00\x01words"),
    ],
)
def test_an_optional_chunk_may_be_damaged(odd: bytes) -> None:
    plain, shown = render(png()), render(png(odd))
    assert samples.opened(shown).tobytes() == samples.opened(plain).tobytes()
    assert codes(shown) - {"metadata_removed"} == codes(plain)


def test_transparency_of_more_colours_than_any_palette_does_not_count() -> None:
    """As in Chromium."""
    data = png(mode="P")
    at = data.index(b"IDAT") - 4
    shown = render(data[:at] + chunk(b"tRNS", bytes(257)) + data[at:])
    assert samples.opened(shown).tobytes() == samples.opened(render(data)).tobytes()


def test_a_damaged_header_is_damage() -> None:
    data = png()
    with pytest.raises(Corrupt):
        render(data[: _AT - 1] + bytes([data[_AT - 1] ^ 1]) + data[_AT:])


def test_a_clear_colour_behind_the_pixels_does_not_count() -> None:
    data = png()
    end = len(data) - 12
    late = data[:end] + chunk(b"tRNS", bytes(6)) + data[end:]
    assert samples.opened(render(late)).mode != "RGBA"


def alpha_of(result: Result) -> bytes:
    return samples.opened(result).convert("RGBA").getchannel("A").tobytes()


def test_transparency_before_the_palette_does_not_count() -> None:
    data = png(mode="P")
    clear = chunk(b"tRNS", bytes(200))
    at = data.index(b"PLTE") - 4
    behind = at + 12 + int.from_bytes(data[at : at + 4], "big")
    early, right = data[:at] + clear + data[at:], data[:behind] + clear + data[behind:]
    for name in ("png", "webp"):
        assert 0 not in alpha_of(render(early, format=name))
        assert 0 in alpha_of(render(right, format=name))


def test_the_first_gamma_counts() -> None:
    screen, linear = (chunk(b"gAMA", struct.pack(">I", value)) for value in (45_455, 100_000))
    assert samples.opened(render(png(screen, linear))).tobytes() == samples.opened(render(png())).tobytes()


def test_unspecified_code_points_leave_the_word_to_the_chunks_behind() -> None:
    linear = chunk(b"gAMA", struct.pack(">I", 100_000))
    said = chunk(b"cICP", bytes((2, 2, 0, 1)))
    assert (
        samples.opened(render(png(said, linear))).tobytes() == samples.opened(render(png(linear))).tobytes()
    )


def test_primaries_of_zeros_are_ignored() -> None:
    gamma = chunk(b"gAMA", struct.pack(">I", 45_455))
    shown = render(png(gamma, chunk(b"cHRM", bytes(32)), mode="L"))
    assert samples.opened(shown).tobytes() == samples.opened(render(png(mode="L"))).tobytes()


def test_the_apple_variant_of_png_is_named() -> None:
    data = png()
    with pytest.raises(UnsupportedVariant) as refused:
        render(data[:8] + chunk(b"CgBI", b"\x50\x00\x20\x02") + data[8:])
    assert refused.value.params["compression"] == "Apple CgBI"


def with_frames(data: bytes, told: int, kept: int) -> bytes:
    """Return the animation with this many frames according to its header, and this many actual frames."""
    parts, seen = [data[:8]], 0
    for part in chunks(data):
        seen += part.kind == b"fcTL"
        if part.kind == b"acTL":
            parts.append(made(b"acTL", struct.pack(">I", told) + part.data[4:]))
        elif part.kind not in (b"fcTL", b"fdAT") or seen <= kept:
            parts.append(bytes(part.raw))
    return b"".join(parts)


@pytest.mark.parametrize(
    ("told", "kept", "frames"),
    [(5, 3, 3), (3, 2, 2), (2, 3, 2), (3, 1, 1), (3, 0, 1), (1, 3, 1), (0, 3, 1)],
)
def test_an_animation_has_the_frames_that_are_there_and_announced(told: int, kept: int, frames: int) -> None:
    """As in Chromium's ImageDecoder, which shows nothing if there is no frame at all."""
    whole = samples.animated("PNG", 3, size=(30, 20))
    data = with_frames(whole, told, kept)
    assert probe(data).frames == frames
    result = render(data, format="webp", lossless=True)
    assert result.frames == frames
    shown = [image.convert("RGBA").tobytes() for image, _ in samples.frames_of(result.data)]
    assert shown == [image.convert("RGBA").tobytes() for image, _ in samples.frames_of(whole)][:frames]


def rows_of(data: bytes, share: float) -> bytes:
    """Return the PNG with only the first of its decompressed rows, in a properly ended stream."""
    parts = {chunk.kind: chunk.data for chunk in chunks(data)}
    raw = zlib.decompress(parts[b"IDAT"])
    part = zlib.compress(raw[: int(len(raw) * share)])
    before = b"".join(chunk.raw for chunk in chunks(data) if chunk.kind not in (b"IDAT", b"IEND"))
    return data[:8] + before + made(b"IDAT", part) + made(b"IEND", b"")


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "LA", "RGB", "RGBA"])
def test_a_picture_that_ends_at_a_row_before_the_last_is_truncated(mode: str) -> None:
    gray = Image.linear_gradient("L").resize((16, 16)).transpose(Image.Transpose.ROTATE_90)
    image = gray.convert(mode)
    data = samples.saved(image, "PNG")
    assert samples.opened(render(rows_of(data, 1))).size == (16, 16)
    with pytest.raises(Truncated):
        render(rows_of(data, 0.5))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_a_picture_with_black_or_clear_rows_at_its_end_is_whole(mode: str) -> None:
    image = Image.new("RGBA", (16, 16))
    image.paste((200, 30, 30, 255), (0, 0, 16, 9))
    render(samples.saved(image.convert("RGB").convert(mode) if mode != "RGBA" else image, "PNG"))


def test_an_unknown_critical_chunk_before_the_pixels_is_refused_by_its_name() -> None:
    with pytest.raises(UnsupportedVariant, match="part “QQQQ”, which is unknown"):
        render(png(chunk(b"QQQQ", b"words")))
    assert render(png(chunk(b"qqQq", b"words"))).width == 16


def test_a_critical_chunk_behind_the_pixels_does_no_harm() -> None:
    data = png()
    assert render(data[:-12] + chunk(b"QQQQ", b"words") + data[-12:]).width == 16


@pytest.mark.parametrize("more", [bytes(1_300_000), b"x" * 1_300_000])
def test_what_follows_the_end_is_no_part_of_the_picture(more: bytes) -> None:
    shown = render(png() + more)
    assert samples.opened(shown).tobytes() == samples.opened(render(png())).tobytes()


@pytest.mark.parametrize("odd", [chunk(b"A\0\1B", b""), png()[8:_AT]], ids=["no name", "second header"])
def test_a_chunk_without_a_name_and_a_second_header_are_damage(odd: bytes) -> None:
    with pytest.raises(Corrupt):
        render(png(odd))


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (chunk(b"zTXt", b"Title\x00\x00no zlib"), "comment"),
        (chunk(b"zTXt", b"Title\x00\x00" + zlib.compress(b"words " * 100)[:-8]), "comment"),
        (chunk(b"iTXt", b"Title\x00\x01\x00\x00\x00no zlib"), "comment"),
        (chunk(b"iTXt", b"XML:com.adobe.xmp\x00\x01\x00\x00\x00no zlib"), "xmp"),
        (damaged(b"tEXt", b"Title\x00words"), "comment"),
        (damaged(b"eXIf", b"II*\x00\x08\x00\x00\x00\x00\x00"), "exif"),
    ],
)
def test_damaged_text_is_named(broken: bytes, kind: str) -> None:
    report = render(png(broken), metadata="keep").report
    assert [dict(each.params) for each in report.warnings if each.code == "metadata_unread"] == [
        {"kinds": [kind]}
    ]
    assert list(report.metadata_removed) == [kind]


def test_a_grey_drawing_is_packed_as_tightly_as_it_can_be() -> None:
    drawing = Image.new("L", (600, 400), 250)
    for at in range(0, 600, 20):
        drawing.paste(Image.linear_gradient("L").resize((13, 200)), (at, 100))
    wanted = samples.saved(drawing, "PNG", compress_level=6)
    assert len(render(wanted).data) <= len(wanted)
