"""The AVIF codec."""

from __future__ import annotations

import struct
from typing import Any

from PIL import AvifImagePlugin, Image

from converter.engine.errors import UnsupportedVariant
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits
from converter.engine.raster.octets import LOW
from converter.engine.raster.signalling import SRGB, ColorSpace, icc_of, of_icc, of_nclx

from . import credentials, libavif, motion
from .avif_aperture import AvifImage
from .boxes import box, boxes, brands, check, rebranded
from .codec import Codec, Settings
from .content import Content
from .heif import aperture, bits_per_channel, has_gain_map, orientation, properties, refuse_unknown
from .heif_items import AV1, HEVC, made_of, refuse_unread

# A search encodes up to eight AVIFs within the time limit. 24 megapixels take 11 s at speed 6,
# and 6 s at speed 8, for 11 % more bytes.
_MANY_PIXELS = 12_000_000
_EFFORT_FOR_MANY = 2
# Frames take longer than a single image with as many pixels: 10 megapixels take 33 s at speed 6.
_MANY_IN_FRAMES = 4_000_000

# Above this quality, chroma subsampling costs more than it saves: 15 % more bytes at SSIMULACRA2 86.
_FULL_COLOR = 75

_STILL, _SEQUENCE = b"avif", b"avis"
_CLOCKS = (b"mvhd", b"tkhd", b"mdhd")


class Avif(Codec):
    format = FORMATS["avif"]
    pillow = "AVIF"
    needs = ("avif",)
    highest_in_half_color = _FULL_COLOR
    usual_qualities = ((37, 25), (48, 35), (58, 45), (66, 55), (72, 65), (77, 75), (82, 82), (91, 95))
    reads = "8, 10 and 12 bits per channel, grids, animations"
    refuses = "overlays and other derived images, codecs other than AV1"

    def set_up(self) -> None:
        libavif.LIBRARY.problem()  # a sandboxed child process cannot load it any more
        AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # other processes use the other cores
        # Without an accept function, because Pillow passes it only the major brand, which may differ.
        Image.register_open(self.pillow, AvifImage)

    def notes(self) -> list[str]:
        problem = libavif.LIBRARY.problem()
        return [f"AVIF is read in 8 bits per channel: {problem}."] if problem else []

    def recognises(self, data: bytes) -> bool:
        """Decide by the codec of the primary image, or by the brands if it cannot be found."""
        told = brands(data)
        parts = made_of(data) if told else []
        if not HEVC.isdisjoint(parts):
            return False
        return not (AV1.isdisjoint(parts) and told.isdisjoint((_STILL, _SEQUENCE)))

    def guard(self, data: bytes, limits: Limits) -> None:
        kinds = {kind for kind, _, _ in boxes(data)}
        within = box(data, b"meta")
        holds_pixels = within and box(data, b"idat", within[0] + 4, within[1])
        has_tracks_only = b"moov" in kinds and b"meta" not in kinds
        pixels = () if holds_pixels else (b"mdat",)
        check(data, (b"moov" if has_tracks_only else b"meta", *pixels))
        refuse_unread(data, self.format, AV1, (b"grid",))
        refuse_unknown(data, self.format)

    def readable(self, data: bytes) -> bytes:
        """Return the file with brands that match its boxes, since libavif relies on the brands."""
        told, kinds = brands(data), {kind for kind, _, _ in boxes(data)}
        is_sequence = b"moov" in kinds and (_SEQUENCE in told or b"meta" not in kinds)
        wanted, other = (_SEQUENCE, _STILL) if is_sequence else (_STILL, _SEQUENCE)
        is_promised = other not in told or (is_sequence and b"meta" in kinds)
        if wanted in told and is_promised:
            return data
        return rebranded(data, wanted, {other: wanted})

    def load(self, image: Image.Image, data: bytes) -> Image.Image:
        """Return grey with alpha as such, which Pillow returns in colour.

        Raises UnsupportedVariant for grids of tiles smaller than 64 pixels, which libavif rejects (MIAF,
        7.3.11.4.2) and libheif reads.
        """
        try:
            loaded = super().load(image, data)
            return loaded.convert("LA") if loaded.mode == "RGBA" and _is_monochrome(data) else loaded
        except (RuntimeError, ValueError) as exc:
            if "grid" not in str(exc):
                raise
            raise UnsupportedVariant(kind="derived", format=self.format.label) from exc

    def load_deep(self, image: Image.Image, data: bytes) -> Image.Image:
        deep = libavif.halves(self.readable(data))
        if deep is None:
            return self.load(image, data)
        is_gray = image.mode == "L" or _is_monochrome(data)
        high, low = (_shown(half, data, is_gray) for half in deep)
        high.info[LOW] = low
        return high

    def bits(self, data: bytes, image: Image.Image) -> int:
        return _bits_coded(data) or bits_per_channel(data) or super().bits(data, image)

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        """Return the ICC colour space, or else that of nclx (MIAF, ISO/IEC 23000-22, 7.3.6.4).

        In an animation, both may be only in the track.
        """
        icc = icc_of(image)
        if icc:
            return of_icc(icc, image)
        codes = _code_points(data)
        return of_nclx(*codes, image) if codes else SRGB

    def orientation(self, image: Image.Image, data: bytes) -> int:
        return orientation(data)

    def has_gain_map(self, data: bytes) -> bool:
        return has_gain_map(data)

    def has_video(self, data: bytes) -> bool:
        return motion.has_video(data)

    def credentials(self, data: bytes) -> bytes:
        return credentials.in_boxes(data)

    def settings(self, content: Content, quality: int | None) -> Settings:
        effort = content.effort
        many = _MANY_IN_FRAMES if content.is_animation else _MANY_PIXELS
        if content.recipe.effort is None and content.pixels > many:
            effort = _EFFORT_FOR_MANY
        is_free = content.recipe.target_bytes is None and content.recipe.aim is None
        full = content.full_color or (is_free and quality is not None and quality > _FULL_COLOR)
        # Chromium rejects colour images with a grey profile.
        is_gray = all(image.mode in ("L", "LA") for image in content.images)
        return {
            "quality": quality,
            "speed": 10 - effort,
            "subsampling": "4:0:0" if is_gray else "4:4:4" if full else "4:2:0",
            "advanced": {"tune": "ssim"},
        }

    def halves_color(self, content: Content) -> bool:
        is_gray = all(image.mode in ("L", "LA") for image in content.images)
        return not is_gray and not content.full_color

    def hidden(self, content: Content) -> Settings:
        # Tiles only help with several threads; with one they only add bytes.
        hidden = {**super().hidden(content), "max_threads": 1, "autotiling": False}
        # Chromium decodes full-range frames as limited range, which makes all colours too strong.
        return {**hidden, "range": "limited"} if content.is_animation else hidden

    def _handed_over(self, image: Image.Image, content: Content) -> Image.Image:
        if content.expendable and len(content.images) == 1:
            return _Expendable.of(image)
        return super()._handed_over(image, content)

    def finished(self, data: bytes, content: Content) -> bytes:
        return _without_clock(data) if content.is_animation else data


