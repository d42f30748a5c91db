"""ImageMagick's `convert`, called through its library: the usual command without the program's start-up."""

from __future__ import annotations

import ctypes
import ctypes.util
import tempfile
from pathlib import Path
from typing import Any

from lines import serve

_LIBRARIES = ("MagickWand-7.Q16HDRI", "MagickWand-7.Q16", "MagickWand-6.Q16HDRI", "MagickWand-6.Q16")
FOLDER = Path(tempfile.mkdtemp(prefix="imagemagick-", dir="/dev/shm"))


def _loaded() -> ctypes.CDLL:
    found = next(filter(None, map(ctypes.util.find_library, _LIBRARIES)), None)
    if found is None:
        raise SystemExit("ImageMagick is not installed: apt install imagemagick")
    library = ctypes.CDLL(found)
    for name in ("AcquireImageInfo", "AcquireExceptionInfo", "DestroyImageInfo", "DestroyExceptionInfo"):
        getattr(library, name).restype = ctypes.c_void_p
        getattr(library, name).argtypes = [ctypes.c_void_p] if name.startswith("Destroy") else []
    library.ConvertImageCommand.argtypes = [
        ctypes.c_void_p,
        ctypes.c_int,
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.c_void_p,
        ctypes.c_void_p,
    ]
    library.MagickCoreGenesis.argtypes = [ctypes.c_char_p, ctypes.c_int]
    library.MagickCoreGenesis(None, 0)
    return library


MAGICK = _loaded()


def convert(data: bytes, order: dict[str, Any]) -> bytes:
    made = FOLDER / f"made.{order['format']}"
    width = order["width"]
    words = ["convert"]
    if width:  # lets it shrink while decoding a JPEG, as its manual advises
        words += ["-define", f"jpeg:size={2 * width}x{2 * width}"]
    words += [order["source"]]
    if order["animated"]:
        words += ["-coalesce"]
    if width:
        words += ["-resize", f"{width}x"]
    if order["flatten"]:
        words += ["-background", order["flatten"], "-alpha", "remove"]
    if order["quality"]:
        words += ["-quality", str(order["quality"])]
    if order["format"] == "jpeg":  # progressive, like ours
        words += ["-interlace", "JPEG"]
    if order["format"] == "tiff":  # uncompressed by default
        words += ["-compress", "zip"]
    words += ["-strip", str(made)]
    _run(words)
    result = made.read_bytes()
    made.unlink()
    return result


def _run(words: list[str]) -> None:
    arguments = (ctypes.c_char_p * len(words))(*[word.encode() for word in words])
    info, trouble = MAGICK.AcquireImageInfo(), MAGICK.AcquireExceptionInfo()
    done = MAGICK.ConvertImageCommand(info, len(words), arguments, None, trouble)
    MAGICK.DestroyExceptionInfo(trouble)
    MAGICK.DestroyImageInfo(info)
    if not done:
        raise RuntimeError("ImageMagick could not: " + " ".join(words))


try:
    serve(convert)
finally:
    FOLDER.rmdir()
