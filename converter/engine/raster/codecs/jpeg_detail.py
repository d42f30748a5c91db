"""Remove the detail from progressive JPEGs that are decoded at 1/8 of their size.

At that size a decoder uses only the mean of each block of 8×8 samples, but spends most of its time on reading
all scans.
"""

from __future__ import annotations

from .jpeg_segments import END_OF_IMAGE, START_OF_SCAN, Segment, is_frame, segments

_PROGRESSIVE = 0xC2
_LONGEST_RUN = 14
_TABLE = bytes(
    (0xFF, 0xC4, 0, 34, 0x10, 0, 0, 0, 15, *[0] * 12, *(run << 4 for run in range(_LONGEST_RUN + 1)))
)
"""A Huffman table in which the code for a run of at least 2ⁿ empty blocks is n, in 4 bits (T.81, G.1.2.2)."""
_NO_RESTARTS = b"\xff\xdd\x00\x04\x00\x00"


def without_detail(data: bytes) -> bytes | None:
    """Return the JPEG with its first, full-resolution component reduced to the mean of each block.

    Returns None if there is nothing to remove.
    """
    found = list(segments(data))
    frame = next((segment for segment in found if is_frame(segment.marker)), None)
    if frame is None or frame.marker != _PROGRESSIVE or found[-1].marker != END_OF_IMAGE:
        return None
    component = _first_of_full_resolution(data, frame)
    kept = [segment for segment in found[:-1] if not _is_detail(data, segment, component)]
    if component is None or len(kept) == len(found) - 1:
        return None
    height, width = (int.from_bytes(data[at : at + 2], "big") for at in (frame.start + 1, frame.start + 3))
    parts = [data[segment.start - 4 : segment.end] for segment in kept]
    empty = _empty_scan(component, -(-width // 8) * -(-height // 8))
    return b"".join((data[:2], *parts, _TABLE, _NO_RESTARTS, empty, bytes((0xFF, END_OF_IMAGE))))


def _first_of_full_resolution(data: bytes, frame: Segment) -> int | None:
    """Return the ID of the first component if no other has more samples (T.81, B.2.2), otherwise None."""
    components = [data[at : at + 3] for at in range(frame.start + 6, frame.end - 2, 3)]
    if not components:
        return None
    most = [max(part) for part in zip(*(divmod(sampling, 16) for _, sampling, _ in components), strict=True)]
    name, sampling, _ = components[0]
    return name if list(divmod(sampling, 16)) == most else None


def _is_detail(data: bytes, segment: Segment, component: int | None) -> bool:
    """Return whether the segment is a scan of AC coefficients of only this component (T.81, B.2.3)."""
    if segment.marker != START_OF_SCAN or data[segment.start] != 1:
        return False
    return data[segment.start + 1] == component and data[segment.start + 3] > 0


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
