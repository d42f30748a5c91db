"""What somebody wants done to an image: validated once, canonical, hashed, and sayable in plain words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeVar, cast

from . import schema
from .errors import InvalidRecipe, Problem
from .formats import AUTO, FORMATS, Format, format_for

Place = Literal[
    "top_left", "top", "top_right", "left", "center", "right", "bottom_left", "bottom", "bottom_right"
]
Gravity = Place | Literal["smart"]
Aim = Literal["small", "balanced", "near_identical"]

T = TypeVar("T")


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
            errors.extend(_contradictions(mapping, broken={error["pointer"] for error in errors}))
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

    def sentence(self) -> str:
        """Return the recipe in plain words, such as "WebP, quality 80, fit in 1600×1600, location removed"."""
        return ", ".join(self.words())

    def words(self) -> list[str]:
        """Return the pieces of the sentence."""
        return _words(self)


def _contradictions(mapping: Mapping[str, Any], broken: set[str]) -> list[Problem]:
    """Return what the schema cannot see: options that make no sense together."""
    found: list[Problem] = []

    def refuse(pointer: str, detail: str) -> None:
        found.append({"pointer": pointer, "detail": detail})

    def given(name: str, kind: type[T]) -> T | None:
        value = mapping.get(name)
        return value if isinstance(value, kind) and f"/{name}" not in broken else None

    name = given("format", str)
    target = None
    if name is not None and name != AUTO:
        try:
            target = format_for(name)
        except KeyError:
            choices = ", ".join(format.name for format in FORMATS.values() if format.encodes)
            refuse("/format", f"Format must be one of {choices}, auto.")
    if target is not None and not target.encodes:
        refuse("/format", f"{target.label} can be read but not written. Choose JPEG, WebP or AVIF instead.")
        target = None

    lossless = given("lossless", bool)
    asked = [option for option in ("quality", "aim", "target_bytes") if mapping.get(option) is not None]
    for option in asked[1:]:
        refuse(f"/{option}", "Choose one of quality, aim and target bytes, not several.")
    if mapping.get("shrink_to_fit") is True and mapping.get("target_bytes") is None:
        refuse("/shrink_to_fit", "Shrink to fit needs target bytes to fit in.")
    for option in asked if lossless else ():
        refuse(
            f"/{option}",
            f"Lossless keeps every pixel, so it has no {_TITLES[option]}. Leave one of the two out.",
        )
    if name == AUTO and given("quality", int) is not None:
        refuse(
            "/quality", "The same quality means different things in different formats. Choose an aim instead."
        )
    if target is not None:
        for option in asked if not target.quality else ():
            refuse(
                f"/{option}",
                f"{target.label} has no quality to choose. Leave {_TITLES[option]} out, or choose JPEG, WebP or AVIF.",
            )
        if given("effort", int) is not None and not target.default_effort:
            refuse(
                "/effort",
                f"{target.label} has no effort to choose. Leave it out, or choose WebP, AVIF or PNG.",
            )
        if given("dpi", int) is not None and not target.says_dpi:
            refuse(
                "/dpi",
                f"{target.label} cannot say a resolution. Leave it out, or choose JPEG, PNG, TIFF or PDF.",
            )
        if lossless and not target.lossless:
            refuse("/lossless", f"{target.label} cannot be lossless. Choose PNG, WebP or TIFF.")
        if given("background", str) == "transparent" and not target.alpha:
            refuse(
                "/background", f"{target.label} cannot be transparent. Choose a colour, or PNG, WebP or AVIF."
            )

    resize = mapping.get("resize")
    if isinstance(resize, Mapping):
        found.extend(_resize_contradictions(resize))
    watermark = mapping.get("watermark")
    if (
        isinstance(watermark, Mapping)
        and sum(watermark.get(kind) is not None for kind in ("text", "image")) != 1
    ):
        refuse("/watermark", "A watermark needs either a text or a picture, and not both.")
    return found


def _resize_contradictions(resize: Mapping[str, Any]) -> list[Problem]:
    found: list[Problem] = []
    scale = resize.get("scale")
    sides = [side for side in ("width", "height") if resize.get(side) is not None]
    if scale is None and not sides:
        found.append({"pointer": "/resize", "detail": "Resize needs a width, a height, both, or a scale."})
    if scale is not None and sides:
        found.append({"pointer": "/resize/scale", "detail": "Choose a scale or a size, not both."})
    if scale is not None and resize.get("mode", "fit") != "fit":
        found.append({"pointer": "/resize/mode", "detail": "A scale keeps the shape, so it needs no mode."})
    if isinstance(scale, int | float) and scale > 100 and not resize.get("enlarge"):
        found.append(
            {"pointer": "/resize/scale", "detail": "More than 100 percent enlarges. Turn enlarge on too."}
        )
    if resize.get("gravity") == "smart" and resize.get("mode", "fit") != "fill":
        found.append(
            {
                "pointer": "/resize/gravity",
                "detail": "Smart chooses what to keep when filling. Set mode to fill.",
            }
        )
    return found


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


_TITLES = {"quality": "quality", "aim": "aim", "target_bytes": "target bytes"}
_RESIZE_WORDS = {"fit": "fit in", "fill": "fill", "pad": "pad to", "stretch": "stretch to"}
_AIM_WORDS = {"small": "as small as looks fine", "balanced": "balanced", "near_identical": "looks the same"}
_METADATA_WORDS = {
    "strip": "metadata removed",
    "strip_location": "location removed",
    "keep": "metadata kept",
}


def _words(recipe: Recipe) -> list[str]:
    words = [recipe.label]
    if recipe.lossless:
        words.append("lossless")
    if recipe.quality is not None:
        words.append(f"quality {recipe.quality}")
    if recipe.aim is not None:
        words.append(_AIM_WORDS[recipe.aim])
    if recipe.target_bytes is not None:
        smaller = " (smaller picture if needed)" if recipe.shrink_to_fit else ""
        words.append(f"at most {recipe.target_bytes:,} bytes{smaller}")
    if recipe.effort is not None:
        words.append(f"effort {recipe.effort}")
    if not recipe.progressive:
        words.append("not progressive")
    if recipe.crop:
        crop = recipe.crop
        words.append(f"cropped to {crop.width}×{crop.height} at {crop.x},{crop.y}")
    if recipe.rotate:
        words.append(f"rotated {recipe.rotate}°")
    if recipe.flip:
        words.append(f"flipped {'left to right' if recipe.flip == 'horizontal' else 'top to bottom'}")
    if recipe.resize:
        words.append(_resize_words(recipe.resize))
    if recipe.background != "#ffffff":
        words.append(f"background {recipe.background}")
    if recipe.watermark:
        mark = recipe.watermark
        what = f"watermark “{mark.text}”" if mark.text else "watermark picture"
        words.append(f"{what} all over" if mark.tile else what)
    if recipe.color == "keep":
        words.append("colour profile kept")
    if recipe.dpi:
        words.append(f"{recipe.dpi} dpi")
    if recipe.frames == "first":
        words.append("first frame only")
    words.append(_METADATA_WORDS[recipe.metadata])
    return words


def _resize_words(resize: Resize) -> str:
    if resize.scale:
        return f"scaled to {resize.scale:g} percent"
    if resize.width and resize.height:
        size = f"{resize.width}×{resize.height}"
    elif resize.width:
        size = f"{resize.width} wide"
    else:
        size = f"{resize.height} high"
    larger = ", enlarged if needed" if resize.enlarge else ""
    return f"{_RESIZE_WORDS[resize.mode]} {size}{larger}"
