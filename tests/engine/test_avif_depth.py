"""AVIF of 10 and 12 bits per channel, written by aom without loss, keeps them all."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile

from converter.engine import Limits
from converter.engine.raster import check, notes, probe
from converter.engine.raster.codecs import libavif
from converter.engine.raster.codecs.boxes import box as find
from converter.engine.raster.codecs.heif import properties
from converter.engine.raster.codecs.optional import OptionalLibrary, Unfit
from tests.engine.heifs import Item, box, coded, grid, made
from tests.engine.rendering import codes, render
from tests.engine.samples import opened, photo, pixel
from tests.engine.test_hdr import light, pq

WIDTH, HEIGHT = 256, 64
BRANDS = (b"avif", b"mif1", b"miaf")
TURNED = box(b"irot", b"\1")  # 90° anticlockwise


def ramps(channels: int, bits: int) -> Any:
    """Return ramps of all levels, in different directions, beginning with black and white."""
    levels = np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 4093
    bands = np.stack([levels * (band + 1) % (1 << bits) for band in range(channels)], axis=-1)
    bands[0, 0], bands[0, 1] = 0, (1 << bits) - 1
    return bands.astype(np.uint16)


def avif(pixels: Any, bits: int = 10, **told: int) -> bytes:
    color = {"pixelformat": "444", "matrix": 0, "primaries": 1, "transfer": 13}  # YCbCr would round
    options: Any = {"pixelformat": "400"} if pixels.shape[2] < 3 else {**color, **told}
    held = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    return bytes(imagecodecs.avif_encode(held, level=100, bitspersample=bits, speed=9, **options))


def item(data: bytes, *more: bytes) -> Item:
    told = [box(name, content) for name, content in properties(data)]
    return Item(b"av01", data[slice(*(find(data, b"mdat") or (0, 0)))], [*told, *more])


def spread(pixels: Any, bits: int) -> Any:
    """Return the levels spread over 16 bits."""
    return np.round(pixels * (65_535 / ((1 << bits) - 1)))


def assert_keeps(data: bytes, wanted: Any) -> None:
    result = render(data)
    assert "bits_kept" in codes(result)
    found = imagecodecs.png_decode(result.data).reshape(wanted.shape)
    assert found.dtype == np.uint16
    assert np.abs(found - wanted).max() <= 1


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("bits", [10, 12])
def test_all_bits_of_an_avif_arrive(channels: int, bits: int) -> None:
    pixels = ramps(channels, bits)
    data = avif(pixels, bits)
    assert probe(data).bits == bits
    assert_keeps(data, spread(pixels, bits))
    found = tifffile.imread(BytesIO(render(data, format="tiff").data)).reshape(pixels.shape)
    assert np.abs(found - spread(pixels, bits)).max() <= 1


def test_they_are_cut_and_turned_like_the_picture() -> None:
    numbers = (200, 1, 40, 1, 10, 1, -4, 1)  # 200×40 at 38,8 as the centre is moved by 10,-4
    clap = box(b"clap", struct.pack(">IIIIiIiI", *numbers))
    pixels = ramps(3, 10)
    data = made([item(avif(pixels), clap, TURNED)], brands=BRANDS)
    assert_keeps(data, np.rot90(spread(pixels, 10)[8:48, 38:238]))


def test_the_bits_of_a_grid_arrive() -> None:
    pixels = ramps(3, 10)
    tile = replace(item(avif(pixels)), hidden=True)
    pixi = box(b"pixi", bytes([0, 0, 0, 0, 3, 10, 10, 10]))
    whole = grid(1, 2, (400, 60), [2, 3])
    data = made([replace(whole, properties=[*whole.properties, pixi]), tile, tile], brands=BRANDS)
    assert_keeps(data, np.tile(spread(pixels, 10), (1, 2, 1))[:60, :400])


def test_the_depth_is_that_of_the_picture_not_of_one_beside_it() -> None:
    other = replace(coded(photo((64, 64)), b"av01"), hidden=True)
    data = made([other, item(avif(ramps(3, 10)))], main=2, brands=BRANDS)
    assert probe(data).bits == 10


def test_options_limited_to_eight_bits_get_eight() -> None:
    data = avif(ramps(3, 10))
    assert "bits_reduced" in codes(render(data, format="jpeg"))
    shown = imagecodecs.png_decode(render(data, depth=8).data)
    assert np.abs(shown - spread(ramps(3, 10), 10) / 257).max() <= 1


@pytest.mark.parametrize("recipe", [{"format": "png", "depth": 8}, {"format": "webp", "lossless": True}])
def test_hdr_of_10_bits_comes_out_without_steps(recipe: dict[str, Any]) -> None:
    shades = [round(1023 / 255 * pq(203 * light(level))) for level in range(WIDTH)]
    pixels = np.array(shades, np.uint16)[np.newaxis, :, np.newaxis].repeat(HEIGHT, axis=0).repeat(3, axis=2)
    result = render(avif(pixels, transfer=16), **recipe)
    assert {"color_converted", "tone_mapped"} <= codes(result)
    found = [pixel(opened(result).convert("RGB"), (level, 0))[0] for level in range(WIDTH)]
    assert np.abs(np.array(found) - np.arange(WIDTH)).max() <= 2
    assert len(set(found)) > 235


def test_without_room_for_all_bits_there_are_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise MemoryError

    monkeypatch.setattr(libavif, "check_room", full)
    assert "bits_reduced" in codes(render(avif(ramps(3, 10))))


def test_where_libavif_cannot_be_called_there_are_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    def tried() -> Any:
        raise Unfit("it is linked in another way")

    monkeypatch.setattr(libavif, "LIBRARY", OptionalLibrary(tried))
    assert "bits_reduced" in codes(render(avif(ramps(3, 10))))
    assert check() == []
    assert "AVIF is read in 8 bits per channel: it is linked in another way." in notes()


def test_a_library_that_reads_other_pixels_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    right = libavif._LibAvif.decode
    monkeypatch.setattr(libavif._LibAvif, "decode", lambda *given: right(*given)[::-1])
    said = OptionalLibrary(libavif._tried).problem()
    assert said == "Pillow's libavif, called directly, decodes wrong pixels"


def test_damaged_files_give_no_pixels() -> None:
    data = avif(ramps(3, 10))
    assert libavif.halves(data) is not None
    assert libavif.halves(data[: len(data) // 2]) is None
    assert libavif.halves(b"") is None


PEAK = """
import json, re, sys
from pathlib import Path
from converter.engine.raster.codecs import libavif

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

def check(octets):
    said.update(asked=octets)

said = {}
libavif.LIBRARY.get()
libavif.check_room = check
said["before"] = peak()
assert libavif.halves(Path(sys.argv[1]).read_bytes())
print(json.dumps({**said, "after": peak()}))
"""


@pytest.mark.long
@pytest.mark.system
def test_decoding_takes_no_more_memory_than_it_asks_for_and_45_megapixels_fit(tmp_path: Path) -> None:
    height, width = 1536, 2048
    source, pixels = tmp_path / "a.avif", np.tile(ramps(4, 10), (height // HEIGHT, width // WIDTH, 1))
    source.write_bytes(imagecodecs.avif_encode(pixels, level=30, bitspersample=10, speed=10))
    command = [sys.executable, "-c", PEAK, str(source)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert 0.7 * said["asked"] < said["after"] - said["before"] <= said["asked"]
    per_sample = said["asked"] / (width * height * 4)
    assert 3 * 45_000_000 * per_sample < 0.7 * Limits().memory_bytes
