"""Decode JPEG 2000 correctly where Pillow gets the channel order, bit depths or white wrong."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import NamedTuple

from PIL import Image, ImageChops

from converter.engine.raster.octets import LOW, Halves, halves

from . import openjpeg
from .boxes import box

CODESTREAM = b"\xff\x4f\xff\x51"
_YCC = 18


class _Component(NamedTuple):
    bits: int
    across: int
    """The horizontal subsampling factor."""
    down: int
    at: int
    """The offset of its bit depth in the file."""


class _Channel(NamedTuple):
    """An entry of a `cdef` box. `association` is the number of the colour, from 1."""

    number: int
    kind: int
    association: int


_COLOR, _OPACITY, _PREMULTIPLIED = 0, 1, 2


def loaded(image: Image.Image, data: bytes) -> Image.Image:
    """Decode the image, with its channels in the order that the file defines."""
    components = components_of(data)
    if image.mode == "L" and components and components[0].bits > 8:
        # Pillow reads 9 bits in a JP2 as 8, but not in a bare codestream.
        with Image.open(BytesIO(data[codestream_at(data) :]), formats=["JPEG2000"]) as bare:
            return _sixteen_bits(bare.copy(), components[0].bits)
    if image.mode.startswith("I"):
        image.load()
        return _sixteen_bits(image, components[0].bits) if components else image
    found = _deep_colors(image, data, components)
    if found is not None:
        return found
    return _in_order(_to_full_range(_with_white(image, data), components), data)


def _sixteen_bits(image: Image.Image, bits: int) -> Image.Image:
    """Return a grey image scaled so that the highest value is white; Pillow only shifts the bits."""
    if bits >= 16:
        return image
    scale = 65_535 / (65_536 - (1 << (16 - bits)))
    return image.convert("I").point(lambda value: value * scale + 0.5).convert("I;16")


def _deep_colors(image: Image.Image, data: bytes, components: list[_Component]) -> Image.Image | None:
    """Return the image with the low bytes of its channels in `info`, or None if Pillow should decode it."""
    if len(components) < 2 or all(component.bits <= 8 for component in components):
        return None
    channels = openjpeg.channels(data[codestream_at(data) :])
    sizes = [channel.size for channel in channels or ()]
    if channels is None or sizes != [image.size] * len(image.getbands()):
        return None
    pairs: list[Halves] = []
    while channels:  # frees each channel once it is split
        bits = components[len(pairs)].bits
        pairs.append(halves(_to_sixteen(channels.pop(0), bits)))
    high, low = (_in_order(Image.merge(image.mode, bands), data) for bands in zip(*pairs, strict=True))
    high.info[LOW] = low
    return high


def _to_sixteen(channel: Image.Image, bits: int) -> Image.Image:
    """Return a channel in mode I, scaled so that the highest value is 65,535."""
    scale = 65_535 / ((1 << bits) - 1)
    return channel if bits >= 16 else channel.point(lambda value: value * scale + 0.5)


def _to_full_range(image: Image.Image, components: list[_Component]) -> Image.Image:
    """Scale channels of less than 8 bits to the full range; Pillow only shifts the bits."""
    bands = list(image.split())
    if len(bands) != len(components) or all(component.bits >= 8 for component in components):
        return image
    for index, (band, component) in enumerate(zip(bands, components, strict=True)):
        if component.bits < 8:
            top = (1 << component.bits) - 1
            bands[index] = band.point(
                [((value >> (8 - component.bits)) * 255 + top // 2) // top for value in range(256)]
            )
    return Image.merge(image.mode, bands)


def _with_white(image: Image.Image, data: bytes) -> Image.Image:
    """Decode the image and restore its white, for when OpenJPEG cannot be called directly.

    Pillow rounds channels of more than 8 bits, and the highest values overflow to 0. A second decoding with
    one more bit declared does not overflow and shows where that happened.
    """
    image.load()
    components = components_of(data)
    deep = [index for index, component in enumerate(components) if component.bits > 8]
    bands = list(image.split())
    if len(bands) < 2 or len(bands) != len(components):
        return image
    suspect = [index for index in deep if bands[index].getextrema()[0] == 0]
    if not suspect:
        return image
    roomy = bytearray(data)
    for index in deep:
        roomy[components[index].at] += 1
    with Image.open(BytesIO(roomy), formats=["JPEG2000"]) as second:
        higher = second.split()
    for index in suspect:
        black = bands[index].point([255] + 255 * [0])
        bright = higher[index].point(128 * [0] + 128 * [255])
        bands[index] = ImageChops.lighter(bands[index], ImageChops.darker(black, bright))
    return Image.merge(image.mode, bands)


def _in_order(image: Image.Image, data: bytes) -> Image.Image:
    """Return the image with its channels in the order of the `cdef` box, which Pillow ignores."""
    described = _channels(data)
    bands = image.split()
    if len(bands) < 2 or len(described) != len(bands) or is_ycc(data, components_of(data)):
        return image
    colors = sorted(
        (channel for channel in described if channel.kind == _COLOR), key=lambda channel: channel.association
    )
    mode = {1: "L", 3: "RGB", 4: "CMYK"}.get(len(colors))
    if mode is None or [channel.association for channel in colors] != list(range(1, len(colors) + 1)):
        return image
    opacity = [channel for channel in described if channel.kind in (_OPACITY, _PREMULTIPLIED)]
    if opacity and mode != "CMYK":
        mode += "A" if opacity[0].kind == _OPACITY else "a"
        colors.append(opacity[0])
    order = [channel.number for channel in colors]
    if mode == image.mode and order == list(range(len(bands))):
        return image
    return Image.merge(mode, [bands[number] for number in order])


def _channels(data: bytes) -> list[_Channel]:
    """Return the entries of the `cdef` box (ISO/IEC 15444-1, I.5.3.6), or an empty list."""
    header = box(data, b"jp2h")
    definition = box(data, b"cdef", *header) if header else None
    if definition is None:
        return []
    start, end = definition
    try:
        found = [_Channel(*struct.unpack_from(">3H", data, at)) for at in range(start + 2, end, 6)]
    except struct.error:
        return []
    numbers = sorted(channel.number for channel in found)
    return found if numbers == list(range(len(found))) else []


def codestream_at(data: bytes) -> int:
    """Return where the codestream begins, or -1 if there is none. Other boxes may contain the same bytes."""
    place = box(data, b"jp2c") if data[4:8] == b"jP  " else (0, len(data))
    return data.find(CODESTREAM, *place) if place else -1


def components_of(data: bytes) -> list[_Component]:
    """Return the components in the codestream's header, or an empty list if it is damaged."""
    start = codestream_at(data)
    try:
        count = struct.unpack_from(">H", data, start + 40)[0] if start >= 0 else 0
        found = []
        for at in range(start + 42, start + 42 + 3 * count, 3):
            depth, across, down = struct.unpack_from("BBB", data, at)
            found.append(_Component((depth & 0x7F) + 1, across, down, at))
    except struct.error:
        return []
    return found


