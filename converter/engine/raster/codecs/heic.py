"""HEIC and HEIF: read by libheif, never written."""

from __future__ import annotations

from base64 import b64decode

import pillow_heif
from PIL import Image

from converter.engine.errors import Corrupt
from converter.engine.formats import FORMATS
from converter.engine.limits import Limits
from converter.engine.raster.signalling import ColorSpace, icc_of, of_icc, of_nclx

from .boxes import boxes, check
from .codec import Codec
from .heif import bits_per_channel, orientation

# Nothing here writes one.
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
    reads = "the primary picture"

    def set_up(self) -> None:
        pillow_heif.register_heif_opener(
            thumbnails=False, aux_images=False, depth_images=False, decode_threads=1
        )
        for encoders in (Image.SAVE, Image.SAVE_ALL):  # libheif's is under the GPL, and nobody needs it here
            encoders.pop(self.pillow, None)

    def problems(self) -> list[str]:
        return [] if pillow_heif.libheif_info()["decoders"] else ["libheif has no decoder for HEIC."]

    def guard(self, data: bytes, limits: Limits) -> None:
        """libheif's binding crashes on items whose names are not text, so they are looked at here."""
        check(data)
        for kind, start, end in boxes(data):
            at = data.find(b"infe", start, end) if kind == b"meta" else -1
            while at >= 0:
                size = int.from_bytes(data[at - 4 : at], "big")
                names = data[at + (12 if data[at + 4] == 2 else 14) : min(at - 4 + size, end)]
                try:
                    names.decode()
                except UnicodeDecodeError as exc:
                    raise Corrupt from exc
                at = data.find(b"infe", at + 4, end)

    def bits(self, data: bytes, image: Image.Image) -> int:
        return bits_per_channel(data) or super().bits(data, image)

    def orientation(self, image: Image.Image, data: bytes) -> int:
        return orientation(data)

    def space(self, image: Image.Image, data: bytes) -> ColorSpace:
        """ICC, else nclx, which libheif also takes from the coded picture."""
        icc, told = icc_of(image), image.info.get("nclx_profile")
        if icc or not told:
            return of_icc(icc, image)
        return of_nclx(int(told["color_primaries"]), int(told["transfer_characteristics"]), image)

    def sample(self) -> bytes:
        return b64decode(_SAMPLE)


codec = Heic()
