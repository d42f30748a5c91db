"""From finished frames to bytes. One function per format says with which settings."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO
from itertools import accumulate, groupby
from math import prod
from typing import Any

from PIL import Image, ImageChops, PngImagePlugin

from converter.engine.errors import TooLargeForFormat
from converter.engine.formats import Format
from converter.engine.recipe import Recipe
from converter.engine.report import Log

from .containers import tiff_tags, tiff_with_exif, without_clock
from .pillow import encoding, room_for
from .sniff import gif_blocks
from .steps import Frame

Settings = dict[str, Any]

_ICON_SIDES = (16, 24, 32, 48, 64, 128, 256)
_HALF = 128
_NEVER = 2**31 - 1

# A search makes up to eight AVIFs within the time limit: 24 megapixels take 11 s at speed 6, 6 s at 8 for 11 % more bytes.
_MANY_PIXELS = 12_000_000
_EFFORT_FOR_MANY = 2

# When a picture is noisy: more colours than a drawing has, and in a sample of rows a search finds next to nothing.
_DRAWN_COLORS = 20_000
_BANDS, _ROWS = 8, 4
_NEARLY = 1.05


@dataclass(frozen=True)
class Encoder:
    """Frames made ready for one format, to be encoded once or, in a search, several times."""

    target: Format
    recipe: Recipe
    images: Sequence[Image.Image]
    durations: Sequence[int]
    plays: int
    extras: Mapping[str, Any]
    """Encoder arguments from elsewhere: metadata and profile."""

    def encode(self, quality: int | None = None) -> bytes:
        """Return the file's bytes.

        Raises Fault, OutOfMemory.
        """
        output = BytesIO()
        with encoding(self.target), room_for(max((image.size for image in self.images), key=prod)):
            for part in self._parts():
                part._write(output, quality)
            return self._finished(output.getvalue())

    def _parts(self) -> list[Encoder]:
        """Pages that cannot share settings: in a PDF those of one bit have no quality."""
        if self.target.name != "pdf":
            return [self]
        runs = groupby(self.images, key=lambda image: image.mode == "1")
        return [replace(self, images=list(run)) for _, run in runs]

    def _write(self, output: BytesIO, quality: int | None) -> None:
        """Write the file, or add pages to the one that is there."""
        arguments = {**self.settings(quality), **self._hidden, **_CARRY.get(self.target.name, _plainly)(self)}
        if output.tell():
            arguments["append"] = True
        first, *others = [_fresh(image) for image in self.images]
        if others:
            first.save(output, self.target.pillow, save_all=True, append_images=others, **arguments)
        else:
            first.save(output, self.target.pillow, **arguments)

    def _finished(self, data: bytes) -> bytes:
        """Put right what the writer left undone."""
        match self.target.name:
            case "tiff" if "exif" in self.extras:
                return tiff_with_exif(data, self.extras["exif"])
            case "avif" if len(self.images) > 1:
                return without_clock(data)
        return data

    def settings(self, quality: int | None = None) -> Settings:
        """Return what the codec is told, as the report shows it."""
        if quality is None and self.target.quality and not self.recipe.lossless:
            quality = self.recipe.quality or self.target.default_quality
        return _SETTINGS[self.target.name](self, quality)

    @property
    def pixels(self) -> int:
        return sum(image.width * image.height for image in self.images)

    @cached_property
    def is_noisy(self) -> bool:
        """Whether this is one picture in which a lossless format finds few repeats, as in photographs."""
        return len(self.images) == 1 and _is_noisy(self.images[0])

    @cached_property
    def _hidden(self) -> Settings:
        """Arguments that are about this picture or this process, and say nothing to people."""
        hidden = _HIDDEN.get(self.target.name, dict)()
        if len(self.images) > 1 and self.target.animation:
            durations = list(self.durations)
            hidden["duration"] = _hundredths(durations) if self.target.name == "gif" else durations
            if self.target.loops:
                hidden.update(_loop(self.target, self.plays))
        if self.target.name == "webp" and len(self.images) > 1 and not self.recipe.lossless:
            # A frame is stored without loss where that is smaller, and none is whole only for skipping about.
            hidden.update({"allow_mixed": True, "kmin": _NEVER - 1, "kmax": _NEVER})
        if self.target.name == "gif" and len(self.images) > 1:
            clear = any("transparency" in image.info for image in self.images)
            hidden.update(
                {"disposal": 2, "optimize": False, "transparency": 255} if clear else {"disposal": 1}
            )
        return hidden

    def first_only(self) -> Encoder:
        """Return an encoder for the first frame alone, to try settings on."""
        return (
            self
            if len(self.images) == 1
            else replace(self, images=self.images[:1], durations=self.durations[:1])
        )

    def frames_in(self, data: bytes) -> int:
        """Return how many frames the encoder wrote; some merge equal neighbours."""
        if self.target.name == "gif":
            return gif_blocks(data).frames
        return len(self.images)


def _fresh(image: Image.Image) -> Image.Image:
    """Return an image of the same pixels: writers leave settings on what they get, where the next would find them."""
    image.load()
    fresh = image._new(image.im)
    fresh.readonly = 1  # whoever draws on it draws on a copy
    return fresh


def prepare(
    frames: Sequence[Frame], recipe: Recipe, plays: int, extras: Mapping[str, Any], bilevel: bool, log: Log
) -> Encoder:
    """Return the encoder for these frames, in a mode that the format stores.

    Raises TooLargeForFormat.
    """
    target = recipe.target
    for frame in frames:
        _check_size(target, frame.image)
    images = _alike([frame.image for frame in frames], target)
    images = [_STORED.get(target.name, _as_is)(image, log) for image in images]
    if bilevel and target.bilevel:
        images = [_one_bit(image) for image in images]
    return Encoder(target, recipe, images, [frame.duration for frame in frames], plays, extras)


def _check_size(target: Format, image: Image.Image) -> None:
    if max(image.size) > target.max_side:
        raise TooLargeForFormat(
            f"{target.label} holds at most {target.max_side} pixels a side; this result would be "
            f"{image.width}×{image.height}. Ask for a smaller size, or choose PNG or TIFF."
        )


def _alike(images: list[Image.Image], target: Format) -> list[Image.Image]:
    """Bring the frames of one file to one mode; pages may differ."""
    if not target.gray:
        images = [_in_color(image) for image in images]
    if target.pages or len(images) == 1:
        return images
    alpha = any(image.mode in ("LA", "RGBA") for image in images)
    color = any(image.mode in ("RGB", "RGBA") for image in images)
    mode = ("RGB" if color else "L") + ("A" if alpha else "")
    return [image if image.mode == mode else image.convert(mode) for image in images]


def _in_color(image: Image.Image) -> Image.Image:
    return image.convert({"L": "RGB", "LA": "RGBA"}[image.mode]) if image.mode in ("L", "LA") else image


def _as_is(image: Image.Image, log: Log) -> Image.Image:
    return image


def _paletted(image: Image.Image, log: Log) -> Image.Image:
    """Return the picture in at most 256 colours, one of them clear when there is transparency."""
    clear = None
    if image.mode == "RGBA":
        alpha = image.getchannel("A")
        if any(alpha.histogram()[1:255]):
            log.note("alpha_hardened")
        clear = alpha.point([255 if value < _HALF else 0 for value in range(256)])
        image = image.convert("RGB")
        image.paste((0, 0, 0), mask=clear)
    room = 256 if clear is None else 255
    few = image.getcolors(room) is not None
    if not few:
        log.note("colors_reduced", colors=room)
    dither = Image.Dither.NONE if few else Image.Dither.FLOYDSTEINBERG
    paletted = image.quantize(room, Image.Quantize.MEDIANCUT, dither=dither)
    if clear is not None:
        palette = paletted.getpalette() or []
        paletted.putpalette(palette + [0] * (768 - len(palette)))
        paletted.paste(255, mask=clear)
        paletted.info["transparency"] = 255
    return paletted


def _few_colors(image: Image.Image, log: Log) -> Image.Image:
    """Return a flat picture with a palette when that loses nothing."""
    if image.mode != "RGB" or image.getcolors(256) is None:
        return image
    paletted = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    exact = ImageChops.difference(paletted.convert("RGB"), image).getbbox() is None
    return paletted if exact else image


def _square(image: Image.Image, log: Log) -> Image.Image:
    """Return an icon as icons are: square, clear around the picture."""
    side = max(image.size)
    icon = Image.new("RGBA", (side, side))
    icon.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return icon


def _is_noisy(image: Image.Image) -> bool:
    if image.mode not in ("L", "LA", "RGB", "RGBA") or image.height < _BANDS * _ROWS:
        return False
    if image.mode != "L" and image.getcolors(_DRAWN_COLORS) is not None:
        return False
    sample = Image.new(image.mode, (image.width, _BANDS * _ROWS))
    for band in range(_BANDS):
        top = (2 * band + 1) * image.height // (2 * _BANDS) - _ROWS // 2
        sample.paste(image.crop((0, top, image.width, top + _ROWS)), (0, band * _ROWS))
    searched, unsearched = BytesIO(), BytesIO()
    sample.save(searched, "PNG", compress_level=4)
    sample.save(unsearched, "PNG", compress_type=zlib.Z_RLE)
    return unsearched.tell() <= _NEARLY * searched.tell()


def _one_bit(image: Image.Image) -> Image.Image:
    """Return black and white as one bit, when it is nothing but black and white."""
    if image.mode != "L" or any(image.histogram()[1:255]):
        return image
    return image.convert("1", dither=Image.Dither.NONE)


_STORED: Mapping[str, Callable[[Image.Image, Log], Image.Image]] = {
    "gif": _paletted,
    "png": _few_colors,
    "ico": _square,
}


def _effort(recipe: Recipe) -> int:
    effort = recipe.effort or recipe.target.default_effort
    assert effort is not None
    return effort


def _jpeg(encoder: Encoder, quality: int | None) -> Settings:
    # From quality 90 on people look closely, and half the colour resolution shows; a bound on bytes buys more with
    # quality than with colour resolution.
    full = quality is not None and quality >= 90 and encoder.recipe.target_bytes is None
    subsampling = "4:4:4" if full else "4:2:0"
    return {
        "quality": quality,
        "optimize": True,
        "progressive": encoder.recipe.progressive,
        "subsampling": subsampling,
    }


def _png(encoder: Encoder, quality: int | None) -> Settings:
    settings: Settings = {"compress_level": _effort(encoder.recipe)}
    if encoder.is_noisy and encoder.recipe.effort is None:
        settings["compress_type"] = zlib.Z_RLE
    return settings


def _webp(encoder: Encoder, quality: int | None) -> Settings:
    # 1 to 9 become the codec's 0 to 6; 5 is its 4, the usual choice.
    method = (0, 1, 2, 3, 4, 4, 5, 5, 6)[_effort(encoder.recipe) - 1]
    if encoder.recipe.lossless:
        # Here quality is the effort.
        return {"lossless": True, "quality": 75, "method": method}
    return {"quality": quality, "method": method}


def _avif(encoder: Encoder, quality: int | None) -> Settings:
    effort = _effort(encoder.recipe)
    if encoder.recipe.effort is None and encoder.pixels > _MANY_PIXELS:
        effort = _EFFORT_FOR_MANY
    return {"quality": quality, "speed": 10 - effort, "advanced": {"tune": "ssim"}}


def _gif(encoder: Encoder, quality: int | None) -> Settings:
    return {}


def _tiff(encoder: Encoder, quality: int | None) -> Settings:
    if all(image.mode == "1" for image in encoder.images):
        return {"compression": "group4"}
    # On photographs LZW takes a quarter of the time for 4 % more bytes; drawings deflate far better.
    return {"compression": "tiff_lzw" if encoder.is_noisy else "tiff_adobe_deflate"}


def _ico(encoder: Encoder, quality: int | None) -> Settings:
    side = encoder.images[0].width
    return {
        "sizes": sorted({(smaller, smaller) for smaller in _ICON_SIDES if smaller < side} | {(side, side)})
    }


def _jp2(encoder: Encoder, quality: int | None) -> Settings:
    if quality is None:
        return {"irreversible": False}
    # The codec aims for a signal-to-noise ratio. 36 dB on fur and grass has SSIM 0.965, as WebP has at 80.
    return {"irreversible": True, "quality_mode": "dB", "quality_layers": [round(20 + quality * 0.2, 1)]}


def _pdf(encoder: Encoder, quality: int | None) -> Settings:
    if all(image.mode == "1" for image in encoder.images):
        return {"compression": "group4"}
    return {"quality": quality}


def _plain(encoder: Encoder, quality: int | None) -> Settings:
    return {}


_SETTINGS: Mapping[str, Callable[[Encoder, int | None], Settings]] = {
    "jpeg": _jpeg,
    "png": _png,
    "webp": _webp,
    "avif": _avif,
    "gif": _gif,
    "tiff": _tiff,
    "bmp": _plain,
    "ico": _ico,
    "jp2": _jp2,
    "pdf": _pdf,
}

_HIDDEN: Mapping[str, Callable[[], Settings]] = {
    # Tiles are for threads; on one they only cost bytes.
    "avif": lambda: {"max_threads": 1, "autotiling": False},
    # The same picture must give the same bytes, so the time of day stays out.
    "pdf": lambda: {"creationDate": None, "modDate": None},
}


def _loop(target: Format, plays: int) -> Settings:
    """GIF counts repeats, and plays once when it does not say; the others count plays."""
    if target.name != "gif":
        return {"loop": plays}
    return {} if plays == 1 else {"loop": max(0, plays - 1)}


def _hundredths(durations: Sequence[int]) -> list[int]:
    """Return durations in whole hundredths of a second, as GIF has them, without drifting from the total."""
    ends = [round(end / 10) * 10 for end in accumulate(durations)]
    return [max(10, end - start) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _plainly(encoder: Encoder) -> Settings:
    return dict(encoder.extras)


def _carry_png(encoder: Encoder) -> Settings:
    """PNG takes words and XMP as named texts."""
    carried = dict(encoder.extras)
    info = PngImagePlugin.PngInfo()
    for name, value in carried.pop("text", {}).items():
        info.add_itxt(name, value)
    xmp = carried.pop("xmp", b"")
    if xmp:
        info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
    return {**carried, "pnginfo": info}


def _carry_tiff(encoder: Encoder) -> Settings:
    """TIFF takes everything as tags of its own."""
    carried = dict(encoder.extras)
    predict = all(image.mode in ("L", "LA", "RGB", "RGBA") for image in encoder.images)
    return {**carried, "tiffinfo": tiff_tags(carried.pop("exif", b""), carried.pop("xmp", b""), predict)}


def _carry_bmp(encoder: Encoder) -> Settings:
    """Where nothing is known, nothing is said: the writer would say 96 dpi."""
    return {"dpi": (0, 0), **encoder.extras}


_CARRY: Mapping[str, Callable[[Encoder], Settings]] = {
    "png": _carry_png,
    "tiff": _carry_tiff,
    "bmp": _carry_bmp,
}
