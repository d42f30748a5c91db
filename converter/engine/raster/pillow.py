"""Safe use of Pillow: an allow-list of decoders, and its exceptions converted to ours."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from io import BytesIO

from PIL import Image, ImageFile

from converter.engine.errors import Corrupt, EngineError, Fault, OutOfMemory, TooManyPixels, Truncated
from converter.engine.formats import FORMATS, Format
from converter.engine.limits import Limits

from .bundled import libraries

_JPEG_BLOCK = 16
_MOST_NOISE = 4  # bytes per pixel of a JPEG: random black and white takes 3.2 at quality 100 and 4:4:4

logger = logging.getLogger(__name__)


def open_as(data: bytes, decoder: str, limits: Limits) -> Image.Image:
    """Return the image with its header read and no pixels decoded, using only this decoder of Pillow."""
    # Keep Pillow's own check as well, for images nested inside the file. The value is global to the process.
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    with decoding():
        return Image.open(BytesIO(data), formats=[decoder])


@contextmanager
def decoding() -> Iterator[None]:
    """Convert any exception from a decoder to one of our errors."""
    try:
        with _bounded():
            yield
    except EngineError:
        raise
    except Exception as exc:
        if isinstance(exc, EOFError) or "truncated" in str(exc).lower():
            raise Truncated from exc
        raise Corrupt from exc


@contextmanager
def rendering() -> Iterator[None]:
    """Convert any exception after decoding to one of our errors.

    The file is valid by then, so an unexpected exception is our fault and is logged with its cause.
    """
    try:
        with _bounded():
            yield
    except EngineError:
        raise
    except Exception as exc:
        logger.exception("A decoded image could not be rendered")
        raise Fault from exc


@contextmanager
def _bounded() -> Iterator[None]:
    """Convert Pillow's size errors and MemoryError to our errors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except MemoryError as exc:
        raise OutOfMemory from exc
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise TooManyPixels from exc


@contextmanager
def encoding(target: Format) -> Iterator[None]:
    """Convert any exception from an encoder to one of our errors.

    The picture is one that the format can store, so a failure is our fault and is logged with its cause.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except EngineError:
        raise
    except MemoryError as exc:
        raise OutOfMemory(kind="encoder", format=target.label) from exc
    except Exception as exc:
        logger.exception("The encoder of %s rejected an image", target.label)
        raise Fault(kind="encoder", format=target.label) from exc


def let_go(images: Iterable[Image.Image | None], kept: Iterable[Image.Image | None] = ()) -> None:
    """Free the pixels of these images except `kept`, even if they are still referenced."""
    spared = {id(image) for image in kept}
    for image in images:
        if image is not None and id(image) not in spared:
            image.close()


@contextmanager
def room_for(images: Iterable[Image.Image], metadata: int) -> Iterator[None]:
    """Give Pillow's JPEG encoder a buffer, which cannot grow, for noise as large as any of these images.

    `metadata` is the number of its bytes, which share the buffer.
    """
    usual = ImageFile.MAXBLOCK
    noise = max(_MOST_NOISE * _whole(image.width) * _whole(image.height) for image in images)
    ImageFile.MAXBLOCK = usual + noise + metadata
    try:
        yield
    finally:
        ImageFile.MAXBLOCK = usual


def _whole(side: int) -> int:
    """Return the length of a side in whole blocks, as JPEG encodes them."""
    return -(-side // _JPEG_BLOCK) * _JPEG_BLOCK


@cache
def versions() -> dict[str, str]:
    """Return the versions of the decoding and encoding libraries by name."""
    packages = {format.package for format in FORMATS.values() if format.package}
    found = {name: version(name) for name in ("pillow", "pillow-heif", *sorted(packages))}
    return found | {library.name: library.version for library in libraries() if library.version}
