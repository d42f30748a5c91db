"""Read ICC profiles, and make them from primaries and curves (ICC.1:2022)."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence

Point = tuple[float, float]
"""CIE 1931 xy chromaticity."""

Primaries = tuple[Point, Point, Point, Point]
"""Red, green, blue and white."""

Curve = tuple[float, ...]
"""Curve from code to light, 0 to 1: (g,) is x^g; (g, a, b, c, d) is (ax + b)^g from d on, else cx."""

Light = Callable[[float], float]
"""A transfer curve as a function. It may raise one of `INVALID_CURVE`."""

INVALID_CURVE = (ArithmeticError, TypeError, ValueError, struct.error)
"""What an invalid curve raises where it is a power without a value, or a table that ends too early."""

_Row = Sequence[float]
Matrix = Sequence[_Row]
"""A 3×3 matrix as three rows."""

D65: Point = (0.3127, 0.3290)
SRGB_PRIMARIES: Primaries = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), D65)
SRGB_CURVE: Curve = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)

_D50 = (0.9642, 1.0, 0.8249)
_BRADFORD: Matrix = ((0.8951, 0.2664, -0.1614), (-0.7502, 1.7135, 0.0367), (0.0389, -0.0685, 1.0296))

# The sRGB primaries as stored in profiles, adapted to D50.
_SRGB_COLORANTS = {
    b"rXYZ": (0.43604, 0.22249, 0.01392),
    b"gXYZ": (0.38512, 0.71690, 0.09706),
    b"bXYZ": (0.14305, 0.06061, 0.71393),
}
_CURVE_NAMES = (b"rTRC", b"gTRC", b"bTRC")
_NEAR = 0.0015
_LEVELS = (0, 1, 2, 4, 6, 8, 11, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 255)
_TOLERANCE = 2 / 255
_MOST_TAGS = 200


def is_srgb(icc: bytes) -> bool:
    """Whether this profile, whatever its name, has sRGB's primaries and, to two levels of 255, its curves."""
    if icc[16:24] != b"RGB XYZ ":
        return False
    tags = _tags(icc)
    for name, wanted in _SRGB_COLORANTS.items():
        found = _xyz(tags.get(name, b""))
        if found is None or any(abs(one - other) > _NEAR for one, other in zip(found, wanted, strict=True)):
            return False
    return has_srgb_curves(icc)


def has_srgb_curves(icc: bytes) -> bool:
    """Whether this profile has one or three curves that match sRGB's."""
    return _are_curves(icc) and all(_is_srgb_curve(curve) for curve in set(_curve_tags(icc)))


def is_steep(icc: bytes) -> bool:
    """Whether the first of 255 steps spans more than three steps of sRGB, as in linear light."""
    return any(code_of_srgb(curve(1 / 255)) > 3 / 255 for curve in curves(icc))


def curves(icc: bytes) -> list[Light]:
    """Return the curves of a matrix or grey profile; empty for other profiles."""
    tags = _curve_tags(icc) if _are_curves(icc) else []
    read = {tag: _read_curve(tag) for tag in set(tags)}
    curves = [curve for curve in map(read.get, tags) if curve is not None]
    return curves if len(curves) == len(tags) and all(map(_is_usable, set(curves))) else []


def curves_for(icc: bytes, channels: int) -> list[Light]:
    """Return a curve for each colour channel of a picture; empty if the profile has none that suit.

    Grey pictures use the curve of an RGB profile.
    """
    found = curves(icc)
    if channels == 1 and has_one_curve(icc):
        return found[:1]
    return found if len(found) == channels else []


def _is_usable(curve: Light) -> bool:
    """Whether it has a value everywhere, and white is not darker than black.

    Others are powers of what has none, tables that end too early, or negatives.
    """
    try:
        return all(math.isfinite(curve(level / 255)) for level in range(256)) and curve(0) <= curve(1)
    except INVALID_CURVE:
        return False


def with_srgb_curves(icc: bytes) -> bytes:
    """Return the profile with its curves replaced by sRGB's."""
    curve = _curve_tag(SRGB_CURVE)
    return _assembled(icc[:128], _tags(icc) | dict.fromkeys(_CURVE_NAMES, curve))


def has_one_curve(icc: bytes) -> bool:
    """Whether all channels have the same curve."""
    return len(set(_curve_tags(icc))) == 1