class _Expendable(Image.Image):
    """An image that frees its pixels once Pillow has copied them for libavif."""

    @classmethod
    def of(cls, image: Image.Image) -> _Expendable:
        """Return an image that takes over the pixels and closes the original."""
        image.load()
        taken = cls()
        taken.im, taken._mode, taken._size = image.im, image.mode, image.size
        image.close()
        return taken

    def tobytes(self, encoder_name: str = "raw", *args: Any) -> bytes:
        pixels = super().tobytes(encoder_name, *args)
        self.im = Image.new(self.mode, (1, 1)).im  # Pillow still reads attributes that need an open image
        return pixels


def _shown(half: Image.Image, data: bytes, is_gray: bool) -> Image.Image:
    """Return the part of a decoded image that is shown, in its own mode."""
    box = aperture(data, half.size)
    half = half.crop(box) if box else half
    if not is_gray:
        return half
    red, *_, last = half.split()
    return Image.merge("LA", (red, last)) if half.mode == "RGBA" else red


def _is_monochrome(data: bytes) -> bool:
    """Return whether the primary image has no chroma."""
    return bool((_coding(data) or 0) & 0x10)


def _bits_coded(data: bytes) -> int | None:
    """Return the bits per channel of the primary image, or None for a grid, whose tiles are coded."""
    coding = _coding(data)
    if coding is None:
        return None
    return (12 if coding & 0x20 else 10) if coding & 0x40 else 8


def _coding(data: bytes) -> int | None:
    """Return the flags for depth and chroma of the primary image, or None (AV1-ISOBMFF, 2.3.3)."""
    return next((told[2] for kind, told in properties(data) if kind == b"av1C" and len(told) > 2), None)


def _code_points(data: bytes) -> tuple[int, int] | None:
    """Return the nclx code points of primaries and transfer function, or None."""
    for kind, content in properties(data):
        if kind == b"colr" and content[:4] == b"nclx":
            return _codes_in(content)
    track = box(data, b"moov")
    at = data.find(b"colrnclx", *track) if track else -1
    return _codes_in(data[at + 4 : at + 15]) if at >= 0 else None


def _codes_in(content: bytes) -> tuple[int, int] | None:
    return struct.unpack_from(">HH", content, 4) if len(content) >= 8 else None


def _without_clock(data: bytes) -> bytes:
    """Return the file with zeroed creation times, so that the same image always gives the same bytes."""
    output = bytearray(data)
    box = 0
    while box + 8 <= len(data):
        size = int.from_bytes(data[box : box + 4], "big")
        if data[box + 4 : box + 8] == b"moov":
            for name in _CLOCKS:
                _clear_clocks(output, name, box + 8, box + size)
        box += max(8, size)
    return bytes(output)


def _clear_clocks(output: bytearray, name: bytes, start: int, end: int) -> None:
    while (at := output.find(name, start, end)) >= 0:
        width = 16 if output[at + 4] == 1 else 8
        output[at + 8 : at + 8 + width] = bytes(width)
        start = at + 4


codec = Avif()
