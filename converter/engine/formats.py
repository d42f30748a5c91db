"""The formats and their features, as data. Processing steps check features and never a format's name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Literal, get_args

BULK_OF_LOSSLESS = 4
_ANY_MODE = ("L", "LA", "RGB", "RGBA")


@dataclass(frozen=True)
class Format:
    name: str
    label: str
    extensions: tuple[str, ...]
    mime: str
    signature: bytes
    """A regular expression that matches the beginning of its files."""
    decodes: bool = True
    encodes: bool = True
    alpha: bool = False
    animation: bool = False
    pages: bool = False
    lossless: bool = False
    """It can store pixels without loss. If `quality` is set too, lossless is an option."""
    quality: bool = False
    default_quality: int | None = None
    default_effort: int | None = None
    """The default encoder effort, 1 to 9, or None if the encoder has no such setting."""
    progressive: bool = False
    max_side: int = 65_535
    """The longest side in pixels that the codec can store."""
    shrinks_to_max_side: bool = False
    """Whether larger images are shrunk to `max_side` instead of rejected."""
    shows_in_browser: bool = False
    """Whether all browsers can display it."""
    favicon: bool = False
    """Whether it is the format of favicon.ico, with several sizes in one file."""
    app_icon: bool = False
    """Whether systems accept it as the icon of an installed web app."""
    source_rank: int | None = None
    """Its rank among the sources of a `<picture>`. Browsers try the lowest rank first."""
    photographs: bool = False
    """Whether cameras write it, so that its files are usually still and opaque."""
    candidate: bool = False
    """Whether `auto` may choose it."""
    shrinks_on_load: bool = False
    """Whether the decoder can decode to 1/2, 1/4 or 1/8 of the size, which is much faster."""
    decoder_turns: bool = False
    """Whether the decoder applies the orientation itself."""
    icc: bool = False
    exif: bool = False
    most_metadata: int | None = None
    """The maximum size in bytes of an EXIF, IPTC or comment block, or None for no limit."""
    xmp: bool = False
    iptc: bool = False
    comment: bool = False
    texts: bool = False
    """Whether it can store named texts."""
    loops: bool = False
    """Whether it can store the loop count of an animation."""
    bilevel: bool = False
    """Whether one bit per pixel makes smaller files."""
    has_density: bool = False
    """Whether it has its own field for pixels per inch."""
    package: str | None = None
    """The Python package that reads and writes it. Without the package, the format is not offered."""
    paper: bool = False
    """Whether its images always have a size on paper, even if the source has none."""
    gray: bool = False
    """Whether it can store a single grey channel."""
    deep: tuple[str, ...] = ()
    """Colour modes that it can store losslessly with 16 bits per channel."""
    gain_map: bool = False
    """Whether it can store a gain map, which brightens the image on HDR screens."""
    bulk: int = BULK_OF_LOSSLESS
    """The rank of its file sizes for the same photo. Conversion to a higher rank makes files larger."""

    @property
    def extension(self) -> str:
        return self.extensions[0]

    def begins(self, data: bytes) -> bool:
        """Return whether these bytes are the beginning of a file in this format."""
        return re.match(self.signature, data, re.DOTALL) is not None

    @property
    def is_installed(self) -> bool:
        return self.package is None or find_spec(self.package) is not None

    @property
    def says_dpi(self) -> bool:
        """Whether the format can store a print resolution, if only in EXIF."""
        return self.has_density or self.exif

    @property
    def lossless_is_a_choice(self) -> bool:
        return self.lossless and self.quality


_KNOWN = (
    Format(
        name="jpeg",
        label="JPEG",
        extensions=("jpg", "jpeg", "jpe", "jfif", "mpo"),
        mime="image/jpeg",
        signature=rb"\xff\xd8\xff",
        quality=True,
        default_quality=80,
        default_effort=5,
        progressive=True,
        max_side=65_500,
        shows_in_browser=True,
        source_rank=6,
        candidate=True,
        photographs=True,
        shrinks_on_load=True,
        icc=True,
        exif=True,
        xmp=True,
        iptc=True,
        comment=True,
        most_metadata=65_000,
        gain_map=True,
        gray=True,
        bulk=3,
        has_density=True,
    ),
    Format(
        name="png",
        label="PNG",
        extensions=("png", "apng"),
        mime="image/png",
        signature=rb"\x89PNG\r\n\x1a\n",
        default_effort=6,
        alpha=True,
        animation=True,
        lossless=True,
        shows_in_browser=True,
        app_icon=True,
        source_rank=4,
        candidate=True,
        icc=True,
        exif=True,
        xmp=True,
        iptc=True,
        texts=True,
        loops=True,
        bilevel=True,
        gray=True,
        deep=_ANY_MODE,
        has_density=True,
    ),
    Format(
        name="webp",
        label="WebP",
        extensions=("webp",),
        mime="image/webp",
        signature=rb"RIFF....WEBP",
        # 2 megapixels at quality 80: method 4 takes 0.19 s, 560 kB, SSIM 0.992; 2 takes 0.11 s, 570 kB;
        # 6 takes 0.63 s, 537 kB.
        default_effort=5,
        alpha=True,
        animation=True,
        lossless=True,
        quality=True,
        default_quality=80,
        max_side=16_383,
        shows_in_browser=True,
        source_rank=3,
        candidate=True,
        icc=True,
        exif=True,
        xmp=True,
        loops=True,
        bulk=2,
    ),
    Format(
        name="avif",
        label="AVIF",
        extensions=("avif",),
        mime="image/avif",
        signature=rb"....ftypavi[fs]",
        # 0.6 megapixels at equal SSIM: speed 8 takes 61 ms, 30.9 kB; 6 takes 291 ms, 25.3 kB; 6 tuned for
        # SSIM takes 164 ms, 24.2 kB; 5 takes 1.6 s, 24.4 kB. docs/performance.md has more.
        default_effort=4,
        alpha=True,
        animation=True,
        quality=True,
        default_quality=60,
        max_side=16_384,
        shows_in_browser=True,
        source_rank=2,
        candidate=True,
        icc=True,
        exif=True,
        xmp=True,
        gray=True,
        bulk=1,
    ),
    Format(
        name="jxl",
        label="JPEG XL",
        extensions=("jxl",),
        mime="image/jxl",
        signature=rb"\xff\x0a|\x00\x00\x00\x0cJXL \r\n\x87\n",
        # 0.6 megapixels at quality 80: effort 3 takes 0.03 s, 29 kB; 5 takes 0.24 s, 28 kB; WebP 0.07 s, 38 kB.
        default_effort=3,
        alpha=True,
        lossless=True,
        quality=True,
        default_quality=80,
        source_rank=1,
        decoder_turns=True,
        icc=True,
        exif=True,
        xmp=True,
        gray=True,
        deep=_ANY_MODE,
        bulk=1,
        package="pyjpegxl",
    ),
    Format(
        name="gif",
        label="GIF",
        extensions=("gif",),
        mime="image/gif",
        signature=rb"GIF8[79]a",
        alpha=True,
        animation=True,
        shows_in_browser=True,
        source_rank=5,
        xmp=True,
        comment=True,
        loops=True,
    ),
    Format(
        name="tiff",
        label="TIFF",
        extensions=("tif", "tiff"),
        mime="image/tiff",
        signature=rb"II[*+]\x00|MM\x00[*+]",
        alpha=True,
        pages=True,
        lossless=True,
        decoder_turns=True,
        icc=True,
        exif=True,
        xmp=True,
        iptc=True,
        bilevel=True,
        gray=True,
        deep=_ANY_MODE,
        bulk=5,
        has_density=True,
    ),
    Format(
        name="bmp",
        label="BMP",
        extensions=("bmp", "dib"),
        mime="image/bmp",
        # Bytes 14 to 17 are the size of the next header, and no BMP is without control characters so far.
        signature=rb"BM(?!.{14}[^\0]|.{15}[^\0]|[^\0-\x08\x0e-\x1f]{0,16}\Z)",
        lossless=True,
        max_side=32_767,
        shows_in_browser=True,
        gray=True,
        bulk=6,
        has_density=True,
    ),
    Format(
        name="ico",
        label="ICO",
        extensions=("ico",),
        mime="image/vnd.microsoft.icon",
        signature=rb"\x00\x00\x01\x00(?!ftyp)",  # excludes videos that begin with a box of 256 bytes
        alpha=True,
        lossless=True,
        max_side=256,
        shrinks_to_max_side=True,
        shows_in_browser=True,
        favicon=True,
        bulk=5,
    ),
    Format(
        name="jp2",
        label="JPEG 2000",
        extensions=("jp2", "j2k", "jpx", "jpf", "j2c", "jpc"),
        mime="image/jp2",
        signature=rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
        alpha=True,
        lossless=True,
        quality=True,
        default_quality=80,
        exif=True,
        xmp=True,
        gray=True,
        deep=("L",),
        bulk=3,
    ),
    Format(
        name="heic",
        label="HEIC",
        extensions=("heic", "heif", "hif"),
        mime="image/heic",
        signature=rb"....ftyp(?:hei[cxms]|hev[cxms]|mif[123]|msf1|miaf)",
        encodes=False,
        photographs=True,
        alpha=True,
        decoder_turns=True,
        icc=True,
        exif=True,
        xmp=True,
        bulk=1,
    ),
    Format(
        name="pdf",
        label="PDF",
        extensions=("pdf",),
        mime="application/pdf",
        signature=rb"%PDF",
        decodes=False,
        pages=True,
        quality=True,
        default_quality=80,
        max_side=65_500,
        bilevel=True,
        gray=True,
        bulk=3,
        has_density=True,
        paper=True,
    ),
)

FORMATS: Mapping[str, Format] = MappingProxyType(
    {format.name: format for format in _KNOWN if format.is_installed}
)
NOT_INSTALLED = tuple(format for format in _KNOWN if not format.is_installed)

Join = Literal["pdf"]
"""The formats that several images can be joined into."""
(DOCUMENT,) = (FORMATS[name] for name in get_args(Join))

AUTO = "auto"

CANDIDATES = tuple(format for format in FORMATS.values() if format.candidate)
ANIMATION_CANDIDATES = tuple(
    sorted((format for format in CANDIDATES if format.animation and format.loops), key=lambda each: each.bulk)
)
"""The formats of `auto` for animations. It uses the first whose `max_side` suffices."""


_NAMES = {extension: format.name for format in FORMATS.values() for extension in format.extensions}


def format_for(name: str) -> Format:
    """Return the format with this name or extension, such as "jpg" or "tif".

    Raises KeyError.
    """
    name = name.lower()
    return FORMATS[_NAMES.get(name, name)]
