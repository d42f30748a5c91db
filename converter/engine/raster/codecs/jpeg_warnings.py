"""Count libjpeg's warnings about damaged data, which Pillow discards.

libjpeg counts them in a structure inside Pillow's decoder, which is read through `ctypes`. The layout is tested
before use. If the test fails, no warnings are known.
"""

from __future__ import annotations

from ctypes import Structure, c_char, c_int, c_long, c_void_p
from io import BytesIO
from typing import Any

from PIL import Image, ImageFile, _imaging

from .jpeg_segments import ARITHMETIC, END_OF_IMAGE, START_OF_SCAN, segments
from .optional import OptionalLibrary, Unfit

_DECODER = "jpeg with warnings"


class _Errors(Structure):
    """jpeg_error_mgr, unchanged since libjpeg 6b."""

    _fields_ = [
        ("functions", c_void_p * 5),
        ("code", c_int),
        ("parameters", c_int * 20),
        ("level", c_int),
        ("warnings", c_long),
    ]


class _Context(Structure):
    """The beginning of Pillow's JPEGSTATE: its configuration and jpeg_decompress_struct."""

    _fields_ = [("configuration", c_int * 4), ("errors", c_void_p)]


class _Decoder(Structure):
    """The beginning of Pillow's ImagingDecoderObject."""

    _fields_ = [("unused", c_char * 104), ("context", c_void_p)]


_SIZE_OF_DECODER = 144
_MOST_APART = 4096
"""More than the bytes of a JPEGSTATE, which contains the errors."""


class Watch:
    """Pillow's decoder of one image, which also counts the warnings about its compressed data."""

    pulls_fd = False
    warnings = 0
    """The number of warnings since the header, which are about compressed data or bytes between segments."""
    left_over = 0
    """The number of bytes that were left over when the end marker was reached, counted as one warning."""

    def __init__(self, header: int) -> None:
        self._header = header
        self._before = 0

    def begun(self, mode: str, *arguments: Any) -> Watch:
        self._decoder: Any = _imaging.jpeg_decoder(mode, *arguments)
        return self

    def setimage(self, image: Any, box: tuple[int, int, int, int]) -> None:
        self._decoder.setimage(image, box)

    def decode(self, data: bytes) -> tuple[int, int]:
        """Decode more data. Return the number of bytes used, or a negative number at the end, and the error."""
        used, error = 0, 0
        if self._header:
            used, error = self._decoder.decode(data[: self._header])
            self._before = _errors_of(self._decoder).warnings
            if used < 0 or len(data) < self._header:
                self._header -= used
                return used, error
            self._header = 0
        more, error = self._decoder.decode(data[used:])
        errors = _errors_of(self._decoder)
        self.warnings = errors.warnings - self._before
        left, marker = errors.parameters[:2]
        self.left_over = left if marker == END_OF_IMAGE else 0
        return (more if more < 0 else used + more), error

    def cleanup(self) -> None:
        self._decoder.cleanup()


def _errors_of(decoder: Any) -> _Errors:
    context = _Decoder.from_address(id(decoder)).context
    return _Errors.from_address(_Context.from_address(context).errors)


def watch(image: ImageFile.ImageFile, data: bytes) -> Watch | None:
    """Have the image decoded by a Watch, or return None if that is impossible. `data` is its file."""
    found = list(segments(data))
    scan = next((segment for segment in found if segment.marker == START_OF_SCAN), None)
    if scan is None or len(image.tile) != 1 or LIBRARY.problem():
        return None
    header = scan.start - 2 + int.from_bytes(data[scan.start - 2 : scan.start], "big")
    if any(segment.marker in ARITHMETIC for segment in found):
        header = scan.start - 4  # after its scan header, libjpeg needs all data at once
    watched = Watch(header)
    _attach(image, watched)
    return watched


def _attach(image: ImageFile.ImageFile, watched: Watch) -> None:
    [tile] = image.tile
    image.tile = [tile._replace(codec_name=_DECODER, args=(watched, *(tile.args or ())))]


def _begun(mode: str, watched: Watch, *arguments: Any) -> Watch:
    return watched.begun(mode, *arguments)


Image.register_decoder(_DECODER, _begun)  # type: ignore[arg-type]


def _tried() -> None:
    """Test the layout. Raises Unfit."""
    try:
        is_known = _is_known_layout()
        right = is_known and _are_read()
    except (OSError, AttributeError) as exc:
        raise Unfit(f"Pillow's JPEG decoder cannot be tested: {exc}") from exc
    if not is_known:
        raise Unfit("the structure of Pillow's JPEG decoder is unknown")
    if not right:
        raise Unfit("libjpeg's warnings cannot be read")


def _are_read() -> bool:
    """Return whether the warnings are those of intact, incomplete and too much data."""
    file = BytesIO()
    Image.linear_gradient("L").save(file, "JPEG")
    intact, end = file.getvalue()[:-2], file.getvalue()[-2:]
    left_over = bytes(range(1, 51))
    found = [_counted(data + end) for data in (intact, intact[:-300], intact + left_over)]
    (none, _), (some, _), (one, left) = found
    return not none and some > 0 and one == 1 and 40 <= left <= len(left_over)


def _is_known_layout() -> bool:
    """Return whether it is safe to follow the pointers, as far as that can be checked."""
    draft, scale = 1, 4
    decoder = _imaging.jpeg_decoder("L", "L", "L", scale, draft)
    if type(decoder).__basicsize__ != _SIZE_OF_DECODER:
        return False
    decoder.setimage(Image.new("L", (1, 1)).im, (0, 0, 1, 1))
    decoder.decode(b"\xff\xd8")  # lets it set the pointer to the errors
    place = _Decoder.from_address(id(decoder)).context
    context = _Context.from_address(place)
    inside = range(place, place + _MOST_APART)
    return tuple(context.configuration[2:]) == (draft, scale) and context.errors in inside


def _counted(data: bytes) -> tuple[int, int]:
    with Image.open(BytesIO(data), formats=["JPEG"]) as image:
        watched = Watch(data.index(b"\xff\xda") + 10)
        _attach(image, watched)
        image.load()
        return watched.warnings, watched.left_over


LIBRARY = OptionalLibrary(_tried)
