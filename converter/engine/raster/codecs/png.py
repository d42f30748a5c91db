"""The PNG and APNG codec."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, takewhile

from PIL import Image, ImageChops, PngImagePlugin

from converter.engine.errors import Corrupt, Truncated, UnsupportedVariant
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits
from converter.engine.raster.signalling import ColorSpace
from converter.engine.report import Log

from . import apng, credentials, png_raw_profiles, png_reader
from .codec import Codec, Settings
from .content import Content
from .png_alpha import loaded
from .png_chunks import MOST_TEXT, PROFILE, WORDS, Chunk, chunks, made
from .png_colors import space_of
from .png_deep import gray_with_alpha, with_pixels
from .png_whole import ends_early

_APPLE = b"CgBI"
_MOST_CHUNKS = 100_000  # encoders write chunks of 8 kB or more, and each takes 0.1 ms
_NO_PIXELS = bytes.fromhex("00000000 49444154 35af061e 00000000 49454e44 ae426082")  # IDAT, IEND
_XMP = b"XML:com.adobe.xmp\x00"
_COLOR_TYPE, _PALETTE = 25, 3
_MOST_UNREAD = 20
"""Texts that are tried and not read, each of which takes as long to decompress as all that are read."""
_DEEP_GRAY_WITH_ALPHA = b"\x10\x04"
_NO_PROFILE = made(PROFILE, b"profile\x00\x00" + zlib.compress(b"too large"))


class Png(Codec):
    format = FORMATS["png"]
    pillow = "PNG"
    longest_delay = 65_535_000  # a 16-bit number of seconds
    needs = ("zlib",)
    has_octets = True
    reads = "1 to 16 bits per channel, palettes, APNG"

    def set_up(self) -> None:
        # Pillow's own limits are an eighth of these, and it treats larger texts as damage.
        PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY = 2 * MOST_TEXT
        png_reader.DECODER.problem()  # a sandboxed child process cannot load it any more

    def notes(self) -> list[str]:
        problem = png_reader.DECODER.problem()
        return [f"PNGs take longer to read than they could: {problem}."] if problem else []

    def paced(self, durations: Sequence[int], log: Log) -> Sequence[int]:
        """Round the durations, since a delay is a fraction of 16-bit numbers, coarser if it is longer."""
        return [_in_units(duration) for duration in super().paced(durations, log)]

    def guard(self, data: bytes, limits: Limits) -> None:
        """Reject PNGs without an end and with too many or unknown critical chunks, which Pillow accepts.

        Also rejects Apple's variant, which has a CgBI chunk first.
        """
        kinds = [chunk.kind for chunk in islice(chunks(data), _MOST_CHUNKS)]
        if kinds[:1] == [_APPLE]:
            raise UnsupportedVariant(kind="compression", format=self.format.label, compression="Apple CgBI")
        if len(kinds) == _MOST_CHUNKS:
            raise UnsupportedVariant(kind="many_parts", format=self.format.label)
        if b"IEND" not in kinds:
            raise Truncated
        self._refuse_unknown([*takewhile(lambda kind: kind not in (b"IDAT", b"IEND"), kinds)])

    def _refuse_unknown(self, kinds: Sequence[bytes]) -> None:
        """Raise for a second header and unknown critical chunks (PNG, third edition, 13.2, 14.2).

        `kinds` are those before the pixels; browsers ignore later ones. Raises Corrupt and
        UnsupportedVariant.
        """
        unknown = [kind for kind in kinds if not kind[0] & 0x20 and kind not in (b"IHDR", b"PLTE")]
        if kinds.count(b"IHDR") > 1 or not b"".join(unknown).isalpha() and unknown:
            raise Corrupt
        if unknown:
            raise UnsupportedVariant(kind="chunk", format=self.format.label, name=unknown[0].decode())

    def readable(self, data: bytes) -> bytes:
        """Return the PNG without texts and large profiles, since Pillow treats large ones as damage."""
        found = list(chunks(data))
        shown = list(_for_pixels(found))
        if len(shown) == len(found) and not any(chunk.kind in (PROFILE, b"acTL") for chunk in found):
            return data
        return b"".join([data[:8], *(_bounded(chunk) for chunk in shown)])

    def header(self, data: bytes) -> bytes:
        """Return a PNG without pixels, with all texts in the header.

        Pillow would decode the whole PNG, including animation frames, to find texts after the pixels.
        """
        read = [chunk for chunk, is_read in _in_header(data) if is_read]
        words = [chunk for chunk in read if chunk.kind in WORDS]
        kept: list[bytes | memoryview] = [data[:8]]
        kept += [_bounded(chunk) for chunk in read if chunk.kind not in WORDS]
        kept += png_raw_profiles.as_usual(words)
        if apng.hides_default(data):
            kept.append(apng.whole_frame(data))  # so that Pillow counts the frames of the animation
        return b"".join([*kept, _NO_PIXELS])

    def unread(self, data: bytes) -> Sequence[str]:
        found = list(_in_header(data))
        left = [_kind_of_words(chunk) for chunk, is_read in found if not is_read]
        return [*left, *png_raw_profiles.lost(chunk for chunk, is_read in found if is_read)]

    def pictures(self, image: Image.Image, data: bytes) -> Iterator[Image.Image]:
        """Yield the composited frames.

        Pillow does not blend frames correctly, and includes a default image that is not in the animation.
        """
        if apng.count(data) is None:
            return super().pictures(image, data)
        return apng.frames(data, image.size, lambda still: apng.decoded(still, loaded))

    def load(self, image: Image.Image, data: bytes) -> Image.Image:
        if not isinstance(image, PngImagePlugin.PngImageFile):
            return image
        if data[24:26] == _DEEP_GRAY_WITH_ALPHA:
            return gray_with_alpha(data)
        readable = self.readable(data)
        pixels = png_reader.read(readable, image.size)
        if pixels:
            return pixels
        pixels = loaded(image, readable)
        if ends_early(pixels, data):
            raise Truncated
        return pixels

    def bits(self, data: bytes, image: Image.Image) -> int:
        return data[24] or super().bits(data, image)

    def stored(self, image: Image.Image, log: Log) -> Image.Image:
        """Return an image with few colours as a palette image if that is lossless."""
        if image.mode != "RGB" or image.getcolors(256) is None:
            return image
        paletted = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        exact = ImageChops.difference(paletted.convert("RGB"), image).getbbox() is None
        return paletted if exact else image

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        return space_of(image, data)

    def settings(self, content: Content, quality: int | None) -> Settings:
        settings: Settings = {"compress_level": content.effort}
        if content.is_noisy and content.recipe.effort is None:
            settings["compress_type"] = zlib.Z_RLE
        return settings

    def drawn(self, content: Content) -> Sequence[Image.Image]:
        return [_stand_in()] if content.is_deep else content.images

    def finished(self, data: bytes, content: Content) -> bytes:
        for image, low in zip(content.images, content.lows, strict=False):
            if low:
                data = with_pixels(data, image, low, **self.settings(content, None))
        return data

    def frames_in(self, data: bytes, content: Content) -> int:
        return apng.count(data) or 1

    def credentials(self, data: bytes) -> bytes:
        return credentials.in_png(data)

    def carried(self, content: Content) -> Settings:
        """Return the encoder arguments, with texts, XMP and IPTC as text chunks."""
        carried = dict(content.extras)
        info = PngImagePlugin.PngInfo()
        if "iptc" in carried:
            info.add_text(*png_raw_profiles.iptc_text(carried.pop("iptc")), zip=True)
        for name, value in carried.pop("text", {}).items():
            info.add_itxt(name, value)
        xmp = carried.pop("xmp", b"")
        if xmp:
            info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        return {**carried, "pnginfo": info}


def _for_pixels(found: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yield the chunks that are needed to decode the pixels."""
    return (chunk for chunk in _placed(found) if chunk.kind not in WORDS and chunk.is_usable)


