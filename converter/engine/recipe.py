"""Recipes: the options of a conversion, validated, with a canonical form and a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Literal

from .errors import InvalidRecipe, NoSuchPage
from .formats import AUTO, FORMATS, Format, format_for
from .messages import gettext_noop as _
from .recipe_parts import Crop, FocalPoint, Resize, Watermark
from .rules import contradictions
from .schema import option, problems, schema_of, with_integers
from .selection import LONGEST, PATTERN, selected, tidied

Aim = Literal["small", "balanced", "near_identical"]

# In millimetres. The narrowest paper, A4, is 210 mm wide.
_MAX_MARGIN = 100


@dataclass(frozen=True)
class Recipe:
    format: str = option(title=_("Format"))
    quality: int | None = option(
        None,
        title=_("Quality"),
        hint=_("1–100. Leave empty for automatic."),
        fits=lambda format: format.quality,
        minimum=1,
        maximum=100,
    )
    aim: Aim | None = option(
        None,
        title=_("Quality mode"),
        hint=_("Adjusted for each image."),
        labels={
            None: _("Fixed"),
            "small": _("Small file"),
            "balanced": _("Balanced"),
            "near_identical": _("Visually lossless"),
        },
        fits=lambda format: format.quality,
    )
    target_bytes: int | None = option(
        None,
        title=_("Maximum size"),
        hint=_("Best quality that fits this size."),
        fits=lambda format: format.quality,
        minimum=100,
        maximum=1_000_000_000,
    )
    shrink_to_fit: bool = option(
        False,
        title=_("Reduce dimensions if needed"),
        hint=_("If lower quality alone is not enough."),
        fits=lambda format: format.quality,
    )
    effort: int | None = option(
        None,
        title=_("Effort"),
        hint=_("1 is fastest, 9 makes the smallest file."),
        fits=lambda format: format.default_effort,
        minimum=1,
        maximum=9,
    )
    lossless: bool = option(
        False,
        title=_("Lossless"),
        hint=_("Keeps every pixel. Larger files for photos, smaller for graphics."),
        fits=lambda format: format.lossless_is_a_choice,
    )
    progressive: bool = option(
        True,
        title=_("Progressive"),
        hint=_("Shows a rough preview while loading."),
        fits=lambda format: format.progressive,
    )
    resize: Resize | None = option(None, title=_("Size"))
    crop: Crop | None = option(
        None, title=_("Crop"), hint=_("In pixels of the upright image, before resizing.")
    )
    focal_point: FocalPoint | None = option(
        None,
        title=_("Focal point"),
        hint=_(
            "The point of the upright image that stays as close to the centre as possible when filling crops."
        ),
    )
    rotate: Literal[0, 90, 180, 270] = option(
        0,
        title=_("Rotate"),
        labels={0: _("No rotation"), 90: _("90° clockwise"), 180: _("180°"), 270: _("90° anticlockwise")},
    )
    flip: Literal["horizontal", "vertical"] | None = option(
        None,
        title=_("Flip"),
        labels={None: _("No flipping"), "horizontal": _("Horizontal"), "vertical": _("Vertical")},
    )
    background: str = option(
        "#ffffff",
        title=_("Background"),
        hint=_("Fills transparent areas and padding: #ffffff or transparent."),
        pattern="^(#[0-9a-fA-F]{3}|#[0-9a-fA-F]{6}|transparent)$",
    )
    metadata: Literal["strip", "strip_location", "keep"] = option(
        "strip",
        title=_("Metadata"),
        hint=_("Camera, date and location stored in the file."),
        labels={"strip": _("Remove all"), "strip_location": _("Remove location only"), "keep": _("Keep all")},
    )
    color: Literal["srgb", "keep"] = option(
        "srgb",
        title=_("Colour profile"),
        hint=_("sRGB looks right on every screen."),
        labels={"srgb": _("Convert to sRGB"), "keep": _("Keep original")},
    )
    hdr: Literal["keep", "sdr"] = option(
        "keep",
        title=_("HDR"),
        hint=_("The brighter version inside HDR photos."),
        labels={"keep": _("Keep where possible"), "sdr": _("Remove")},
    )
    depth: Literal["keep", 8] = option(
        "keep",
        title=_("Bits per channel"),
        hint=_("16-bit sources stay 16-bit in lossless results."),
        labels={"keep": _("Keep where possible"), 8: _("8 bits")},
        fits=lambda format: format.deep,
    )
    dpi: int | None = option(
        None,
        title=_("Resolution (dpi)"),
        hint=_("300 for print. Leave empty to keep. On A4 and US Letter, this is the maximum."),
        fits=lambda format: format.says_dpi,
        minimum=2,
        maximum=9600,
    )
    page: Literal["a4", "letter"] | None = option(
        None,
        title=_("Paper size"),
        hint=_("Each image fills a page."),
        labels={None: _("Same as the image"), "a4": _("A4"), "letter": _("US Letter")},
        fits=lambda format: format.paper,
    )
    orientation: Literal["auto", "portrait", "landscape", "turned"] = option(
        "auto",
        title=_("Page orientation"),
        labels={
            "auto": _("Same as each image"),
            "portrait": _("Portrait"),
            "landscape": _("Landscape"),
            "turned": _("Portrait, wide images rotated"),
        },
        fits=lambda format: format.paper,
    )
    margin: int = option(
        0, title=_("Margin (mm)"), fits=lambda format: format.paper, minimum=0, maximum=_MAX_MARGIN
    )
    pages: str | None = option(
        None,
        title=_("Pages or frames"),
        hint=_("Such as 1-3,7. Leave empty for all."),
        pattern=PATTERN,
        maxLength=LONGEST,
    )
    frames: Literal["all", "first", "each"] = option(
        "all",
        title=_("Animation and pages"),
        labels={
            "all": _("Keep where possible"),
            "first": _("First only"),
            "each": _("Each as a file"),
        },
    )
    watermark: Watermark | None = option(None, title=_("Watermark"))

    _PARTS: ClassVar[dict[str, type]] = {
        "resize": Resize,
        "crop": Crop,
        "focal_point": FocalPoint,
        "watermark": Watermark,
    }

    @classmethod
    def parse(cls, mapping: object) -> Recipe:
        """Return the recipe in this JSON value. Raises InvalidRecipe with all of its problems."""
        value = with_integers(mapping, RECIPE_SCHEMA)
        errors = problems(value, RECIPE_SCHEMA, title="A recipe")
        if isinstance(value, Mapping):
            errors.extend(contradictions(value, broken={error.pointer for error in errors}))
        if errors:
            raise InvalidRecipe(errors)
        values: dict[str, Any] = dict(value)
        for name, part in cls._PARTS.items():
            if values.get(name) is not None:
                values[name] = part(**values[name])
        return cls(**_tidied(values))

    @property
    def is_auto(self) -> bool:
        """Whether the format is chosen for each image."""
        return self.format == AUTO

    @property
    def keeps_depth(self) -> bool:
        """Whether the result has 16 bits per channel if the source has more than eight."""
        if self.is_auto or self.depth != "keep" or self.watermark:
            return False
        return bool(self.target.deep) and (self.lossless or not self.target.lossless_is_a_choice)

    @property
    def target(self) -> Format:
        """The format of the result. Raises KeyError if the format is `auto`."""
        return FORMATS[self.format]

    def picked(self, count: int) -> list[int]:
        """Return the indices of the pages selected from a file with `count` pages. Raises NoSuchPage."""
        picked = selected(self.pages, count)
        if not picked:
            raise NoSuchPage(pages=self.pages, count=count)
        return picked[:1] if self.frames == "first" else picked

    def each(self, count: int) -> list[Recipe]:
        """Return a recipe for each selected page or frame of a file with `count` pages. Raises NoSuchPage."""
        picked = self.picked(count)
        if count == 1:
            return [replace(self, frames="all", pages=None)]
        return [replace(self, frames="all", pages=str(number + 1)) for number in picked]

    @property
    def page_alone(self) -> int | None:
        """The number of the page or frame, if it selects only one."""
        return int(self.pages) if self.pages and self.pages.isdecimal() else None

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


RECIPE_SCHEMA = schema_of(Recipe)


def _tidied(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values in a normal form, so that equivalent recipes have equal hashes."""
    if "background" in values:
        values["background"] = _long_color(values["background"].lower())
    if values.get("pages"):
        values["pages"] = tidied(values["pages"])
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


def _without_defaults(part: Recipe | Resize | Crop | FocalPoint | Watermark) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for field in sorted(fields(part), key=lambda field: field.name):
        value = getattr(part, field.name)
        if field.default is not MISSING and value == field.default:
            continue
        if isinstance(value, Resize | Crop | FocalPoint | Watermark):
            value = _without_defaults(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        kept[field.name] = value
    return kept
