"""HEIC of 10 and 12 bits per channel, written by x265 without loss, keeps them all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pillow_heif
import pytest
import tifffile

from converter.engine import Limits
from converter.engine.raster import probe
from converter.engine.raster.codecs import heic_deep
from tests.engine.rendering import codes, render
from tests.engine.samples import opened, pixel
from tests.engine.test_hdr import light, pq

WIDTH, HEIGHT = 256, 64
CHANNELS = {1: "I;16", 3: "RGB;16", 4: "RGBA;16"}


def ramps(channels: int, bits: int) -> Any:
    """Return ramps of all levels, in different directions, spread over 16 bits."""
    levels = np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 4093
    bands = np.stack([levels * (band + 1) % (1 << bits) for band in range(channels)], axis=-1)
    bands[0, 0], bands[0, 1] = 0, (1 << bits) - 1
    return np.round(bands * (65_535 / ((1 << bits) - 1))).astype(np.uint16)


@contextmanager
def twelve(wanted: bool) -> Iterator[None]:
    pillow_heif.options.SAVE_HDR_TO_12_BIT = wanted
    yield
    pillow_heif.options.SAVE_HDR_TO_12_BIT = False


def heic(pixels: Any, bits: int = 10, **options: int) -> bytes:
    file = BytesIO()
    with twelve(bits == 12):
        mode = CHANNELS[pixels.shape[2]]
        options = {"quality": -1, "chroma": 444, "matrix_coefficients": 0, **options}  # YCbCr would round
        pillow_heif.encode(mode, pixels.shape[1::-1], pixels.tobytes(), file, **options)
    return file.getvalue()


@pytest.mark.parametrize("channels", CHANNELS)
@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("target", ["png", "tiff"])
def test_all_bits_of_a_heic_arrive(channels: int, bits: int, target: str) -> None:
    pixels = ramps(channels, bits)
    data = heic(pixels, bits)
    assert probe(data).bits == bits
    result = render(data, format=target)
    assert "bits_kept" in codes(result)
    found = tifffile.imread(BytesIO(result.data)) if target == "tiff" else imagecodecs.png_decode(result.data)
    found = found.reshape(pixels.shape)
    assert found.dtype == np.uint16
    assert np.abs(found.astype(int) - pixels).max() <= 1
    assert (found[0, 0].max(), found[0, 1].min()) == (0, 65_535)


def test_options_limited_to_eight_bits_get_eight() -> None:
    data = heic(ramps(3, 10))
    assert "bits_reduced" in codes(render(data, format="jpeg"))
    shown = imagecodecs.png_decode(render(data, depth=8).data)
    assert np.abs(shown.astype(int) - ramps(3, 10) / 257).max() <= 1


@pytest.mark.parametrize("recipe", [{"format": "png", "depth": 8}, {"format": "webp", "lossless": True}])
def test_hdr_of_10_bits_comes_out_without_steps(recipe: dict[str, Any]) -> None:
    shades = [round(257 * pq(203 * light(level))) for level in range(WIDTH)]
    pixels = np.array(shades, np.uint16)[np.newaxis, :, np.newaxis].repeat(HEIGHT, axis=0).repeat(3, axis=2)
    options = {"color_primaries": 1, "transfer_characteristics": 16, "full_range_flag": 1}
    result = render(heic(pixels, **options), **recipe)
    assert {"color_converted", "tone_mapped"} <= codes(result)
    found = [pixel(opened(result).convert("RGB"), (level, 0))[0] for level in range(WIDTH)]
    assert np.abs(np.array(found) - np.arange(WIDTH)).max() <= 2
    assert len(set(found)) > 235


def test_without_room_for_all_bits_there_are_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise MemoryError

    monkeypatch.setattr(heic_deep, "check_room", full)
    assert "bits_reduced" in codes(render(heic(ramps(3, 10))))


PEAK = """
import json, re, sys
from pathlib import Path
from converter.engine.raster.codecs import heic_deep

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

def check(octets):
    said.update(asked=octets, before=peak())

said = {}
heic_deep.check_room = check
assert heic_deep.loaded(Path(sys.argv[1]).read_bytes(), 0)
print(json.dumps({**said, "after": peak()}))
"""


@pytest.mark.long
@pytest.mark.system
def test_decoding_takes_no_more_memory_than_it_asks_for_and_45_megapixels_fit(tmp_path: Path) -> None:
    height, width = 1536, 2048
    source, pixels = tmp_path / "a.heic", np.tile(ramps(4, 10), (height // HEIGHT, width // WIDTH, 1))
    source.write_bytes(heic(pixels, quality=30))
    command = [sys.executable, "-c", PEAK, str(source)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    assert 0.7 * said["asked"] < said["after"] - said["before"] <= said["asked"]
    per_sample = said["asked"] / (width * height * 4)
    assert 3 * 45_000_000 * per_sample < 0.7 * Limits().memory_bytes
