"""Convert pictures to XYB, the colour space of JPEG XL, at several scales, with SSIMULACRA2's ranges."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache

import numpy as np
from PIL import Image

from .blur import BAND, Plane
from .sample import bands

X, Y, B = range(3)

_IN_CACHE = 32_768  # pixels

# As in lib/jxl/cms/opsin_params.h of libjxl.
_ABSORBANCE = np.array(
    [
        [0.3, 0.622, 0.078],
        [0.23, 0.692, 0.078],
        [0.24342268924547819, 0.20476744424496821, 0.5518098665095536],
    ],
    np.float32,
)
_BIAS = 0.0037930732552754493


def sizes(picture: Image.Image, channels: Sequence[Collection[int]]) -> list[dict[int, Plane]]:
    """Return these channels of an RGB picture at full size, half size and so on; at full size only Y."""
    width, height = picture.size
    luma = np.empty((height, width), np.float32)
    linear = np.empty((3, (height + 1) // 2, (width + 1) // 2), np.float32)
    for rows in _chunks(height, width):
        part = _linear(picture.crop((0, rows.start, width, rows.stop)))
        luma[rows] = _y(_roots(part, 2))
        linear[:, rows.start // 2 : (rows.stop + 1) // 2] = _halved(part)
    found = [{Y: luma}]
    for wanted in channels[1:]:
        found.append(_xyb(linear, wanted))
        linear = _halved(linear)
    return found


def sizes_of_large(picture: Image.Image, channels: Sequence[Collection[int]]) -> list[dict[int, Plane]]:
    """Return the same channels, at full size and half size only in `bands`, one below the other."""
    found = [_banded(picture, 1, {Y}), _banded(picture, 2, channels[1])]
    linear = _quarter_linear(picture)
    for wanted in channels[2:]:
        found.append(_xyb(linear, wanted))
        linear = _halved(linear)
    return found


def _banded(picture: Image.Image, scale: int, wanted: Collection[int]) -> dict[int, Plane]:
    light = _linear if scale == 1 else _half_linear
    parts = [_xyb(light(picture.crop(box)), wanted) for box in bands(picture.size, scale * BAND)]
    return {channel: np.concatenate([part[channel] for part in parts]) for channel in wanted}


def _quarter_linear(picture: Image.Image) -> Plane:
    """Return the linear light at a quarter of the width and height, without the half size in between."""
    width, height = picture.width // 2, picture.height // 2
    linear = np.empty((3, (height + 1) // 2, (width + 1) // 2), np.float32)
    for rows in _chunks(height, width):
        part = picture.crop((0, 2 * rows.start, picture.width, 2 * rows.stop))
        linear[:, rows.start // 2 : (rows.stop + 1) // 2] = _halved(_half_linear(part))
    return linear


def _half_linear(picture: Image.Image) -> Plane:
    """Return the mean light of each 2×2 pixels; an odd last row or column is left out."""
    width, height = picture.width // 2, picture.height // 2
    half = np.empty((3, height, width), np.float32)
    for band, into in zip(picture.crop((0, 0, 2 * width, 2 * height)).split(), half, strict=True):
        pairs = _light_of_pairs().take(np.asarray(band).view(np.uint16), mode="wrap")
        np.add(pairs[::2], pairs[1::2], out=into)
    return half


@lru_cache(1)
def _light_of_pairs() -> Plane:
    """Return a quarter of the light of each two sRGB values, which are the bytes of the index."""
    sums: Plane = np.add.outer(_light(), _light()).ravel()
    return sums * np.float32(0.25)


def _chunks(height: int, width: int) -> Iterator[slice]:
    """Yield an even number of rows at a time, few enough for the cache."""
    rows = max(2, _IN_CACHE // width // 2 * 2)
    for top in range(0, height, rows):
        yield slice(top, min(top + rows, height))


def _linear(picture: Image.Image) -> Plane:
    """Return red, green and blue as linear light."""
    return np.stack([_light().take(np.asarray(band), mode="wrap") for band in picture.split()])


@lru_cache(1)
def _light() -> Plane:
    """Return the linear light of each of the 256 sRGB values."""
    value = np.arange(256) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return light.astype(np.float32)


def _halved(linear: Plane) -> Plane:
    """Return the mean of each 2×2 pixels; an odd last row or column is repeated."""
    channels, height, width = linear.shape
    halved = np.empty((channels, (height + 1) // 2, (width + 1) // 2), np.float32)
    for rows in _chunks(height, width):
        into = halved[:, rows.start // 2 : (rows.stop + 1) // 2]
        upper, lower = linear[:, rows][:, ::2], linear[:, rows][:, 1::2]
        both = upper.copy()
        both[:, : lower.shape[1]] += lower
        both[:, lower.shape[1] :] *= 2
        into[:] = both[:, :, ::2]
        into[:, :, : width // 2] += both[:, :, 1::2]
        into[:, :, width // 2 :] *= 2
        into *= 0.25
    return halved


def _xyb(linear: Plane, wanted: Collection[int]) -> dict[int, Plane]:
    """Return the wanted channels: X scaled, Y subtracted from B, and all shifted to be positive."""
    _, height, width = linear.shape
    found = {channel: np.empty((height, width), np.float32) for channel in wanted}
    for rows in _chunks(height, width):
        roots = _roots(linear[:, rows], 3 if B in wanted else 2)
        y = _y(roots)
        made = {X: 7 * (roots[0] - roots[1]) + 0.42, Y: y}
        if B in wanted:
            made[B] = roots[2] - y + 0.56
        for channel, plane in found.items():
            plane[rows] = made[channel]
    return found


def _y(roots: Plane) -> Plane:
    y: Plane = 0.5 * (roots[0] + roots[1])
    y += 0.01
    return y


def _roots(linear: Plane, count: int) -> Plane:
    """Return the responses of the first `count` kinds of cones to the light."""
    absorbed = _ABSORBANCE[:count] @ linear.reshape(3, -1)
    absorbed += _BIAS
    roots = _cube_root(absorbed)
    roots -= _BIAS ** (1 / 3)
    return roots.reshape(count, *linear.shape[1:])


def _cube_root(values: Plane) -> Plane:
    """Return the cube roots to within 0.002%, on most processors ten times as fast as NumPy."""
    # The bits of a float, read as an integer, approximate its logarithm, so a third of them approximates the
    # root's; one step of Halley's method refines that.
    root = (values.view(np.int32) // 3 + 709_921_077).view(np.float32)
    cube = root * root
    cube *= root
    cube += values
    root *= cube + values
    cube *= 2
    cube -= values
    root /= cube
    return root
