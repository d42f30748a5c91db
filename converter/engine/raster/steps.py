"""The steps of the pipeline: small functions that take a frame and return a new one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from PIL import Image, ImageColor

from converter.engine.errors import InvalidRecipe, Problem
from converter.engine.limits import Limits
from converter.engine.messages import Message
from converter.engine.recipe import Recipe
from converter.engine.report import Log

from . import density, octets
from .focus import focused
from .geometry import Box, Layout, Point, Size, layout, padded_spot, rounded, turned_box, turned_point
from .orientation import TURNS
from .resample import resampled

_ROTATIONS = {90: 6, 180: 3, 270: 8}
_FLIPS = {"horizontal": 2, "vertical": 4}


@dataclass(frozen=True)
class Frame:
    """A picture that represents `width`×`height` source pixels; `image` may hold fewer.

    `box` is the valid part of `image`; a decoder that shrinks may leave partial pixels outside it. `low`
    holds the lower bytes of 16-bit samples, and `image` the higher ones (see `octets`). `focus` is the
    recipe's focal point, in source pixels.
    """

    image: Image.Image
    box: Box
    width: int
    height: int
    duration: int = 0
    low: Image.Image | None = None
    focus: Point | None = None

    @classmethod
    def whole(cls, image: Image.Image, duration: int = 0, low: Image.Image | None = None) -> Frame:
        return cls(image, (0, 0, image.width, image.height), image.width, image.height, duration, low)

    @property
    def has_alpha(self) -> bool:
        return self.image.mode in ("LA", "RGBA")


@dataclass(frozen=True)
class RenderContext:
    """What a step needs besides the frame."""

    recipe: Recipe
    limits: Limits
    log: Log
    images: Mapping[str, bytes] = field(default_factory=dict)
    dpi: density.Density | None = None
    """The resolution of the finished picture, if known."""
    overlays: dict[Size, Image.Image] = field(default_factory=dict)
    focus: dict[Size, tuple[float, float]] = field(default_factory=dict)

    @cached_property
    def background(self) -> tuple[int, int, int, int]:
        if self.recipe.background == "transparent":
            return (0, 0, 0, 0)
        red, green, blue = ImageColor.getrgb(self.recipe.background)[:3]
        return (red, green, blue, 255)


def upright(frame: Frame, orientation: int) -> Frame:
    """Turn the picture upright according to its EXIF orientation."""
    if orientation not in TURNS:
        return frame
    width, height = frame.width, frame.height
    if orientation >= 5:
        width, height = height, width
    return replace(
        frame,
        image=frame.image.transpose(TURNS[orientation]),
        low=frame.low and frame.low.transpose(TURNS[orientation]),
        box=turned_box(frame.box, frame.image.size, orientation),
        width=width,
        height=height,
        focus=frame.focus and turned_point(frame.focus, (frame.width, frame.height), orientation),
    )


def focus(frame: Frame, context: RenderContext) -> Frame:
    """Set the frame's focal point, which later crops and turns keep up to date."""
    point = context.recipe.focal_point
    return replace(frame, focus=(point.x * frame.width, point.y * frame.height)) if point else frame


def crop(frame: Frame, context: RenderContext) -> Frame:
    wanted = context.recipe.crop
    if wanted is None:
        return frame
    if wanted.x + wanted.width > frame.width or wanted.y + wanted.height > frame.height:
        size = {"width": frame.width, "height": frame.height}
        raise InvalidRecipe([Problem("/crop", Message("crop_outside", size))])
    box = (wanted.x, wanted.y, wanted.x + wanted.width, wanted.y + wanted.height)
    context.log.note("cropped", width=wanted.width, height=wanted.height)
    point = None
    if frame.focus:
        across, down = frame.focus[0] - wanted.x, frame.focus[1] - wanted.y
        # A point outside the crop counts as the nearest one inside.
        point = (min(max(across, 0), wanted.width), min(max(down, 0), wanted.height))
    return replace(frame, box=_within(frame, box), width=wanted.width, height=wanted.height, focus=point)


def turn(frame: Frame, context: RenderContext) -> Frame:
    if context.recipe.rotate:
        frame = upright(frame, _ROTATIONS[context.recipe.rotate])
        context.log.note("rotated", degrees=context.recipe.rotate)
    if context.recipe.flip:
        frame = upright(frame, _FLIPS[context.recipe.flip])
        context.log.note("flipped", kind=context.recipe.flip)
    return frame