def _placed(found: Iterable[Chunk]) -> Iterator[Chunk]:
    """Yield the chunks without misplaced tRNS, after the pixels or before the palette, and further profiles.

    See PNG, third edition, 5.6.
    """
    seen = set[bytes]()
    for chunk in found:
        if chunk.kind == PROFILE and PROFILE in seen:
            continue
        seen.add(chunk.kind)
        is_early = chunk.source[_COLOR_TYPE] == _PALETTE and b"PLTE" not in seen
        if chunk.kind != b"tRNS" or not (is_early or b"IDAT" in seen):
            yield chunk


def _in_header(data: bytes) -> Iterator[tuple[Chunk, bool]]:
    """Yield the chunks before the pixels and all texts, each with whether it is read."""
    pixels_begun, room, tries = False, MOST_TEXT, _MOST_UNREAD
    for chunk in _placed(chunks(data)):
        if chunk.kind == b"IEND":
            return
        pixels_begun = pixels_begun or chunk.kind == b"IDAT"
        if chunk.kind in WORDS:
            size = chunk.unpacked_size(room) if tries else None
            is_read = size is not None and size <= room and chunk.is_usable
            room -= size if is_read and size else 0
            tries = tries if is_read else max(0, tries - 1)
            yield chunk, is_read
        elif not pixels_begun and chunk.is_usable:
            yield chunk, True


def _kind_of_words(chunk: Chunk) -> str:
    if chunk.kind == b"eXIf":
        return "exif"
    return "xmp" if chunk.data.startswith(_XMP) else "comment"


def _stand_in() -> Image.Image:
    return Image.new("L", (1, 1))


def _bounded(chunk: Chunk) -> bytes | memoryview:
    """Return the chunk, corrected where needed.

    An acTL chunk gets the actual number of frames. A profile that is too large is made unusable.
    """
    if chunk.kind == b"acTL":
        return apng.counted(chunk)
    if chunk.kind == PROFILE and (chunk.unpacked_size(MOST_TEXT) or 0) > MOST_TEXT:
        return _NO_PROFILE
    return chunk.raw


def _in_units(duration: int) -> int:
    """Round the milliseconds down to a 16-bit multiple of 1, 10, 100 or 1000 ms."""
    unit = next(unit for unit in (1, 10, 100, 1000) if duration // unit <= 65_535)
    return duration // unit * unit


codec = Png()
