"""Pillow behind a fence: files opened by allow-list, exceptions turned into ours."""

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

logger = logging.getLogger(__name__)


def open_as(data: bytes, decoder: str, limits: Limits) -> Image.Image:
    """Return the image with its header read and no pixels decoded; only this one decoder of Pillow may look at it."""
    # Pillow's own check stays on behind ours, for what a header hides inside it. One value for the process.
    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    with decoding():
        return Image.open(BytesIO(data), formats=[decoder])


@contextmanager
def decoding() -> Iterator[None]:
    """Turn whatever a decoder raises into one of our errors."""
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
    """Turn whatever is raised once the file is decoded into one of our errors.

    Nothing is wrong with the file then, so what nobody expects is a fault of ours: logged with its cause.
    """
    try:
        with _bounded():
            yield
    except EngineError:
        raise
    except Exception as exc:
        logger.exception("A decoded picture could not be rendered")
        raise Fault from exc


@contextmanager
def _bounded() -> Iterator[None]:
    """Refuse what is too large."""
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
    """Turn whatever a writer raises into one of our errors.

    It was given a picture that its format holds, so that a refusal is a fault of ours: logged with its cause.
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
        logger.exception("The writer of %s refused a picture", target.label)
        raise Fault(kind="encoder", format=target.label) from exc


def let_go(images: Iterable[Image.Image | None], kept: Iterable[Image.Image | None] = ()) -> None:
    """Free the pixels of these images, whoever still holds them, but not of those to keep."""
    spared = {id(image) for image in kept}
    for image in images:
        if image is not None and id(image) not in spared:
            image.close()


@contextmanager
def room_for(size: tuple[int, int]) -> Iterator[None]:
    """Give the JPEG encoder a buffer that holds any picture of this size; it cannot grow, and noise fills it."""
    usual = ImageFile.MAXBLOCK
    ImageFile.MAXBLOCK = max(usual, 4 * size[0] * size[1])
    try:
        yield
    finally:
        ImageFile.MAXBLOCK = usual


@cache
def versions() -> dict[str, str]:
    """Return what decodes and encodes here: library name to version."""
    packages = {format.package for format in FORMATS.values() if format.package}
    found = {name: version(name) for name in ("pillow", "pillow-heif", *sorted(packages))}
    return found | {library.name: library.version for library in libraries() if library.version}