def to_linear_srgb(icc: bytes) -> Matrix | None:
    """Return the matrix from the profile's linear RGB to linear sRGB; None if it is not a matrix profile."""
    tags = _tags(icc)
    found = [_xyz(tags.get(name, b"")) for name in _SRGB_COLORANTS]
    if not _are_curves(icc) or None in found:
        return None
    columns = [list(row) for row in zip(*(column for column in found if column), strict=True)]
    rows = _times(_inverse(list(zip(*_SRGB_COLORANTS.values(), strict=True))), columns)
    # Normalise the rows, so that rounding in the profile does not tint white.
    return [[share / sum(row) for share in row] if abs(sum(row) - 1) < _NEAR else row for row in rows]


def _are_curves(icc: bytes) -> bool:
    """Return whether it is a profile of a device that curves and a matrix describe."""
    if icc[12:16] in (b"link", b"abst"):
        return False
    return icc[20:24] == b"XYZ " and b"A2B0" not in _tags(icc)


def _curve_tags(icc: bytes) -> list[bytes]:
    tags = _tags(icc)
    return [tags.get(name, b"") for name in ((b"kTRC",) if icc[16:20] == b"GRAY" else _CURVE_NAMES)]


def cicp(icc: bytes) -> bytes:
    """Return the profile's four code points (ICC.1:2022, 9.2.17), or nothing."""
    tag = _tags(icc).get(b"cicp", b"")
    return tag[8:12] if len(tag) >= 12 else b""


def rgb(name: str, primaries: Primaries, curves: Sequence[Curve]) -> bytes:
    """Return an RGB profile with these primaries and a curve for each channel.

    Raises ValueError for degenerate primaries.
    """
    white = _tristimulus(primaries[3])
    adapted = _adapted(white)
    red, green, blue = zip(*_times(adapted, _scaled(primaries, white)), strict=True)
    return _profile(
        b"RGB ",
        name,
        {
            b"rXYZ": _xyz_tag(red),
            b"gXYZ": _xyz_tag(green),
            b"bXYZ": _xyz_tag(blue),
            b"chad": b"sf32\0\0\0\0" + b"".join(_fixed(value) for row in adapted for value in row),
            **{tag: _curve_tag(curve) for tag, curve in zip(_CURVE_NAMES, curves, strict=True)},
        },
    )


def gray(name: str, curve: Curve) -> bytes:
    """Return a grey profile with this curve."""
    return _profile(b"GRAY", name, {b"kTRC": _curve_tag(curve)})


def light(curve: Curve, code: float) -> float:
    """Return the linear light, 0 to 1, of a code from 0 to 1."""
    if len(curve) == 1:
        return float(code ** curve[0])
    power, times, plus, slope, start = curve
    return float((times * code + plus) ** power) if code >= start else slope * code


def code_of_srgb(value: float) -> float:
    """Return the sRGB code, 0 to 1, for linear light."""
    value = min(1.0, max(0.0, value))
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def _is_srgb_curve(tag: bytes) -> bool:
    curve = _read_curve(tag)
    if curve is None:
        return False
    try:
        return all(abs(code_of_srgb(curve(level / 255)) - level / 255) <= _TOLERANCE for level in _LEVELS)
    except INVALID_CURVE:
        return False


def _read_curve(tag: bytes) -> Callable[[float], float] | None:
    try:
        if tag[:4] == b"curv":
            return _read_sampled(tag)
        if tag[:4] == b"para":
            return _read_parametric(tag)
    except struct.error:
        pass
    return None


def _read_sampled(tag: bytes) -> Callable[[float], float]:
    count = struct.unpack_from(">I", tag, 8)[0]
    if count == 0:
        return lambda code: code
    if count == 1:
        gamma = struct.unpack_from(">H", tag, 12)[0] / 256
        return lambda code: float(code**gamma)

    def between(code: float) -> float:
        at = code * (count - 1)
        low = min(int(at), count - 2)
        first, second = struct.unpack_from(">2H", tag, 12 + 2 * low)
        return float(first + (second - first) * (at - low)) / 65_535

    return between


