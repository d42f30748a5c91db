"""Remove what is not visible from progressive JPEGs that are decoded at a smaller size.

A decoder spends most of its time on reading all scans. At 1/8 of the size, it uses only the mean of most blocks.
"""

from __future__ import annotations

from .jpeg_last_bits import without_last_bits
from .jpeg_progressive import structure
from .jpeg_segments import END_OF_IMAGE, START_OF_SCAN

_EIGHTH = 8
_LONGEST_RUN = 14
_TABLE = bytes(
    (0xFF, 0xC4, 0, 34, 0x10, 0, 0, 0, 15, *[0] * 12, *(run << 4 for run in range(_LONGEST_RUN + 1)))
)
"""A Huffman table in which the code for a run of at least 2ⁿ empty blocks is n, in 4 bits (T.81, G.1.2.2)."""
_NO_RESTARTS = b"\xff\xdd\x00\x04\x00\x00"


def visible_at(data: bytes, scale: int) -> bytes:
    """Return the JPEG without scans that are invisible at 1/scale of its size."""
    if scale == _EIGHTH:
        data = without_detail(data) or data
    return (without_last_bits(data, scale) if scale > 1 else None) or data


def without_detail(data: bytes) -> bytes | None:
    """Return the JPEG with its components of full resolution reduced to the mean of each block.

    Returns None if there is nothing to remove.
    """
    found = structure(data)
    if found is None:
        return None
    detailed = {scan.component for scan in found.details}
    reduced = [one for one in found.components if one.name in detailed and found.samples(one, _EIGHTH) == 1]
    if not reduced:
        return None
    names = {one.name for one in reduced}
    removed = {scan.segment for scan in found.details if scan.component in names}
    parts = [data[one.start - 4 : one.end] for one in found.segments[:-1] if one not in removed]
    empty = [_empty_scan(one.name, found.blocks(one)) for one in reduced]
    return b"".join((data[:2], *parts, _TABLE, _NO_RESTARTS, *empty, bytes((0xFF, END_OF_IMAGE))))


def _empty_scan(component: int, blocks: int) -> bytes:
    """Return a scan that marks all blocks as without detail; else the decoder would interpolate some."""
    bits = ""
    while blocks:
        log = min(_LONGEST_RUN, blocks.bit_length() - 1)
        run = min(blocks, (2 << log) - 1)
        bits += f"{log:04b}" + (f"{run - (1 << log):0{log}b}" if log else "")
        blocks -= run
    return bytes((0xFF, START_OF_SCAN, 0, 8, 1, component, 0, 1, 63, 0)) + _stuffed(bits)


def _stuffed(bits: str) -> bytes:
    filled = bits + "1" * (-len(bits) % 8)
    return int(filled, 2).to_bytes(len(filled) // 8, "big").replace(b"\xff", b"\xff\x00")
