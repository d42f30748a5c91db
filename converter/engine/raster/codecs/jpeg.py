"""The JPEG codec, also for the MPO files of phones and stereo cameras, of which it reads the first image."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from io import BytesIO
from itertools import islice
from typing import Any

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from converter.engine.errors import Truncated, UnsupportedVariant
from converter.engine.formats import FORMATS, Format
from converter.engine.limits import Limits
from converter.engine.raster import iptc
from converter.engine.raster.signalling import ColorSpace, of_exif

from . import credentials, jpeg_damage, jpeg_warnings, jpegli, motion
from .codec import Codec, Settings
from .content import GAIN_MAP, Content
from .jpeg_detail import visible_at
from .jpeg_gain_map import GainMap, gain_map_of, with_gain_map
from .jpeg_segments import (
    END_OF_IMAGE,
    MOST,
    START_OF_SCAN,
    is_frame,
    profile_of,
    readable,
    segments,
    with_head,
    without_metadata,
)
from .jpeg_whole import is_incomplete, lacks_scans
from .jpeg_xmp import extended_segments, fits, whole_packet

# From this quality on, chroma subsampling becomes visible.
_FULL_COLOR = 90
# Above this much colour detail, jpegli takes up to 1.7 times libjpeg-turbo's bytes at 4:4:4. Photos have less.
_MOST_COLOR_DETAIL = 16

_MOST_STRAY = 100_000  # bytes between segments, which Pillow reads one by one
_MOST_SCANS = 500  # encoders write about ten; the longest useful scan script has a few hundred

_JPEG_LS, _LOSSLESS_ARITHMETIC = 0xF7, 0xCB
_OF_FRAMES = 0xDE
"""The segment that begins a hierarchical JPEG (DHP)."""
_HIERARCHICAL = (0xC5, 0xC6, 0xC7, 0xCD, 0xCE, 0xCF)

_HUFFMAN = (0xC0, 0xC1, 0xC2)
_PART_THERE = 1 / 4  # of the minimum size; truncated files are still worth decoding

_GAIN_MAPS = (b"hdrgm:Version", b"urn:iso:std:iso:ts:21496:-1\x00", b"HDRGainMap", b"aux:hdrgainmap")
_SOI = b"\xff\xd8\xff"
_IMAGE = re.compile(rb"\xff\xd8\xff[\xe0-\xef]")
_MOST_HEAD, _MOST_IMAGES = 200_000, 20
_MP_ENTRIES = 0xB002

_DAMAGED = "damaged"
"""The key in `Image.info` for whether libjpeg warned of damage, or None if unknown."""
_SCALE = "scale"
"""The key in `Image.info` for how many times smaller the image was decoded."""

_CHANNELS = (0, 1, 3, 4)  # none is damage
_UNITS = (1, 2)  # per inch, per centimetre


class Jpeg(Codec):
    format = FORMATS["jpeg"]
    pillow = "JPEG"
    needs = ("jpg", "libjpeg_turbo")
    writes_jpeg = True
    reads = "baseline and progressive; grey, RGB and CMYK; all images of an MPO"
    refuses = "12-bit, JPEG-LS, hierarchical, lossless arithmetic"

    def set_up(self) -> None:
        jpegli.LIBRARY.problem()  # a sandboxed child process cannot load it any more
        jpeg_warnings.LIBRARY.problem()
        # This reads the resolution in EXIF, which is not used, and fails for values of a wrong type.
        JpegImageFile._read_dpi_from_exif = lambda self: None  # type: ignore[method-assign]

    def notes(self) -> list[str]:
        larger, unnoticed = jpegli.LIBRARY.problem(), jpeg_warnings.LIBRARY.problem()
        return [
            *([f"JPEGs are larger than they could be: {larger}."] if larger else []),
            *([f"Most damage inside JPEGs goes unnoticed: {unnoticed}."] if unnoticed else []),
        ]

    def guard(self, data: bytes, limits: Limits) -> None:
        """Reject codings that libjpeg cannot read, and too many scans or stray bytes before them.

        A decoder processes the whole image for each scan, and a small file can contain ten thousand.
        Counting stops at the end of the first image and ignores what follows, such as a video.
        """
        scans, stray, reached = 0, 0, 2
        for number, segment in enumerate(segments(data)):
            if not scans:  # later stray bytes are damage, which the decoder detects
                stray += segment.start - reached  # includes 4 bytes of marker and length
            scans += segment.marker == START_OF_SCAN
            reached = segment.end
            if number == MOST or scans > _MOST_SCANS or stray > _MOST_STRAY:
                raise UnsupportedVariant(kind="many_parts", format=self.format.label)
            if segment.marker == _OF_FRAMES and not scans:
                raise UnsupportedVariant(kind="hierarchical", format=self.format.label)
            # A frame header after a scan is damage, which the decoder detects.
            if is_frame(segment.marker) and segment.end > segment.start and not scans:
                self._refuse_unread(segment.marker, data[segment.start : segment.end])
                self._refuse_lie(segment.marker, data[segment.start : segment.end], len(data), limits)

    def _refuse_lie(self, marker: int, frame: bytes, size: int, limits: Limits) -> None:
        """Check that the file can contain as many pixels as its header declares, before memory is allocated.

        Each block of 8×8 samples takes at least one bit for its DC coefficient (T.81, F.1.2.1; G.1.2.1).
        Raises TooManyPixels and Truncated.
        """
        height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
        limits.check_pixels(width, height)
        blocks = -(-height // 8) * -(-width // 8)
        if marker in _HUFFMAN and size < blocks / 8 * _PART_THERE:
            raise Truncated

    def _refuse_unread(self, marker: int, frame: bytes) -> None:
        """Raise UnsupportedVariant according to the frame header (T.81, B.2.2)."""
        label, bits, channels = self.format.label, frame[0], frame[5] if len(frame) > 5 else 0
        if marker == _JPEG_LS:
            raise UnsupportedVariant(kind="jpeg_ls", format=label)
        if marker in _HIERARCHICAL:
            raise UnsupportedVariant(kind="hierarchical", format=label)
        if marker == _LOSSLESS_ARITHMETIC:
            raise UnsupportedVariant(kind="compression", format=label, compression="lossless arithmetic")
        if bits != 8:
            raise UnsupportedVariant(kind="samples", format=label, bits=bits)
        if channels not in _CHANNELS and len(frame) == 6 + 3 * channels:  # otherwise, it is damaged
            raise UnsupportedVariant(kind="many_channels", format=label, channels=channels)

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        return of_exif(profile_of(data), image)

    def readable(self, data: bytes) -> bytes:
        return readable(data)

    def repacked(self, data: bytes, source: Format, strip: bool = False) -> bytes | None:
        """Restore the JPEG that a JPEG XL was made from, or return None."""
        if source.name != "jxl":
            return None
        from .jxl import jpeg_inside

        jpeg = jpeg_inside(data)
        return without_metadata(jpeg) if jpeg is not None and strip else jpeg

    def jpeg_inside(self, data: bytes) -> bytes:
        return data

    def dpi(self, image: Image.Image) -> Any:
        # Without a unit in JFIF, Pillow assumes 72 dpi if EXIF has no resolution either.
        return super().dpi(image) if image.info.get("jfif_unit") in _UNITS else None

    def xmp(self, image: Image.Image, data: bytes) -> bytes | None:
        return whole_packet(data, super().xmp(image, data) or b"")

    def load(self, image: Image.Image, data: bytes) -> Image.Image:
        if not isinstance(image, JpegImageFile):
            return super().load(image, data)
        if image.tell():  # a later image of an MPO
            image.info[_DAMAGED] = jpeg_damage.load(image, data[image.tile[0].offset :])
            return image
        scale = image.decoderconfig[0] if image.decoderconfig else 1
        whole = readable(data)
        visible = visible_at(whole, scale)
        if visible is not whole:
            with suppress(OSError, SyntaxError):  # damage that libjpeg might skip in the whole file
                return self._decoded(visible, image.mode, scale)
        image.info.update({_DAMAGED: jpeg_damage.load(image, whole), _SCALE: scale})
        return image

    def is_damaged(self, image: Image.Image, data: bytes) -> bool:
        if image.tell():
            return bool(image.info.get(_DAMAGED))
        return bool(image.info.get(_DAMAGED)) or jpeg_damage.is_damaged(readable(data))

    def is_incomplete(self, image: Image.Image, data: bytes) -> bool:
        if image.tell():  # a later image of an MPO, whose end Pillow determines
            return False
        if image.info.get(_DAMAGED) is False:
            return lacks_scans(data)
        scale = image.info.get(_SCALE, 1)
        return is_incomplete(
            data, image, lambda other: self._decoded(visible_at(other, scale), image.mode, scale)
        )

    def _decoded(self, data: bytes, mode: str, scale: int) -> Image.Image:
        with Image.open(BytesIO(data), formats=[self.pillow]) as image:
            # The decoder rounds sizes up, but `draft` rounds them down.
            image.draft(mode, (max(1, image.width // scale), max(1, image.height // scale)))
            assert isinstance(image, JpegImageFile)
            damaged = jpeg_damage.load(image, data)
            pixels = image._new(image.im)
            pixels.info.update({_DAMAGED: damaged, _SCALE: scale})
            return pixels

    def images_inside(self, image: Image.Image, data: bytes) -> int:
        return len(self._numbers(image, data))

    def pictures(self, image: Image.Image, data: bytes) -> Iterator[Image.Image]:
        for number in self._numbers(image, data):
            if number:
                image.seek(number)
            yield image

    def _numbers(self, image: Image.Image, data: bytes) -> list[int]:
        """Return the indices of the images in an MPO that are not thumbnails (CIPA DC-007, 5.2.3.3)."""
        if self.has_gain_map(data):
            return [0]
        entries = getattr(image, "mpinfo", {}).get(_MP_ENTRIES, [])
        kinds = [entry["Attribute"]["MPType"] for entry in entries]
        return [0, *(number for number, kind in enumerate(kinds) if number and "Thumbnail" not in kind)]

    def has_gain_map(self, data: bytes) -> bool:
        """Search the headers of all images for the markers of Android, ISO 21496-1 and Apple.

        Those of the first count only if another follows: programs without HDR keep its XMP.
        """
        end = next((segment.end for segment in segments(data) if segment.marker == END_OF_IMAGE), len(data))
        starts = [found.start() for found in islice(_IMAGE.finditer(data, end), _MOST_IMAGES)]
        heads = [data[start : start + _MOST_HEAD] for start in (0, *starts)] if _SOI in data[end:] else []
        return any(mark in head for head in heads for mark in _GAIN_MAPS)

    def has_video(self, data: bytes) -> bool:
        return motion.has_video(data)

    def credentials(self, data: bytes) -> bytes:
        return credentials.in_jpeg(data)

    def carried(self, content: Content) -> Settings:
        """Return the encoder arguments, with long XMP split into several segments, and IPTC in its own."""
        carried = {name: value for name, value in content.extras.items() if name not in (GAIN_MAP, "iptc")}
        extra = b"" if fits(carried.get("xmp", b"")) else extended_segments(carried.pop("xmp"))
        if "iptc" in content.extras:
            extra += iptc.app13(content.extras["iptc"])
        return {**carried, "extra": extra} if extra else carried

    def gain_map(self, data: bytes) -> GainMap | None:
        return gain_map_of(data)

    def finished(self, data: bytes, content: Content) -> bytes:
        """Append the gain map."""
        gain_map = content.extras.get(GAIN_MAP)
        return with_gain_map(data, gain_map) if gain_map else data

    def halves_color(self, content: Content) -> bool:
        return content.images[0].mode == "RGB" and not content.full_color

    def settings(self, content: Content, quality: int | None) -> Settings:
        full = content.full_color or self._is_for_a_close_look(content, quality)
        by_jpegli = _suits_jpegli(content, quality, full)
        return {
            **({"encoder": "jpegli"} if by_jpegli else {}),
            "quality": quality,
            "optimize": True,
            "progressive": content.recipe.progressive,
            "subsampling": "4:4:4" if full else "4:2:0",
        }

    def _is_for_a_close_look(self, content: Content, quality: int | None) -> bool:
        """Return whether the recipe sets a high quality.

        For a target size, higher quality is worth more than chroma resolution.
        """
        is_asked_for = content.recipe.target_bytes is None and content.recipe.aim is None
        return is_asked_for and quality is not None and quality >= _FULL_COLOR

    def drafted(self, content: Content) -> Content:
        if not content.recipe.progressive:
            return content
        return replace(content, recipe=replace(content.recipe, progressive=False))

    def encode(self, content: Content, quality: int | None) -> bytes:
        settings = self.settings(content, quality)
        if quality is None or "encoder" not in settings:
            return super().encode(content, quality)
        [image] = content.images
        options = jpegli.Options(quality, settings["progressive"], settings["subsampling"] == "4:4:4")
        data = jpegli.encoded(image, options, content.expendable)
        return self.finished(with_head(data, self._head(content)), content)

    def _head(self, content: Content) -> bytes:
        """Return a JPEG of one pixel with the metadata."""
        output = BytesIO()
        Image.new("RGB", (1, 1)).save(output, self.pillow, **self.carried(content))
        return output.getvalue()


def _suits_jpegli(content: Content, quality: int | None, full_color: bool) -> bool:
    mode = content.images[0].mode
    if mode not in jpegli.MODES or content.effort == 1 or jpegli.LIBRARY.problem():
        return False
    samples = jpegli.samples(mode, content.pixels, full_color)
    if quality is None or quality < jpegli.LOWEST or samples > jpegli.MOST_SAMPLES:
        return False
    return mode == "L" or not full_color or content.color_detail <= _MOST_COLOR_DETAIL


codec = Jpeg()
