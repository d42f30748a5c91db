"""Leave out the last bit of a progressive JPEG's coefficients where shrinking makes it invisible.

At high quality, the scans that add it are a third of the file and of the time to decode it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sqrt

from .jpeg_progressive import Scan, Structure, structure
from .jpeg_segments import START_OF_SCAN

_LARGEST_ERROR = 0.5
"""The largest mean error (RMS) in a component, of 255. Rounding to whole numbers costs 0.29."""
_ERROR = 1 / 2
"""The mean square error without the last bit, in steps: half of the coefficients are one step too small."""

_TABLES, _COEFFICIENTS = 0xDB, 64
_LARGEST_STEP = 255

Table = Sequence[int]
"""The quantization steps of the coefficients, in zigzag order."""
Changes = dict[int, tuple[int, bytes]]
"""What to replace: start, end and new bytes."""


def _zigzag() -> list[tuple[int, int]]:
    """Return the row and column of each coefficient of a block (T.81, figure A.6)."""
    places = [(row, column) for row in range(8) for column in range(8)]
    return sorted(places, key=lambda place: (sum(place), place[sum(place) % 2 == 0]))


def _energy(frequency: int, samples: int) -> float:
    """Return the energy of a cosine of the DCT after averaging its 8 samples to this many."""
    each = 8 // samples
    values = [cos((2 * at + 1) * frequency * pi / 16) / (2 if frequency else sqrt(8)) for at in range(8)]
    return sum((sum(values[at : at + each]) / each) ** 2 for at in range(0, 8, each))


_SHARES = {
    samples: [_energy(row, samples) * _energy(column, samples) / samples**2 for row, column in _zigzag()]
    for samples in (1, 2, 4, 8)
}
"""The mean square error of the samples for an error of 1 in each coefficient, by samples per block."""


def without_last_bits(data: bytes, scale: int) -> bytes | None:
    """Return the JPEG without the last bits that are invisible at 1/scale of its size, or None.

    The other scans are declared to have one bit more, and the steps are doubled. Otherwise the decoder would
    regard the file as incomplete and smooth it.
    """
    found = structure(data)
    tables = _tables(data, found) if found else None
    if found is None or tables is None:
        return None
    changes: Changes = {}
    for number, component in enumerate(found.components):
        scans = [scan for scan in found.details if scan.component == component.name]
        refined, table = _refined(scans), tables[number]
        doubled = [step * 2 if at in refined else step for at, step in enumerate(table)]
        if _is_invisible(table, refined, found.samples(component, scale)) and max(doubled) <= _LARGEST_STEP:
            changes |= _without(refined, scans)
            tables[number] = doubled
    return _changed(data, changes | _with_tables(tables, found)) if changes else None


def _tables(data: bytes, found: Structure) -> list[Table] | None:
    """Return the table of each component, or None if they are invalid, change later or have 16 bits."""
    first = next(segment for segment in found.segments if segment.marker == START_OF_SCAN)
    tables: dict[int, Table] = {}
    for segment in found.segments:
        content = data[segment.start : segment.end] if segment.marker == _TABLES else b""
        if content and (segment.start > first.start or len(content) % (1 + _COEFFICIENTS)):
            return None
        for at in range(0, len(content), 1 + _COEFFICIENTS):
            tables[content[at]] = content[at + 1 : at + 1 + _COEFFICIENTS]
    if any(component.table not in tables for component in found.components):
        return None
    return [tables[component.table] for component in found.components]


def _refined(scans: Sequence[Scan]) -> set[int]:
    """Return the coefficients that have their last bit in a scan of its own; none if the scans are unusual."""
    missing: dict[int, int] = {}
    for scan in scans:
        if any(missing.get(at, 0) != scan.high for at in scan.places) or scan.high not in (0, scan.low + 1):
            return set()
        missing.update(dict.fromkeys(scan.places, scan.low))
    refined = {at for scan in scans if scan.adds_last_bit for at in scan.places}
    for scan in scans:
        if refined.intersection(scan.places) and (not refined.issuperset(scan.places) or scan.is_whole):
            return set()
    return refined


def _is_invisible(table: Table, refined: set[int], samples: int) -> bool:
    shares = _SHARES[samples]
    error = sqrt(sum(_ERROR * table[at] ** 2 * shares[at] for at in refined))
    return bool(refined) and error <= _LARGEST_ERROR


def _without(refined: set[int], scans: Sequence[Scan]) -> Changes:
    """Return the changes that remove the last scans and adapt the others."""
    changes: Changes = {}
    for scan in scans:
        if scan.adds_last_bit:
            changes[scan.segment.start - 4] = (scan.segment.end, b"")
        elif scan.first in refined:
            at = scan.segment.start + 5
            changes[at] = (at + 1, bytes((max(scan.high - 1, 0) << 4 | scan.low - 1,)))
    return changes


def _with_tables(tables: Sequence[Table], found: Structure) -> Changes:
    """Return the changes that give each component its own table."""
    length = 2 + len(tables) * (1 + _COEFFICIENTS)
    new = b"".join(bytes((number, *table)) for number, table in enumerate(tables))
    first = next(segment for segment in found.segments if segment.marker == START_OF_SCAN).start - 4
    places = [found.frame.start + 8 + 3 * number for number in range(len(tables))]
    return {
        first: (first, bytes((0xFF, _TABLES)) + length.to_bytes(2, "big") + new),
        **{at: (at + 1, bytes((number,))) for number, at in enumerate(places)},
    }


def _changed(data: bytes, changes: Changes) -> bytes:
    parts: list[bytes | memoryview] = []
    old, reached = memoryview(data), 0
    for start, (end, new) in sorted(changes.items()):
        parts += (old[reached:start], new)
        reached = end
    return b"".join((*parts, old[reached:]))
