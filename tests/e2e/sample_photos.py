"""Landscapes generated from a seed: photo-like pictures without copyright."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

SKIES = {
    "Alps at dawn": ((64, 98, 150), (255, 190, 150), (24, 44, 52), 0.62),
    "Evening by the lake": ((52, 48, 96), (246, 140, 92), (40, 24, 48), 0.35),
    "Dunes at noon": ((70, 140, 205), (236, 226, 200), (168, 112, 56), 0.75),
    "Forest after rain": ((140, 168, 172), (222, 232, 220), (18, 58, 44), 0.5),
    "First snow": ((120, 156, 196), (244, 238, 236), (96, 116, 144), 0.25),
    "Harbour lights": ((18, 26, 52), (112, 96, 132), (8, 14, 28), 0.7),
}
"""Colours of zenith, horizon and nearest hill, and the position of the sun."""


def landscape(name: str, size: tuple[int, int] = (1800, 1200)) -> Image.Image:
    zenith, horizon, near, sun = (np.array(part, dtype=float) for part in SKIES[name])
    width, height = size
    random = np.random.default_rng(len(name))
    x, y = np.arange(width) / width, np.arange(height)[:, None] / height
    sky = np.clip(y / 0.7, 0, 1)[..., None]
    canvas = np.broadcast_to(zenith * (1 - sky) + horizon * sky, (height, width, 3)).copy()
    far = np.hypot((x - sun) * 1.5, y - 0.36)[..., None]
    canvas += 150 * np.exp(-((far / 0.07) ** 2)) + 60 * np.exp(-((far / 0.35) ** 2))
    layers = 7
    for layer in range(layers):
        depth = (layer + 1) / layers
        ridge = 0.42 + 0.5 * depth**1.6
        for octave in range(1, 8):
            ridge = ridge + 0.05 / octave**1.15 * np.sin(
                2 * np.pi * (x * octave * (1.1 + depth) + random.random())
            ) * random.uniform(0.5, 1)
        ground = horizon * (1 - depth) ** 1.2 + near * (1 - (1 - depth) ** 1.2)
        below = np.clip((y - ridge) * height / 2, 0, 1)[..., None]
        mist = 1 + 0.5 * np.exp(-np.clip(y - ridge, 0, 1) * 9)[..., None] * (1 - depth)
        canvas = canvas * (1 - below) + ground * mist * below
    canvas += random.normal(0, 5, (height, width, 1))
    return Image.fromarray(np.clip(canvas, 0, 255).astype("uint8")).filter(ImageFilter.GaussianBlur(0.6))


def photo(name: str, format: str = "JPEG", **options: Any) -> bytes:
    """Return a photo as from a camera: large, and with a GPS location."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Fuji", "X-T5"
    exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 22.0, 30.0), 3: "E", 4: (8.0, 32.0, 10.0)})
    landscape(name).save(file, format, exif=exif, **({"quality": 94} if format == "JPEG" else {}), **options)
    return file.getvalue()