def _read_parametric(tag: bytes) -> Callable[[float], float] | None:
    kind = struct.unpack_from(">H", tag, 8)[0]
    if kind not in (0, 3, 4):
        return None
    count = {0: 1, 3: 5, 4: 7}[kind]
    numbers = [value / 65_536 for value in struct.unpack_from(f">{count}i", tag, 12)]
    if kind != 4:
        return lambda code: light(tuple(numbers), code)
    power, times, plus, slope, start, above, below = numbers
    return lambda code: (
        float((times * code + plus) ** power) + above if code >= start else slope * code + below
    )


def _tags(icc: bytes) -> dict[bytes, bytes]:
    """Return the profile's tags by name; a truncated tag table is read as far as it goes."""
    found = {}
    try:
        count = struct.unpack_from(">I", icc, 128)[0]
        for entry in range(min(count, _MOST_TAGS)):
            name, start, size = struct.unpack_from(">4sII", icc, 132 + 12 * entry)
            found[name] = icc[start : start + size]
    except struct.error:
        pass
    return found


def _xyz(tag: bytes) -> _Row | None:
    if tag[:4] != b"XYZ " or len(tag) < 20:
        return None
    x, y, z = struct.unpack_from(">3i", tag, 8)
    return x / 65_536, y / 65_536, z / 65_536


def _profile(space: bytes, name: str, tags: dict[bytes, bytes]) -> bytes:
    text = name.encode("utf-16-be")
    words = b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(text), 28) + text
    tags = {b"desc": words, b"cprt": words, b"wtpt": _xyz_tag(_D50), **tags}
    header = struct.pack(">8xI4s4s4s", 0x04300000, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    header += b"".join(_fixed(value) for value in _D50)
    return _assembled(header.ljust(128, b"\0"), tags)


def _assembled(header: bytes, tags: dict[bytes, bytes]) -> bytes:
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for tag, value in tags.items():
        table += struct.pack(">4sII", tag, start + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    return struct.pack(">I", start + len(body)) + header[4:] + struct.pack(">I", len(tags)) + table + body


def _curve_tag(curve: Curve) -> bytes:
    kind = 0 if len(curve) == 1 else 3
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + b"".join(_fixed(value) for value in curve)


def _xyz_tag(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_fixed(value) for value in values)


def _fixed(value: float) -> bytes:
    try:
        return struct.pack(">i", round(value * 65_536))
    except struct.error as exc:
        raise ValueError(f"{value} does not fit in a profile") from exc


def _tristimulus(point: Point) -> _Row:
    x, y = point
    if y <= 0:
        raise ValueError("a colour without luminance")
    return x / y, 1.0, (1 - x - y) / y


def _scaled(primaries: Primaries, white: _Row) -> Matrix:
    """Return the XYZ of the primaries as columns, scaled so that they sum to white."""
    columns = list(zip(*((x, y, 1 - x - y) for x, y in primaries[:3]), strict=True))
    amounts = _applied(_inverse(columns), white)
    return [[value * amount for value, amount in zip(row, amounts, strict=True)] for row in columns]


def _adapted(white: _Row) -> Matrix:
    """Return the Bradford matrix that adapts this white point to D50."""
    gains = [
        wanted / seen
        for wanted, seen in zip(_applied(_BRADFORD, _D50), _applied(_BRADFORD, white), strict=True)
    ]
    scaled = [[value * gain for value in row] for row, gain in zip(_BRADFORD, gains, strict=True)]
    return _times(_inverse(_BRADFORD), scaled)


def _applied(matrix: Matrix, vector: _Row) -> _Row:
    return [sum(one * other for one, other in zip(row, vector, strict=True)) for row in matrix]


def _times(one: Matrix, other: Matrix) -> Matrix:
    columns = list(zip(*other, strict=True))
    return [[sum(a * b for a, b in zip(row, column, strict=True)) for column in columns] for row in one]


def _inverse(matrix: Matrix) -> Matrix:
    (a, b, c), (d, e, f), (g, h, i) = matrix
    determinant = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
    if abs(determinant) < 1e-6:
        raise ValueError("primaries on one line")
    rows = (
        (e * i - f * h, c * h - b * i, b * f - c * e),
        (f * g - d * i, a * i - c * g, c * d - a * f),
        (d * h - e * g, b * g - a * h, a * e - b * d),
    )
    return [[value / determinant for value in row] for row in rows]
