"""What somebody wants done to an image: validated once, canonical and hashed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Literal, cast

from . import schema
from .errors import InvalidRecipe
from .formats import AUTO, FORMATS, Format, format_for
from .rules import contradictions

Place = Literal[
    "top_left", "top", "top_right", "left", "center", "right", "bottom_left", "bottom", "bottom_right"
]
Gravity = Place | Literal["smart"]
Aim = Literal["small", "balanced", "near_identical"]


@dataclass(frozen=True)
class Resize:
    """Sizes in pixels of the finished picture; a missing side follows the other."""

    mode: Literal["fit", "fill", "pad", "stretch"] = "fit"
    width: int | None = None
    height: int | None = None
    scale: float | None = None
    """In percent, instead of width and height."""
    enlarge: bool = False
    gravity: Gravity = "center"


@dataclass(frozen=True)
class Crop:
    """Pixels of the upright source picture."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Watermark:
    text: str | None = None
    image: str | None = None
    """A name that the caller resolves to the bytes of a picture."""
    position: Place = "bottom_right"
    opacity: float = 0.5
    scale: float = 0.2
    """Its width as a part of the picture's width."""
    tile: bool = False


@dataclass(frozen=True)
class Recipe:
    format: str
    quality: int | None = None
    aim: Aim | None = None
    target_bytes: int | None = None
    shrink_to_fit: bool = False
    effort: int | None = None
    lossless: bool = False
    progressive: bool = True
    resize: Resize | None = None
    crop: Crop | None = None
    rotate: Literal[0, 90, 180, 270] = 0
    flip: Literal["horizontal", "vertical"] | None = None
    background: str = "#ffffff"
    metadata: Literal["strip", "strip_location", "keep"] = "strip"
    color: Literal["srgb", "keep"] = "srgb"
    dpi: int | None = None
    frames: Literal["all", "first"] = "all"
    watermark: Watermark | None = None

    _PARTS: ClassVar[dict[str, type]] = {"resize": Resize, "crop": Crop, "watermark": Watermark}

    @classmethod
    def parse(cls, mapping: object) -> Recipe:
        """Return the recipe that this JSON value describes.

        Raises InvalidRecipe, which carries everything that is wrong with it.
        """
        errors = schema.problems(mapping, schema.RECIPE, title="A recipe")
        if isinstance(mapping, Mapping):
            errors.extend(contradictions(mapping, broken={error.pointer for error in errors}))
        if errors:
            raise InvalidRecipe(errors)
        values = dict(cast(Mapping[str, Any], mapping))
        for name, part in cls._PARTS.items():
            if values.get(name) is not None:
                values[name] = part(**values[name])
        return cls(**_tidied(values))

    @property
    def is_auto(self) -> bool:
        """Whether the format is to be chosen for each picture."""
        return self.format == AUTO

    @property
    def target(self) -> Format:
        """The format asked for; raises KeyError while it is still to be chosen."""
        return FORMATS[self.format]

    @property
    def label(self) -> str:
        return "Best format" if self.is_auto else self.target.label

    def canonical(self) -> dict[str, Any]:
        """Return the smallest mapping that parses to this recipe: no defaults, keys sorted."""
        return _without_defaults(self)

    def to_json(self) -> str:
        return json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"))

    @cached_property
    def hash(self) -> str:
        """The SHA-256 of the canonical JSON, in hex."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()


def _tidied(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with one spelling for what means the same, so that equal recipes hash equally."""
    if "background" in values:
        values["background"] = _long_color(values["background"].lower())
    if values["format"] == AUTO:
        values.pop("progressive", None)
        return values
    target = format_for(values["format"])
    values["format"] = target.name
    if not target.lossless_is_a_choice:
        values.pop("lossless", None)
    if not target.progressive:
        values.pop("progressive", None)
    return values


def _long_color(color: str) -> str:
    return "#" + "".join(digit * 2 for digit in color[1:]) if len(color) == 4 else color


def _without_defaults(part: Recipe | Resize | Crop | Watermark) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for field in sorted(fields(part), key=lambda field: field.name):
        value = getattr(part, field.name)
        if field.default is not MISSING and value == field.default:
            continue
        if isinstance(value, Resize | Crop | Watermark):
            value = _without_defaults(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        kept[field.name] = value
    return kept
