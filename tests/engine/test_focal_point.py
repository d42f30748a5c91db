"""A focal point stays as near the centre as the edges allow, whatever is done to the image before.

The images are boards of 8×8 cells, all different. The expected crop is calculated by hand and cut out by
Pillow.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pytest
from PIL import Image, ImageChops

from tests.engine.orientations import held_as
from tests.engine.rendering import codes, render

from . import samples
from .samples import is_near, opened, pixel, saved

CELLS = 8
TURNED = {
    0: None,
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
FLIPPED = {
    None: None,
    "horizontal": Image.Transpose.FLIP_LEFT_RIGHT,
    "vertical": Image.Transpose.FLIP_TOP_BOTTOM,
}
IN_CELL_3 = 3.5 / CELLS


def color(across: int, down: int) -> tuple[int, int, int]:
    return (30 * across, 30 * down, 100)


def board(width: int = 80, height: int = 80) -> Image.Image:
    cells = Image.new("RGB", (CELLS, CELLS))
    cells.putdata([color(across, down) for down in range(CELLS) for across in range(CELLS)])
    return cells.resize((width, height), Image.Resampling.NEAREST)


def filled(data: bytes, size: tuple[int, int], x: float, y: float, **recipe: Any) -> Image.Image:
    resize = {"mode": "fill", "width": size[0], "height": size[1]}
    result = render(data, resize=resize, focal_point={"x": x, "y": y}, **recipe)
    assert "focused" in codes(result)
    image = opened(result).convert("RGB")
    assert image.size == size
    return image


def is_same(image: Image.Image, other: Image.Image) -> bool:
    return image.size == other.size and ImageChops.difference(image, other).getbbox() is None


@pytest.mark.parametrize(
    ("size", "x", "y", "box"),
    [
        ((30, 80), IN_CELL_3, 0.9, (20, 0, 50, 80)),
        ((80, 30), 0.9, IN_CELL_3, (0, 20, 80, 50)),
        ((30, 80), 0, 0, (0, 0, 30, 80)),
        ((30, 80), 1, 1, (50, 0, 80, 80)),
        ((80, 30), 0.1, 0.1, (0, 0, 80, 30)),
        ((80, 30), 0.9, 0.9, (0, 50, 80, 80)),
        ((30, 80), 0.5, 0.5, (25, 0, 55, 80)),
        ((80, 80), 0.1, 0.1, (0, 0, 80, 80)),
        # 26.6 pixels from the left: crops are at whole pixels, without blurring.
        ((30, 80), 0.3325, 0.5, (12, 0, 42, 80)),
    ],
)
def test_the_point_is_in_the_middle_as_far_as_the_edges_allow(
    size: tuple[int, int], x: float, y: float, box: tuple[int, int, int, int]
) -> None:
    assert is_same(filled(saved(board(), "PNG"), size, x, y), board().crop(box))


@pytest.mark.parametrize("enlarge", [False, True])
def test_the_kept_part_is_resized(enlarge: bool) -> None:
    side = 5 if not enlarge else 20
    resize = {"mode": "fill", "width": 3 * side, "height": 8 * side, "enlarge": enlarge}
    point = {"x": IN_CELL_3, "y": 0.5}
    image = opened(render(saved(board(), "PNG"), resize=resize, focal_point=point)).convert("RGB")
    assert image.size == (3 * side, 8 * side)
    for across in range(3):
        for down in range(8):
            middle = (side * across + side // 2, side * down + side // 2)
            assert is_near(pixel(image, middle), color(across + 2, down), 3)


@pytest.mark.parametrize("rotate", TURNED)
@pytest.mark.parametrize("flip", FLIPPED)
def test_the_point_is_turned_with_the_picture(rotate: int, flip: str | None) -> None:
    box = (20, 0, 50, 80) if rotate in (0, 180) else (0, 20, 80, 50)
    wanted = board().crop(box)
    for method in (TURNED[rotate], FLIPPED[flip]):
        wanted = wanted if method is None else wanted.transpose(method)
    found = filled(saved(board(), "PNG"), (30, 80), IN_CELL_3, IN_CELL_3, rotate=rotate, flip=flip)
    assert is_same(found, wanted)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_point_is_one_of_the_upright_picture(orientation: int) -> None:
    upright = board(80, 160)
    held = held_as(upright, orientation)
    block = Image.Exif()
    block[0x0112] = orientation
    found = filled(saved(held, "PNG", exif=block.tobytes()), (30, 160), IN_CELL_3, 0)
    assert is_same(found, upright.crop((20, 0, 50, 160)))


@pytest.mark.parametrize(
    ("crop", "size", "x", "y", "box"),
    [
        ((20, 0, 60, 80), (30, 80), 4.5 / CELLS, 0.5, (30, 0, 60, 80)),
        ((20, 0, 60, 80), (30, 80), 0.05, 0.5, (20, 0, 50, 80)),
        ((0, 0, 60, 80), (30, 80), 1, 0.5, (30, 0, 60, 80)),
        ((10, 20, 60, 60), (60, 20), 0, 0, (10, 20, 70, 40)),
        ((10, 20, 60, 40), (60, 20), 0, 0.95, (10, 40, 70, 60)),
    ],
)
def test_the_point_is_where_it_was_before_a_crop(
    crop: tuple[int, int, int, int], size: tuple[int, int], x: float, y: float, box: tuple[int, int, int, int]
) -> None:
    cropped = dict(zip(("x", "y", "width", "height"), crop, strict=True))
    assert is_same(filled(saved(board(), "PNG"), size, x, y, crop=cropped), board().crop(box))


def test_a_cropped_and_turned_picture_keeps_its_point() -> None:
    crop = {"x": 0, "y": 10, "width": 80, "height": 60}
    found = filled(saved(board(), "PNG"), (30, 80), 0.5, IN_CELL_3, crop=crop, rotate=90, flip="vertical")
    turned = board().crop((0, 20, 80, 50)).transpose(Image.Transpose.ROTATE_270)
    assert is_same(found, turned.transpose(Image.Transpose.FLIP_TOP_BOTTOM))


def test_a_photo_decoded_at_a_smaller_size_keeps_its_point() -> None:
    data = saved(board(1600, 800), "JPEG", quality=95, subsampling=0)
    image = filled(data, (60, 80), 6.5 / CELLS, 0.5)
    # 600 of 1600 pixels are kept, from 1000: three cells.
    for across in range(3):
        assert is_near(pixel(image, (20 * across + 10, 45)), color(across + 5, 4), 12)


def test_every_frame_is_cropped_around_the_same_point() -> None:
    frames = [board(), board().transpose(Image.Transpose.FLIP_TOP_BOTTOM)]
    paletted = [frame.quantize(64) for frame in frames]
    data = saved(paletted[0], "GIF", save_all=True, append_images=paletted[1:], duration=100)
    resize = {"mode": "fill", "width": 30, "height": 80}
    point = {"x": IN_CELL_3, "y": 0.5}
    result = render(data, format="webp", lossless=True, resize=resize, focal_point=point)
    found = [image.convert("RGB") for image, _ in samples.frames_of(result.data)]
    assert len(found) == 2
    with Image.open(BytesIO(data)) as source:
        for number, image in enumerate(found):
            source.seek(number)
            assert is_same(image, source.convert("RGB").crop((20, 0, 50, 80)))