def resize(frame: Frame, context: RenderContext) -> Frame:
    """Resize the frame to its final size; from here on `box` is all of `image`."""
    plan = planned(context.recipe, frame.width, frame.height, frame.focus)
    context.limits.check_output(*plan.canvas)
    if plan.refused_to_enlarge:
        context.log.note("not_enlarged", width=frame.width, height=frame.height)
    if plan.size != (frame.width, frame.height):
        width, height = plan.size
        context.log.note(
            "resized", from_width=frame.width, from_height=frame.height, width=width, height=height
        )
    box = _within(frame, plan.box)
    if context.recipe.resize is not None and context.recipe.resize.gravity == "smart":
        box = _focused(frame, box, context)
    if frame.focus:
        context.log.note("focused", kind="point")
    return _resampled(frame, box, plan.size)


def _focused(frame: Frame, box: Box, context: RenderContext) -> Box:
    """Move the box to the part with the most detail; all frames of an animation follow the first."""
    width, height = box[2] - box[0], box[3] - box[1]
    if frame.image.size not in context.focus:
        context.focus[frame.image.size] = focused(frame.image, frame.box, (width, height))
        context.log.note("focused")
    across, down = context.focus[frame.image.size]
    left, top = frame.box[0] + across, frame.box[1] + down
    return (left, top, left + width, top + height)


def shrink_for_format(frame: Frame, context: RenderContext) -> Frame:
    """Shrink the picture to the format's maximum size, for formats of small pictures such as icons."""
    side = context.recipe.target.max_side
    if not context.recipe.target.shrinks_to_max_side or max(frame.width, frame.height) <= side:
        return frame
    scale = side / max(frame.width, frame.height)
    size = (rounded(frame.width * scale), rounded(frame.height * scale))
    context.log.note("shrunk_for_format", side=side, format=context.recipe.target.label)
    return _resampled(frame, frame.box, size)


def pad(frame: Frame, context: RenderContext) -> Frame:
    wanted = context.recipe.resize
    if wanted is None or wanted.mode != "pad":
        return frame
    canvas = (
        wanted.width or rounded(frame.width * (wanted.height or 1) / frame.height),
        wanted.height or rounded(frame.height * (wanted.width or 1) / frame.width),
    )
    if canvas == frame.image.size:
        return frame
    red, green, blue, alpha = context.background
    keeps_alpha = context.recipe.target.alpha and (alpha < 255 or (frame.has_alpha and not wanted.border))
    mode = "RGBA" if keeps_alpha else "RGB"
    spot = padded_spot(frame.image.size, canvas, wanted)

    def padded(image: Image.Image) -> Image.Image:
        base = Image.new(mode, canvas, (red, green, blue, alpha)[: len(mode)])
        base.paste(image.convert(mode), spot)
        return base

    image = frame.image if keeps_alpha else _flattened(frame.image, context.background)
    context.log.note("padded", width=canvas[0], height=canvas[1], background=context.recipe.background)
    # Both bytes of a background sample are equal: 8 bits become 16 when multiplied by 257.
    return Frame.whole(padded(image), frame.duration, frame.low and padded(frame.low))


def flatten(frame: Frame, context: RenderContext) -> Frame:
    """Composite the picture onto the background if the format has no transparency."""
    if not frame.has_alpha or context.recipe.target.alpha:
        return frame
    context.log.note("alpha_flattened", background=context.recipe.background)
    return replace(frame, image=_flattened(frame.image, context.background))


