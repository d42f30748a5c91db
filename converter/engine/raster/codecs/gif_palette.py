"""Build palettes for animated GIFs, shared by all frames if possible, with no more colours than needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from PIL import Image, ImageChops, ImageStat

from converter.engine.raster.similarity import similarity
from converter.engine.report import Log

CLEAR = 255
"""The index of transparent pixels in a palette image that has `transparency`."""

_MOST = 255  # plus the transparent one, also used where the previous frame stays visible
_HALF = 128
_PLAIN, _DOTTED = Image.Dither.NONE, Image.Dither.FLOYDSTEINBERG

# The largest difference in any channel between a colour of a resized drawing and its palette colour.
# _NEAR is for colours that cover at least the share _COMMON of the image, _NEAR_AT_EDGES for rarer ones.
_NEAR, _NEAR_AT_EDGES = 12, 44
_COMMON = 0.015
_DRAWN = 4096
# Frames are dithered if their similarity without dithering is below this.
_SMOOTH = 0.97
# A shared palette is used if its error is at most this many times that of separate palettes.
_SERVES = 1.5
_SAMPLE_PIXELS, _SAMPLE_FRAMES = 400_000, 24


def paletted(images: Sequence[Image.Image], is_resized: bool, log: Log) -> list[Image.Image]:
    """Return the frames as palette images, with `CLEAR` as the index of transparent pixels.

    Keeps all colours if they fit, except for mixed colours that come from resizing.
    """
    masks = [clear_parts(image, log) for image in images]
    solid = [without_clear(image, mask) for image, mask in zip(images, masks, strict=True)]
    room = 256 if not any(masks) else _MOST
    found = None if is_resized else _exact(solid, room)
    if found is None:
        found = _reduced(solid, _shown(masks) if is_resized else None, log)
    for image, mask in zip(found, masks, strict=True):
        make_clear(image, mask)
    return found


def clear_parts(image: Image.Image, log: Log) -> Image.Image | None:
    """Return a mask of the pixels that become transparent because they are less than half opaque."""
    if image.mode != "RGBA":
        return None
    alpha = image.getchannel("A")
    if any(alpha.histogram()[1:255]):
        log.note("alpha_hardened")
    return alpha.point([255 if value < _HALF else 0 for value in range(256)])


def without_clear(image: Image.Image, mask: Image.Image | None) -> Image.Image:
    """Return the image in RGB, with transparent pixels in black."""
    solid = image.convert("RGB")
    if mask is not None:
        solid.paste((0, 0, 0), mask=mask)
    return solid


def make_clear(image: Image.Image, mask: Image.Image | None) -> None:
    """Add the transparent colour to a palette image if there is room for it."""
    if mask is None and len(image.getcolors() or ()) > _MOST:
        return
    palette = image.getpalette() or []
    image.putpalette(palette + [0] * (768 - len(palette)))
    if mask is not None:
        image.paste(CLEAR, mask=mask)
    image.info["transparency"] = CLEAR


def _exact(images: Sequence[Image.Image], room: int) -> list[Image.Image] | None:
    """Return the images with all colours, in a shared palette or else in one per image.

    Returns None if an image has more colours than `room`.
    """
    counts: Counter[tuple[int, ...]] = Counter()
    for image in images:
        colors = image.getcolors(room)
        if colors is None:
            return None
        for count, color in colors:
            assert isinstance(color, tuple)
            counts[color] += count
    own = [image.quantize(room, Image.Quantize.MEDIANCUT, dither=_PLAIN) for image in images]
    if len(counts) > _MOST:
        return own
    # The commonest come first, so that frames with only these have short codes.
    shared = [color for color, _ in counts.most_common()]
    numbers = {color: number for number, color in enumerate(shared)}
    return [_renumbered(image, numbers) for image in own]


def _renumbered(image: Image.Image, numbers: dict[tuple[int, ...], int]) -> Image.Image:
    palette = image.getpalette() or []
    colors = [tuple(palette[at : at + 3]) for at in range(0, len(palette), 3)]
    table = [numbers.get(color, 0) for color in colors]
    renumbered = image.point(table + [0] * (256 - len(table)))
    renumbered.putpalette([value for color in numbers for value in color])
    return renumbered


def _reduced(images: Sequence[Image.Image], shown: float | None, log: Log) -> list[Image.Image]:
    """Return the images with fewer colours."""
    sample = _sample(images)
    palette = None if shown is None else _fewest(sample, shown)
    if palette is not None:
        return _mapped(images, palette, _PLAIN)
    log.note("colors_reduced", colors=_MOST)
    palette = sample.quantize(_MOST, Image.Quantize.MEDIANCUT)
    if not _serves(palette, images):
        return [image.quantize(_MOST, Image.Quantize.MEDIANCUT) for image in images]
    looks = similarity(sample, sample.quantize(palette=palette, dither=_PLAIN))
    return _mapped(images, palette, _PLAIN if looks >= _SMOOTH else _DOTTED)


def _sample(images: Sequence[Image.Image]) -> Image.Image:
    """Return a sample of the pixels of frames throughout the animation, stacked vertically."""
    step = -(-len(images) // _SAMPLE_FRAMES)
    chosen = images[::step]
    width, height = chosen[0].size
    scale = min(1, (_SAMPLE_PIXELS / (width * height * len(chosen))) ** 0.5)
    size = max(1, int(width * scale)), max(1, int(height * scale))
    sample = Image.new("RGB", (size[0], size[1] * len(chosen)))
    for number, image in enumerate(chosen):
        sample.paste(image.resize(size, Image.Resampling.NEAREST), (0, number * size[1]))
    return sample


def _shown(masks: Sequence[Image.Image | None]) -> float:
    """Return the share of pixels that are not transparent, from 0 to 1."""
    return 1 - sum(ImageStat.Stat(mask).mean[0] / 255 for mask in masks if mask) / len(masks)


def _fewest(sample: Image.Image, shown: float) -> Image.Image | None:
    """Return an image with the palette of a resized drawing, or None for a photo.

    Adds colours in order of frequency unless a similar one is in the palette. Rare ones are mixes at edges.
    """
    counts = sample.getcolors(_DRAWN)
    if counts is None:
        return None
    common = _COMMON * shown * sample.width * sample.height
    palette: list[tuple[int, int, int]] = []
    for count, color in sorted(counts, reverse=True):
        assert isinstance(color, tuple)
        red, green, blue = color
        near = _NEAR if count >= common else _NEAR_AT_EDGES
        if all(max(abs(red - r), abs(green - g), abs(blue - b)) > near for r, g, b in palette):
            palette.append((red, green, blue))
            if len(palette) > _MOST:
                return None
    found = Image.new("P", (1, 1))
    found.putpalette([value for color in palette for value in color])
    return found


def _most_of(image: Image.Image) -> Image.Image:
    """Return the largest channel of each pixel."""
    red, green, blue = image.split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def _serves(palette: Image.Image, images: Sequence[Image.Image]) -> bool:
    shared = own = 0.0
    for image in images[:: -(-len(images) // _SAMPLE_FRAMES)]:
        shared += _distance(image, image.quantize(palette=palette, dither=_PLAIN))
        own += _distance(image, image.quantize(_MOST, Image.Quantize.MEDIANCUT, dither=_PLAIN))
    return shared <= _SERVES * own


def _distance(image: Image.Image, other: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(image, other.convert("RGB"))).rms)


def _mapped(images: Sequence[Image.Image], palette: Image.Image, dither: Image.Dither) -> list[Image.Image]:
    """Map the images to a palette, with the same dithering in areas that do not change."""
    mapped: list[Image.Image] = []
    before: Image.Image | None = None
    for image in images:
        found = image.quantize(palette=palette, dither=dither)
        if before is not None and dither is not _PLAIN:
            change = _most_of(ImageChops.difference(before, image))
            found.paste(mapped[-1], mask=change.point([255] + 255 * [0]))
        mapped.append(found)
        before = image
    return mapped
