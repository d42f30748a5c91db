"""Fuzz the engine with randomly damaged files: it may raise only its own errors, and no internal ones.

Run `python -m tests.engine.fuzz --seconds 3600`, or for one format `--format png --files 10000`. With `--encoders`, random
images are encoded instead. A failure prints the seed that reproduces it.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
from pathlib import Path

from converter.engine import FORMATS, EngineError, Fault, Limits, Recipe
from converter.engine.raster import open
from converter.engine.raster.codecs.png_chunks import chunks, made

from . import fuzz_encoders, heifs, samples
from .fuzz_encoders import Attempt

LIMITS = Limits(max_pixels=1_000_000, max_total_pixels=2_000_000, max_frames=30, seconds=20)

RECIPES = [
    Recipe.parse(mapping)
    for mapping in (
        {"format": "jpeg", "resize": {"width": 20}, "metadata": "keep"},
        {"format": "webp", "color": "keep", "metadata": "strip_location"},
        {"format": "png", "rotate": 90, "metadata": "keep", "watermark": {"text": "x"}},
        {"format": "gif", "resize": {"mode": "pad", "width": 40, "height": 40}},
        {"format": "tiff", "metadata": "keep"},
        {"format": "jpeg", "target_bytes": 900, "shrink_to_fit": True},
        {
            "format": "webp",
            "resize": {"mode": "fill", "width": 20, "height": 9, "gravity": "smart"},
            "aim": "small",
        },
        {"format": "pdf", "page": "a4"},
        {"format": "avif", "crop": {"x": 1, "y": 1, "width": 3, "height": 3}, "metadata": "keep"},
        *([{"format": "jxl", "lossless": True, "metadata": "keep"}] if "jxl" in FORMATS else []),
    )
]

_PNG = b"\x89PNG\r\n\x1a\n"

# Memory may grow by caches and fragmentation; a leak over thousands of files is far larger.
MAX_GROWTH_KB = 150_000


def seeds() -> list[bytes]:
    """Return small files of every readable kind."""
    small = samples.quarters((48, 32))
    found = [samples.phone_jpeg(), samples.png_with_text(small), (samples.FILES / "phone.heic").read_bytes()]
    for format in ("PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "ICO", "JPEG2000"):
        found.append(samples.saved(small, format))
    for format in ("GIF", "WEBP", "PNG", "AVIF"):
        found.append(samples.animated(format, 3, size=(30, 20), alpha=format != "AVIF"))
    found.append(samples.saved(small.convert("CMYK"), "JPEG", icc_profile=samples.display_p3()))
    found.append(samples.saved(small, "JPEG", progressive=True))
    found.append(samples.saved(small.convert("P"), "PNG", transparency=3, icc_profile=samples.display_p3()))
    found.append(samples.saved(small.convert("L").convert("I;16"), "PNG"))
    found += [samples.saved(small.convert(mode), "PNG") for mode in ("L", "RGBA")]
    found.append(samples.tiff_pages(2, compression="tiff_lzw"))
    found.append(samples.saved(small.convert("1"), "TIFF", compression="group4"))
    found.append(samples.saved(small, "TIFF", compression="jpeg"))
    found.append(samples.saved(small, "JPEG2000", no_jp2=True))
    found += [(samples.FILES / name).read_bytes() for name in ("two.heic", "deep12.jp2", "deep16.jp2")]
    for kind, brands in ((b"hvc1", (b"msf1", b"heic")), (b"av01", (b"avif", b"mif1"))):
        tile = heifs.coded(samples.quarters((64, 64)), kind)
        found.append(heifs.made([heifs.grid(1, 2, (101, 63), [2, 3]), tile, tile], brands=brands))
    if "jxl" in FORMATS:
        from_jpeg = Recipe.parse({"format": "jxl", "lossless": True, "metadata": "keep"})
        found.append(samples.render_all(samples.phone_jpeg(), from_jpeg)[0].data)
        found.append(samples.render_all(found[-2], Recipe.parse({"format": "jxl"}))[0].data)
    return found


def mutated(chance: random.Random, sources: list[bytes]) -> bytes:
    """Return one of the files with random damage."""
    data = bytearray(chance.choice(sources))
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        at = chance.randrange(len(data))
        match chance.randrange(7):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                data[at : at + 4] = chance.choice(
                    (b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\xff\xff")
                )
            case 3:
                del data[at : at + chance.randrange(1, 64)]
            case 4:
                data[at:at] = data[at : at + chance.randrange(1, 64)]
            case 5:
                data[at : at + 8] = chance.randbytes(8)
            case _:
                # Headers are the most vulnerable part.
                data[chance.randrange(min(len(data), 64))] = chance.randrange(256)
        data = data or bytearray(b"\0")
    cut = bytes(data[: chance.randrange(len(data))] if chance.random() < 0.1 else data)
    return with_checksums(cut) if cut.startswith(_PNG) and chance.random() < 0.5 else cut


def with_checksums(data: bytes) -> bytes:
    """Return a PNG with corrected chunk checksums, so that decoders read the damaged data."""
    return data[:8] + b"".join(made(chunk.kind, chunk.data) for chunk in chunks(data))


def attack(data: bytes) -> str:
    """Open, decode and render; raise anything other than errors about the file."""
    try:
        source = open(data, LIMITS)
        source.load(RECIPES)
    except EngineError as exc:
        return exc.code
    for recipe in RECIPES:
        try:
            result = source.render(recipe)
        except Fault:
            raise
        except EngineError as exc:
            return exc.code
        assert result.data
    return "converted"


def resident() -> int:
    """Return the current memory of the process in kB; the peak would depend on the largest image."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def damaged(format: str | None = None) -> Attempt:
    """Return the attack on damaged files of one format or all."""
    sources = seeds()
    if format:
        sources = [data for data in sources if open(data).facts.format == format]

    def attempt(chance: random.Random) -> str:
        data = mutated(chance, sources)
        try:
            return attack(data)
        except BaseException:
            print(f"file {data.hex()}", file=sys.stderr)
            raise

    return attempt


def run(attempt: Attempt, seconds: float, seed: int, files: int = sys.maxsize) -> dict[str, int]:
    """Repeat for this long, or with this many files, each with the next seed; return the counts of outcomes."""
    counts: dict[str, int] = {}
    end, warm = time.monotonic() + seconds, 0
    for number in range(files):
        if time.monotonic() > end:
            break
        try:
            outcome = attempt(random.Random(seed + number))
        except BaseException:
            print(f"repeat with --seed {seed + number} --files 1", file=sys.stderr)
            raise
        counts[outcome] = counts.get(outcome, 0) + 1
        if number == 1000:
            warm = resident()
    grown = resident() - warm if warm else 0
    print(f"memory grew by {grown} kB")
    assert grown < MAX_GROWTH_KB, f"memory grew by {grown} kB after the first thousand files"
    return counts


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--encoders", action="store_true", help="encode random images instead")
    parser.add_argument("--format", choices=FORMATS)
    parser.add_argument("--files", type=int, default=sys.maxsize)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    attempt = fuzz_encoders.encoded(options.format) if options.encoders else damaged(options.format)
    print(run(attempt, options.seconds, options.seed, options.files))
