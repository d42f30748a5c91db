"""Arithmetic on sizes and boxes, with all rounding in one place."""

from __future__ import annotations

from dataclasses import dataclass

from converter.engine.recipe_parts import Gravity, Resize

Box = tuple[float, float, float, float]
Size = tuple[int, int]
Point = tuple[float, float]


@dataclass(frozen=True)
class Layout:
    """Resize `box` of the picture to `size` and place it at `offset` on a `canvas`, all in pixels."""

    box: Box
    size: Size
    canvas: Size
    offset: Size = (0, 0)
    refused_to_enlarge: bool = False


def layout(resize: Resize, width: int, height: int, focus: Point | None = None) -> Layout:
    """Return the layout for a picture of this size; "fill" keeps `focus`, in its pixels, near the middle.

    >>> layout(Resize(mode="fill", width=300, height=50), 200, 100).size
    (200, 50)
    """
    if resize.scale is not None:
        size = (rounded(width * resize.scale / 100), rounded(height * resize.scale / 100))
        return Layout((0, 0, width, height), size, size)
    wanted = (
        resize.width or rounded(width * (resize.height or 1) / height),
        resize.height or rounded(height * (resize.width or 1) / width),
    )
    room = _inside(wanted, resize.border) if resize.mode == "pad" else wanted
    # A side that is not given takes the exact scale of the other, not that of its rounded length.
    across = room[0] / width if resize.width else room[1] / height
    down = room[1] / height if resize.height else across
    scale = max(across, down) if resize.mode == "fill" else min(across, down)
    refused = not resize.enlarge and (max(across, down) if resize.mode == "stretch" else scale) > 1
    if not resize.enlarge:
        across, down, scale = min(across, 1), min(down, 1), min(scale, 1)
    whole = (0, 0, width, height)
    match resize.mode:
        case "stretch":
            size = (rounded(width * across), rounded(height * down))
            return Layout(whole, size, size, refused_to_enlarge=refused)
        case "fill":
            size = (min(wanted[0], rounded(width * scale)), min(wanted[1], rounded(height * scale)))
            kept = (min(width, size[0] / scale), min(height, size[1] / scale))
            if focus:
                left, top = centred(kept, (width, height), focus)
            else:
                left, top = placed(kept, (width, height), resize.gravity)
            box = (left, top, left + kept[0], top + kept[1])
            return Layout(box, size, size, refused_to_enlarge=refused)
        case "pad":
            size = (rounded(width * scale), rounded(height * scale))
            return Layout(whole, size, wanted, padded_spot(size, wanted, resize), refused)
        case _:
            size = (rounded(width * scale), rounded(height * scale))
            return Layout(whole, size, size, refused_to_enlarge=refused)


def padded_spot(inner: Size, canvas: Size, resize: Resize) -> Size:
    """Return the left and top of a picture on its canvas, within the border."""
    room = _inside(canvas, resize.border)
    left, top = placed(inner, room, resize.gravity)
    return int((canvas[0] - room[0]) / 2 + left), int((canvas[1] - room[1]) / 2 + top)


def _inside(canvas: Size, border: int) -> tuple[float, float]:
    """Return the width and height inside a border, given in percent of each side length."""
    return canvas[0] * (100 - 2 * border) / 100, canvas[1] * (100 - 2 * border) / 100


def placed(inner: tuple[float, float], outer: tuple[float, float], place: Gravity) -> tuple[float, float]:
    """Return the left and top of `inner` in `outer`; "smart" counts as centred."""
    words = place.split("_")
    left, top = (outer[0] - inner[0]) / 2, (outer[1] - inner[1]) / 2
    if "left" in words:
        left = 0
    if "right" in words:
        left = outer[0] - inner[0]
    if "top" in words:
        top = 0
    if "bottom" in words:
        top = outer[1] - inner[1]
    return left, top


def centred(inner: Point, outer: Point, focus: Point) -> Point:
    """Return the left and top of `inner` in `outer` that bring its middle nearest to a point of `outer`.

    They are whole pixels where possible, so that cropping alone does not resample.
    """

    def start(length: float, whole: float, at: float) -> float:
        return max(0.0, min(float(int(at - length / 2 + 0.5)), whole - length))

    return start(inner[0], outer[0], focus[0]), start(inner[1], outer[1], focus[1])


def turned_point(point: Point, size: Point, orientation: int) -> Point:
    """Return the position of a point after a picture of this size is turned upright."""
    return turned_box((*point, *point), size, orientation)[:2]


def rounded(length: float) -> int:
    """Return the length in whole pixels, rounded half up, at least 1."""
    return max(1, int(length + 0.5))


def turned_box(box: Box, size: tuple[float, float], orientation: int) -> Box:
    """Return the position of a box after a picture of this size is turned upright (EXIF orientation)."""
    left, top, right, bottom = box
    width, height = size
    match orientation:
        case 2:
            return (width - right, top, width - left, bottom)
        case 3:
            return (width - right, height - bottom, width - left, height - top)
        case 4:
            return (left, height - bottom, right, height - top)
        case 5:
            return (top, left, bottom, right)
        case 6:
            return (height - bottom, left, height - top, right)
        case 7:
            return (height - bottom, width - right, height - top, width - left)
        case 8:
            return (top, width - right, bottom, width - left)
        case _:
            return box