def is_ycc(data: bytes, components: list[_Component]) -> bool:
    """Return whether the colours are YCbCr, by the header or because two components are subsampled."""
    at = data.find(b"colr", 0, codestream_at(data))
    named = at >= 0 and data[at + 4] == 1 and int.from_bytes(data[at + 7 : at + 11], "big") == _YCC
    return named or any(component.across != components[0].across for component in components[1:3])


def is_oddly_sampled(components: list[_Component]) -> bool:
    """Return whether the subsampling is unlike that of YCbCr with or without alpha."""
    steps = [(component.across, component.down) for component in components]
    if len(steps) < 3:
        return any(step != (1, 1) for step in steps)
    return steps[1] != steps[2] or (steps[0] != (1, 1) and len(set(steps)) > 1)


def enumerated(data: bytes) -> int | None:
    """Return the enumerated colour space of the first `colr` box (ISO/IEC 15444-1, I.5.3.3), or None."""
    header = box(data, b"jp2h")
    told = box(data, b"colr", *header) if header else None
    content = data[slice(*told)] if told else b""
    return int.from_bytes(content[3:7], "big") if content[:1] == b"\x01" else None


def has_odd_palette(data: bytes, components: list[_Component]) -> bool:
    """Return whether there is a palette that Pillow misreads.

    Pillow expects 8 bits, 3 or 4 columns, and columns mapped in order.
    """
    header = box(data, b"jp2h")
    palette = box(data, b"pclr", *header) if header else None
    if header is None or palette is None:
        return False
    start, end = palette
    columns = data[start + 2] if end - start > 3 else 0
    depths = set(data[start + 3 : start + 3 + columns])
    mapped = box(data, b"cmap", *header)
    usual = b"".join(struct.pack(">HBB", 0, 1, column) for column in range(columns))
    in_order = mapped is not None and data[slice(*mapped)] == usual
    is_usual = columns in (3, 4) and depths == {7} and in_order and len(components) == 1
    return not (is_usual and components[0].bits == 8)
