"""Icons with every depth, mask and alpha, and with embedded PNGs."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from itertools import product

import numpy as np
from PIL import Image

from .case import Case, picture

_SIDE = 16
_MASKS: dict[str, Callable[[int, int], bool]] = {
    "none": lambda x, y: False,
    "corner": lambda x, y: x + y < 10,
    "all": lambda x, y: True,
}
FIELDS = {
    "565": (16, (0xF800, 0x7E0, 0x1F)),
    "bgr565": (16, (0x1F, 0x7E0, 0xF800)),
    "555": (16, (0x7C00, 0x3E0, 0x1F)),
    "bgr": (32, (0xFF, 0xFF00, 0xFF0000)),
    "101010": (32, (0x3FF00000, 0xFFC00, 0x3FF)),
}
_ALPHAS = {"clear": 0.0, "half": 0.5, "solid": 1.0}


def cases() -> Iterator[Case]:
    for (bits, mask), side in product(product((1, 4, 8, 24), _MASKS), (16, 31, 32)):
        yield Case(f"ico-{bits}-{mask}-{side}", icon([entry(bits, mask, 1.0, side)]), ("chromium",))
    for alpha, mask, side in product(_ALPHAS, _MASKS, (16, 31)):
        yield Case(
            f"ico-32{alpha}-{mask}-{side}", icon([entry(32, mask, _ALPHAS[alpha], side)]), ("chromium",)
        )
    for (name, (bits, masks)), header, mask in product(FIELDS.items(), (40, 108), _MASKS):
        yield Case(
            f"ico-fields{name}-{header}-{mask}", icon([_fields(bits, masks, header, mask)]), ("chromium",)
        )
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        yield Case(f"ico-png-{mode}", icon([png(mode, 48)]), ("chromium",))
    yield Case(
        "ico-sizes",
        icon([entry(8, "corner", 1, 16), entry(24, "corner", 1, 32), png("RGBA", 64)]),
        ("chromium",),
    )


def icon(entries: Sequence[tuple[int, int, bytes]]) -> bytes:
    """Return the file for entries of side length, depth and data."""
    at = 6 + 16 * len(entries)
    head, body = struct.pack("<HHH", 0, 1, len(entries)), b""
    for side, bits, data in entries:
        head += struct.pack("<BBBBHHII", side, side, 0, 0, 1, bits, len(data), at + len(body))
        body += data
    return head + body


def entry(bits: int, mask: str, alpha: float, side: int) -> tuple[int, int, bytes]:
    colors, rows = b"", []
    if bits <= 8:
        levels = [255 * index // ((1 << bits) - 1) for index in range(1 << bits)]
        colors = b"".join(bytes((abs(255 - 2 * level), 255 - level, level, 0)) for level in levels)
        indices = np.round(picture(1, side, side)[..., 0] * ((1 << bits) - 1)).astype(np.uint8)
        rows = [_packed("".join(f"{int(value):0{bits}b}" for value in row)) for row in indices]
    else:
        octets = np.round(picture(3, side, side) * 255).astype(np.uint8)[..., ::-1]
        if bits == 32:
            octets = np.concatenate([octets, np.full_like(octets[..., :1], round(alpha * 255))], axis=2)
        rows = [line.tobytes() + bytes(-len(line.tobytes()) % 4) for line in octets]
    clear = [_packed("".join("01"[_MASKS[mask](x, y)] for x in range(side))) for y in range(side)]
    head = struct.pack("<IiiHHIIiiII", 40, side, 2 * side, 1, bits, 0, 0, 0, 0, 0, 0)
    return side, bits, head + colors + b"".join(rows[::-1]) + b"".join(clear[::-1])


def _fields(bits: int, masks: tuple[int, ...], header: int, mask: str) -> tuple[int, int, bytes]:
    levels = picture(3, _SIDE, _SIDE)
    values = sum(
        np.round(levels[..., number] * (field // (field & -field))).astype(np.int64) * (field & -field)
        for number, field in enumerate(masks)
    )
    rows = np.asarray(values).astype("<u2" if bits == 16 else "<u4")[::-1].tobytes()
    clear = [_packed("".join("01"[_MASKS[mask](x, y)] for x in range(_SIDE))) for y in range(_SIDE)]
    head = struct.pack("<IiiHHIIiiII", header, _SIDE, 2 * _SIDE, 1, bits, 3, 0, 0, 0, 0, 0)
    head = (head + struct.pack("<III", *masks)).ljust(header, b"\0")
    return _SIDE, bits, head + rows + b"".join(clear[::-1])


def _packed(text: str) -> bytes:
    text += "0" * (-len(text) % 32)
    return int(text, 2).to_bytes(len(text) // 8, "big")


def png(mode: str, side: int) -> tuple[int, int, bytes]:
    image = Image.fromarray(np.round(picture(4, side, side) * 255).astype(np.uint8), "RGBA").convert(mode)
    output = BytesIO()
    image.save(output, "PNG")
    return side, 32, output.getvalue()
