"""The options of a recipe that consist of several values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .messages import gettext_noop as _
from .schema import option

Place = Literal[
    "top_left", "top", "top_right", "left", "center", "right", "bottom_left", "bottom", "bottom_right"
]
Gravity = Place | Literal["smart"]

_PLACE_LABELS = {
    "top_left": _("Top left"),
    "top": _("Top"),
    "top_right": _("Top right"),
    "left": _("Left"),
    "center": _("Centre"),
    "right": _("Right"),
    "bottom_left": _("Bottom left"),
    "bottom": _("Bottom"),
    "bottom_right": _("Bottom right"),
    "smart": _("Most interesting area (auto)"),
}

# The longest side that any format can store.
_MAX_SIDE = 65_535


@dataclass(frozen=True)
class Resize:
    """The size of the result in pixels. A missing side keeps the aspect ratio. `scale` is in percent."""

    mode: Literal["fit", "fill", "pad", "stretch"] = option(
        "fit",
        title=_("Resize mode"),
        labels={
            "fit": _("Fit inside"),
            "fill": _("Fill and crop"),
            "pad": _("Fit with padding"),
            "stretch": _("Stretch"),
        },
    )
    scale: float | None = option(
        None, title=_("Scale (%)"), hint=_("Used instead of width and height."), minimum=1, maximum=1000
    )
    width: int | None = option(
        None, title=_("Width"), hint=_("Pixels. Leave empty to keep."), minimum=1, maximum=_MAX_SIDE
    )
    height: int | None = option(None, title=_("Height"), minimum=1, maximum=_MAX_SIDE)
    enlarge: bool = option(False, title=_("Enlarge small images"))
    gravity: Gravity = option(
        "center",
        title=_("Crop from"),
        hint=_("The part to keep when filling crops, or the position of the image when padding."),
        labels=_PLACE_LABELS,
    )
    border: int = option(
        0,
        title=_("Border (%)"),
        hint=_("Free space on each side when padding. The background then lies behind the whole image."),
        minimum=0,
        maximum=45,
    )


@dataclass(frozen=True)
class Crop:
    """A rectangle in pixels of the upright source image."""

    x: int = option(title=_("Left (px)"), minimum=0, maximum=_MAX_SIDE)
    y: int = option(title=_("Top (px)"), minimum=0, maximum=_MAX_SIDE)
    width: int = option(title=_("Crop width"), minimum=1, maximum=_MAX_SIDE)
    height: int = option(title=_("Crop height"), minimum=1, maximum=_MAX_SIDE)


@dataclass(frozen=True)
class FocalPoint:
    """A point in the upright source image, as fractions of its sides from the top left."""

    x: float = option(
        title=_("Focal point from the left"), hint=_("Fraction of the width, 0–1."), minimum=0, maximum=1
    )
    y: float = option(
        title=_("Focal point from the top"), hint=_("Fraction of the height, 0–1."), minimum=0, maximum=1
    )


@dataclass(frozen=True)
class Watermark:
    """A text, or a logo: `image` is a name that the caller resolves to bytes.

    `scale` is relative to the width of the result, `margin` to its shorter side.
    """

    text: str | None = option(None, title=_("Text"), minLength=1, maxLength=200)
    image: str | None = option(None, title=_("Logo"), minLength=1, maxLength=200)
    position: Place = option("bottom_right", title=_("Position"), labels=_PLACE_LABELS)
    opacity: float = option(
        0.5, title=_("Opacity"), hint=_("0.01 (faint) to 1 (solid)."), minimum=0.01, maximum=1
    )
    tile: bool = option(False, title=_("Tile"))
    scale: float = option(
        0.2,
        title=_("Size (fraction of width)"),
        hint=_("0.01–1. 0.2 is 20% of the image width."),
        minimum=0.01,
        maximum=1,
    )
    margin: float = option(
        0.02,
        title=_("Margin (fraction of shorter side)"),
        hint=_("Space between the watermark and the edge, 0–0.4."),
        minimum=0,
        maximum=0.4,
    )
