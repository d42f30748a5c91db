"""Parse the structure of a progressive JPEG (ITU-T T.81, B.2 and G.1) without decoding."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .jpeg_segments import END_OF_IMAGE, START_OF_SCAN, Segment, is_frame, segments

_PROGRESSIVE = 0xC2
_BLOCK = 8


class Component(NamedTuple):
    """A component with its sampling factors, as declared in the frame header."""

    name: int
    wide: int
    high: int
    table: int


class Scan(NamedTuple):
    """A scan of AC coefficients, which belong to one component."""

    segment: Segment
    component: int
    first: int
    last: int
    high: int
    """The number of missing bits of these coefficients before the scan, or 0 if it is their first."""
    low: int
    """The number of bits missing after it."""

    @property
    def places(self) -> range:
        return range(self.first, self.last + 1)

    @property
    def adds_last_bit(self) -> bool:
        return (self.high, self.low) == (1, 0)

    @property
    def is_whole(self) -> bool:
        return not self.high and not self.low


class Structure(NamedTuple):
    segments: Sequence[Segment]
    frame: Segment
    width: int
    height: int
    components: Sequence[Component]
    details: Sequence[Scan]
    """The scans of AC coefficients."""

    @property
    def _most(self) -> tuple[int, int]:
        """The largest sampling factors."""
        return max(one.wide for one in self.components), max(one.high for one in self.components)

    def samples(self, component: Component, scale: int) -> int:
        """Return how many samples per block and direction libjpeg decodes at 1/scale of the size.

        Of a component at reduced resolution it decodes more, instead of enlarging it later.
        """
        least = size = _BLOCK // scale
        across, down = self._most
        while (
            size < _BLOCK
            and across * least % (component.wide * size * 2) == 0
            and down * least % (component.high * size * 2) == 0
        ):
            size *= 2
        return size

    def blocks(self, component: Component) -> int:
        """Return the number of blocks in a scan of only this component (T.81, A.1.1 and A.2.2)."""
        across, down = self._most
        columns = -(-self.width * component.wide // (across * _BLOCK))
        rows = -(-self.height * component.high // (down * _BLOCK))
        return columns * rows


def structure(data: bytes) -> Structure | None:
    """Return the structure of the first image, or None if it is not progressive, whole and with detail.

    Also returns None for invalid headers, which are left to libjpeg.
    """
    found = list(segments(data))
    frames = [segment for segment in found if is_frame(segment.marker)]
    if len(frames) != 1 or frames[0].marker != _PROGRESSIVE or found[-1].marker != END_OF_IMAGE:
        return None
    [frame] = frames
    height, width = (int.from_bytes(data[at : at + 2], "big") for at in (frame.start + 1, frame.start + 3))
    components = _components(data[frame.start : frame.end])
    names = {component.name for component in components}
    details = []
    for segment in found:
        if segment.marker == START_OF_SCAN:
            scan = _scan(data, segment)
            if scan is None or not {scan.component} <= names:
                return None
            if scan.first > 0:
                details.append(scan)
    if not (components and details and width and height):
        return None
    return Structure(found, frame, width, height, components, details)


def _components(frame: bytes) -> list[Component]:
    """Return the components, or none if the frame header is invalid."""
    if len(frame) < 6 or len(frame) != 6 + 3 * frame[5]:
        return []
    found = [
        Component(frame[at], *divmod(frame[at + 1], 16), frame[at + 2]) for at in range(6, len(frame), 3)
    ]
    is_valid = all(component.wide and component.high for component in found)
    return found if is_valid and len({component.name for component in found}) == len(found) else []


def _scan(data: bytes, segment: Segment) -> Scan | None:
    """Return the scan, or None if its header is invalid."""
    length, count = int.from_bytes(data[segment.start - 2 : segment.start], "big"), data[segment.start]
    if length != 6 + 2 * count or not count:
        return None
    first, last, bits = data[segment.start + length - 5 : segment.start + length - 2]
    if first and (count > 1 or not first <= last < _BLOCK * _BLOCK):
        return None
    return Scan(segment, data[segment.start + 1], first, last, bits >> 4, bits & 15)
