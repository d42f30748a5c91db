"""The HEIC and HEIF codec, which reads with libheif and does not write."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator

import pillow_heif
from PIL import Image

from converter.engine.errors import Corrupt, Truncated, UnsupportedVariant
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits
from converter.engine.raster.signalling import ColorSpace, icc_of, of_icc, of_nclx

from . import credentials, motion
from .boxes import box, boxes, brands, check, compatible_brands, rebranded
from .codec import Codec
from .heic_colors import with_known_colors
from .heic_deep import loaded
from .heif import bits_per_channel, has_gain_map, orientation, refuse_unknown
from .heif_items import HEVC, made_of, refuse_unread

_STILL = {b"heic", b"heix", b"heim", b"heis"}
_READ = _STILL | {b"mif1"}
_SEQUENCE = {b"msf1", b"hevc", b"hevx", b"hevm", b"hevs"}

# Stored here because no encoder is available.
_SAMPLE = """
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAaxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAA
ADRpbG9jAAAAAERAAAIAAQAAAAAB0AABAAAAAAAAAB0AAgAAAAAB7QABAAAAAAAAAB0AAAA4aWluZgAAAAAAAgAAABVpbmZlAgAA
AAABAABodmMxAAAAABVpbmZlAgAAAAACAABodmMxAAAAAA5waXRtAAAAAAACAAABBWlwcnAAAADdaXBjbwAAAHZodmNDAQNwAAAA
kAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkAAAAwAAAwAeoCCBBZbq
5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAAAAAoY2xh
cAAAAEAAAAABAAAAMAAAAAEAAAAAAAAAAv////AAAAACAAAAEHBpeGkAAAAAAwgICAAAACBpcG1hAAAAAAAAAAIAAQWBAgMFhAAC
BYECAwWEAAAAQm1kYXQAAAAZKAGvE4D1J4E//+ClR/+61nh+Dwt+efLU8AAAABkoAa8TgPgQ4af//YCor/0y9X+crb86KQz4
"""


class Heic(Codec):
    format = FORMATS["heic"]
    pillow = "HEIF"
    reads = (
        "8, 10 and 12 bits per channel, all images of a file, grids, overlays, the still image of a sequence"
    )
    refuses = "sequences without a still image, codecs other than HEVC"

    def set_up(self) -> None:
        pillow_heif.register_heif_opener(
            thumbnails=False, aux_images=False, depth_images=False, decode_threads=1
        )
        for encoders in (Image.SAVE, Image.SAVE_ALL):  # libheif's encoder is under the GPL and not needed
            encoders.pop(self.pillow, None)

    def problems(self) -> list[str]:
        return [] if pillow_heif.libheif_info()["decoders"] else ["libheif has no decoder for HEIC."]

    def recognises(self, data: bytes) -> bool:
        told = brands(data)
        return super().recognises(data) or not told.isdisjoint(_STILL | _SEQUENCE) or _is_coded(data)

    def guard(self, data: bytes, limits: Limits) -> None:
        found = {kind for kind, _, _ in boxes(data)}
        if b"moov" in found and not made_of(data):
            raise UnsupportedVariant(kind="sequence", format=self.format.label)
        check(data, (b"meta",))
        meta = data[slice(*(box(data, b"meta") or (0, 0)))]
        if b"mdat" not in found and b"idat" not in meta:
            raise Truncated
        _check_names(meta)
        refuse_unread(data, self.format, HEVC, (b"grid", b"iovl", b"iden"))
        refuse_unknown(data, self.format)

    def images_inside(self, image: Image.Image, data: bytes) -> int:
        return getattr(image, "n_frames", 1)

    def pictures(self, image: Image.Image, data: bytes) -> Iterator[Image.Image]:
        """Yield the images, with the primary one first."""
        main = image.tell()
        yield image
        for number in range(self.images_inside(image, data)):
            if number != main:
                image.seek(number)
                yield image

    def has_gain_map(self, data: bytes) -> bool:
        return has_gain_map(data)

    def has_video(self, data: bytes) -> bool:
        return motion.has_video(data)

    def credentials(self, data: bytes) -> bytes:
        return credentials.in_boxes(data)

    def readable(self, data: bytes) -> bytes:
        """Return the file with brands and code points that the decoder accepts and without its tracks.

        The decoder needs a brand that it knows, first and among the compatible ones, and expects a track if
        any brand is for sequences. Only the still image of such a file is read, so the track is hidden.
        """
        data = with_known_colors(data)
        main = data[8:12] if data[8:12] in _STILL else b"heic"
        tracks = [first - 4 for kind, first, _ in boxes(data) if kind == b"moov"]
        others = compatible_brands(data)
        is_known = main == data[8:12] and not _READ.isdisjoint(others)
        if is_known and not tracks and _SEQUENCE.isdisjoint(others):
            return data
        instead = dict.fromkeys(_SEQUENCE, b"mif1")
        if others and _READ.isdisjoint(instead.get(brand, brand) for brand in others):
            instead[others[0]] = main
        still = bytearray(rebranded(data, main, instead))
        for at in tracks:
            still[at : at + 4] = b"free"
        return bytes(still)

    def bits(self, data: bytes, image: Image.Image) -> int:
        """Return the bits per channel; `pixi` may be missing, and libheif reads the bitstream."""
        return bits_per_channel(data) or int(image.info.get("bit_depth", 8))

    def load_deep(self, image: Image.Image, data: bytes) -> Image.Image:
        return loaded(self.readable(data), image.tell()) or self.load(image, data)

    def orientation(self, image: Image.Image, data: bytes) -> int:
        return orientation(data)

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        """Return the ICC colour space, or else that of nclx, which libheif also reads from the bitstream."""
        icc, told = icc_of(image), image.info.get("nclx_profile")
        if icc or not told:
            return of_icc(icc, image)
        return of_nclx(int(told["color_primaries"]), int(told["transfer_characteristics"]), image)

    def sample(self) -> bytes:
        return b64decode(_SAMPLE)


def _is_coded(data: bytes) -> bool:
    """Return whether the primary image is HEVC, regardless of the brands."""
    return bool(brands(data)) and not HEVC.isdisjoint(made_of(data))


def _check_names(meta: bytes) -> None:
    """Raise Corrupt for item names that are not UTF-8, which crash libheif's binding."""
    at = meta.find(b"infe")
    while at >= 0:
        size = int.from_bytes(meta[at - 4 : at], "big")
        start = at + (12 if meta[at + 4] == 2 else 14)
        try:
            meta[start : at - 4 + size].decode()
        except UnicodeDecodeError as exc:
            raise Corrupt from exc
        at = meta.find(b"infe", at + 4)


codec = Heic()