def page(frame: Frame, context: RenderContext) -> Frame:
    """Centre the picture on its page: paper filled up to the margin, or the picture's size plus margin."""
    recipe, image = context.recipe, frame.image
    if recipe.page is None and not recipe.margin:
        return frame
    if recipe.page is None:
        across, down = density.margins(context.dpi, recipe)
        canvas = (image.width + 2 * across, image.height + 2 * down)
    else:
        image, canvas = _on_paper(image, context)
        context.log.note("page_filled", kind=recipe.page)
    if recipe.margin:
        context.log.note("margin_added", margin=recipe.margin)
    context.limits.check_output(*canvas)
    color = context.background[:3] if context.background[3] else (255, 255, 255)
    is_gray = image.mode == "L" and len(set(color)) == 1
    base = Image.new("L", canvas, color[0]) if is_gray else Image.new("RGB", canvas, color)
    spot = ((canvas[0] - image.width) // 2, (canvas[1] - image.height) // 2)
    base.paste(image.convert(base.mode), spot)
    return Frame.whole(base, frame.duration)


def _on_paper(image: Image.Image, context: RenderContext) -> tuple[Image.Image, Size]:
    """Return the picture fitted to the recipe's paper, and the page size in pixels."""
    recipe = context.recipe
    if recipe.orientation == "turned" and image.width > image.height:
        image = image.transpose(Image.Transpose.ROTATE_90)
        context.log.note("turned_to_fit")
    sides, within = density.sheet(recipe, image.size)
    dense = max(image.width / within[0], image.height / within[1])
    # Resampling would turn black and white into grey, several times as large as one bit per pixel.
    if recipe.dpi and dense > recipe.dpi and not _is_bilevel(image):
        size = (rounded(image.width * recipe.dpi / dense), rounded(image.height * recipe.dpi / dense))
        image, dense = _resampled(Frame.whole(image), (0, 0, *image.size), size).image, recipe.dpi
        context.log.note("reduced_on_page", dpi=recipe.dpi)
    canvas = (max(image.width, round(sides[0] * dense)), max(image.height, round(sides[1] * dense)))
    return image, canvas


def _is_bilevel(image: Image.Image) -> bool:
    return image.mode == "L" and not any(image.histogram()[1:255])


def planned(recipe: Recipe, width: int, height: int, focus: Point | None = None) -> Layout:
    """Return the layout for a frame of this size with this focal point."""
    if recipe.resize is None:
        return Layout((0, 0, width, height), (width, height), (width, height))
    return layout(recipe.resize, width, height, focus)


# The companion's maximum share of the picture's sides, as on phones; at full size a gain map would take a
# third more bytes.
_MOST_OF_COMPANION = 0.25


def following(
    companion: Image.Image, size: Size, orientation: int, recipe: Recipe, limits: Limits
) -> Image.Image:
    """Return a picture's companion, such as a gain map, reduced, and cropped and turned like the picture."""
    context = RenderContext(recipe, limits, Log())
    frame = Frame(companion, (0, 0, *companion.size), *size)
    frame = focus(upright(frame, orientation), context)
    frame = turn(crop(frame, context), context)
    plan = planned(recipe, frame.width, frame.height, frame.focus)
    left, top, right, bottom = _within(frame, plan.box)
    box = (max(0.0, left), max(0.0, top), min(right, frame.image.width), min(bottom, frame.image.height))
    smaller = (
        rounded(min(plan.size[0] * _MOST_OF_COMPANION, box[2] - box[0])),
        rounded(min(plan.size[1] * _MOST_OF_COMPANION, box[3] - box[1])),
    )
    # Lanczos would overshoot at edges, making parts of the picture brighter than anything in the scene.
    return frame.image.resize(smaller, Image.Resampling.BILINEAR, box=box)


def needed_scale(recipe: Recipe, width: int, height: int) -> float:
    """Return the share of the source's resolution that the recipe needs, 1 for all of it."""
    if recipe.resize is None and not recipe.target.shrinks_to_max_side:
        return 1
    if recipe.crop is not None:
        width, height = min(width, recipe.crop.width), min(height, recipe.crop.height)
    if recipe.rotate in (90, 270):
        width, height = height, width
    plan = planned(recipe, width, height)
    left, top, right, bottom = plan.box
    scale = max(plan.size[0] / (right - left), plan.size[1] / (bottom - top))
    if recipe.target.shrinks_to_max_side:
        scale *= min(1, recipe.target.max_side / max(plan.size))
    return min(1, scale)


def _within(frame: Frame, box: Box) -> Box:
    """Convert a box from source pixels to the pixels of the frame's image."""
    left, top, right, bottom = frame.box
    across, down = (right - left) / frame.width, (bottom - top) / frame.height
    return (left + box[0] * across, top + box[1] * down, left + box[2] * across, top + box[3] * down)


def _resampled(frame: Frame, box: Box, size: Size) -> Frame:
    image, low = frame.image, frame.low
    left, top, right, bottom = box
    if (right - left, bottom - top) == size and left == int(left) and top == int(top):
        if size != image.size:
            whole = (int(left), int(top), int(right), int(bottom))
            image, low = image.crop(whole), low and low.crop(whole)
    elif low:
        image, low = octets.resampled(image, low, box, size)
    else:
        image = resampled(image, box, size)
    return Frame.whole(image, frame.duration, low)


def _flattened(image: Image.Image, background: tuple[int, int, int, int]) -> Image.Image:
    if image.mode not in ("LA", "RGBA"):
        return image
    opaque = (*background[:3], 255) if background[3] else (255, 255, 255, 255)
    flat = Image.new("RGB", image.size, opaque[:3])
    flat.paste(image.convert("RGB"), mask=image.getchannel("A"))
    gray_background = len(set(opaque[:3])) == 1
    return flat.convert("L") if image.mode == "LA" and gray_background else flat
