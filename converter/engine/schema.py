"""The recipe's shape as JSON schema: the single source for validation, the API reference and the HTML form."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any

from .errors import Problem
from .messages import Message

MAX_SIDE = 65_535

PLACES = (
    "top_left",
    "top",
    "top_right",
    "left",
    "center",
    "right",
    "bottom_left",
    "bottom",
    "bottom_right",
)

AIMS = ("small", "balanced", "near_identical")

# Ways to choose lossy quality other than by number.
QUALITY_SEARCHES = ("aim", "target_bytes", "shrink_to_fit")

_SIDE = {"type": ["integer", "null"], "minimum": 1, "maximum": MAX_SIDE, "default": None}

RECIPE: dict[str, Any] = {
    "type": "object",
    "required": ["format"],
    "additionalProperties": False,
    "properties": {
        "format": {"type": "string", "title": "Format"},
        "quality": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": 100,
            "default": None,
            "title": "Quality",
            "description": "Higher looks better but makes larger files.",
        },
        "aim": {
            "type": ["string", "null"],
            "enum": [None, *AIMS],
            "default": None,
            "title": "Aim",
            "description": "Uses the lowest quality that still looks this good, measured for each image.",
        },
        "target_bytes": {
            "type": ["integer", "null"],
            "minimum": 100,
            "maximum": 1_000_000_000,
            "default": None,
            "title": "Target bytes",
            "description": "Maximum size of the result in bytes. Uses the best quality that fits.",
        },
        "shrink_to_fit": {
            "type": "boolean",
            "default": False,
            "title": "Shrink to fit",
            "description": "Reduce the dimensions if no quality fits the target bytes.",
        },
        "effort": {
            "type": ["integer", "null"],
            "minimum": 1,
            "maximum": 9,
            "default": None,
            "title": "Effort",
            "description": "1 is fastest, 9 makes the smallest file.",
        },
        "lossless": {
            "type": "boolean",
            "default": False,
            "title": "Lossless",
            "description": "Keeps every pixel exactly. Larger files for photos, smaller for graphics.",
        },
        "progressive": {
            "type": "boolean",
            "default": True,
            "title": "Progressive",
            "description": "Shows a rough preview while loading.",
        },
        "resize": {
            "type": ["object", "null"],
            "default": None,
            "additionalProperties": False,
            "title": "Resize",
            "properties": {
                "mode": {
                    "type": "string",
                    "enum": ["fit", "fill", "pad", "stretch"],
                    "default": "fit",
                    "title": "Mode",
                    "description": "fit: fit inside. fill: fill and crop. pad: fit and pad with the background. stretch: ignore the aspect ratio.",
                },
                "scale": {
                    "type": ["number", "null"],
                    "minimum": 1,
                    "maximum": 1000,
                    "default": None,
                    "title": "Scale",
                    "description": "Percent of the original size. Use instead of width and height.",
                },
                "width": {**_SIDE, "title": "Width"},
                "height": {**_SIDE, "title": "Height"},
                "enlarge": {
                    "type": "boolean",
                    "default": False,
                    "title": "Enlarge",
                },
                "gravity": {
                    "type": "string",
                    "enum": [*PLACES, "smart"],
                    "default": "center",
                    "title": "Gravity",
                    "description": "fill: which part to keep (smart: the most interesting area). pad: where to place the image.",
                },
            },
        },
        "crop": {
            "type": ["object", "null"],
            "default": None,
            "required": ["x", "y", "width", "height"],
            "additionalProperties": False,
            "title": "Crop",
            "description": "In pixels of the upright image, before resizing.",
            "properties": {
                "x": {"type": "integer", "minimum": 0, "maximum": MAX_SIDE, "title": "Left"},
                "y": {"type": "integer", "minimum": 0, "maximum": MAX_SIDE, "title": "Top"},
                "width": {"type": "integer", "minimum": 1, "maximum": MAX_SIDE, "title": "Width"},
                "height": {"type": "integer", "minimum": 1, "maximum": MAX_SIDE, "title": "Height"},
            },
        },
        "rotate": {
            "type": "integer",
            "enum": [0, 90, 180, 270],
            "default": 0,
            "title": "Rotate",
            "description": "Degrees clockwise.",
        },
        "flip": {
            "type": ["string", "null"],
            "enum": [None, "horizontal", "vertical"],
            "default": None,
            "title": "Flip",
        },
        "background": {
            "type": "string",
            "pattern": "^(#[0-9a-fA-F]{3}|#[0-9a-fA-F]{6}|transparent)$",
            "default": "#ffffff",
            "title": "Background",
            "description": "Fills padding, and transparent areas if the format has no transparency.",
        },
        "metadata": {
            "type": "string",
            "enum": ["strip", "strip_location", "keep"],
            "default": "strip",
            "title": "Metadata",
            "description": "strip: remove all. strip_location: remove the location only. keep: keep all.",
        },
        "color": {
            "type": "string",
            "enum": ["srgb", "keep"],
            "default": "srgb",
            "title": "Colour profile",
            "description": "srgb: convert to sRGB, which looks right on every screen. keep: keep the profile of the original.",
        },
        "dpi": {
            "type": ["integer", "null"],
            "minimum": 2,
            "maximum": 9600,
            "default": None,
            "title": "Resolution (dpi)",
            "description": "Pixels per inch for printing. Does not change the pixels. Keeps the value of the original by default.",
        },
        "frames": {
            "type": "string",
            "enum": ["all", "first"],
            "default": "all",
            "title": "Frames",
        },
        "watermark": {
            "type": ["object", "null"],
            "default": None,
            "additionalProperties": False,
            "title": "Watermark",
            "properties": {
                "text": {
                    "type": ["string", "null"],
                    "minLength": 1,
                    "maxLength": 200,
                    "default": None,
                    "title": "Text",
                },
                "image": {
                    "type": ["string", "null"],
                    "minLength": 1,
                    "maxLength": 200,
                    "default": None,
                    "title": "Image",
                },
                "position": {
                    "type": "string",
                    "enum": list(PLACES),
                    "default": "bottom_right",
                    "title": "Position",
                },
                "opacity": {
                    "type": "number",
                    "minimum": 0.01,
                    "maximum": 1,
                    "default": 0.5,
                    "title": "Opacity",
                },
                "tile": {"type": "boolean", "default": False, "title": "Tile"},
                "scale": {
                    "type": "number",
                    "minimum": 0.01,
                    "maximum": 1,
                    "default": 0.2,
                    "title": "Scale",
                    "description": "Watermark width as a fraction of the image width.",
                },
            },
        },
    },
}


def without(schema: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return a copy of an object schema that lacks these properties."""
    copy: dict[str, Any] = deepcopy(dict(schema))
    for name in names:
        del copy["properties"][name]
    return copy


def problems(value: object, schema: Mapping[str, Any], pointer: str = "", title: str = "") -> list[Problem]:
    """Return everything in a JSON value that the schema does not allow. Types are strict: true is not 1."""
    title = title or schema.get("title", "This")
    if not _allows(schema, value):
        return [Problem(pointer, _wanted(schema, title))]
    if isinstance(value, Mapping):
        return _object_problems(value, schema, pointer)
    return []


def _allows(schema: Mapping[str, Any], value: object) -> bool:
    """Whether the schema allows a value, not looking into objects."""
    if not any(_is(value, kind) for kind in _kinds(schema)):
        return False
    if "enum" in schema:
        return value in schema["enum"]
    if isinstance(value, str):
        fits = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        return fits and bool(re.fullmatch(schema.get("pattern", ".*"), value, re.DOTALL))
    return not _is(value, "number") or _in_range(value, schema)


def _object_problems(value: Mapping[Any, object], schema: Mapping[str, Any], pointer: str) -> list[Problem]:
    found = []
    properties = schema["properties"]
    for name in schema.get("required", []):
        if name not in value:
            title = properties[name].get("title", name)
            found.append(Problem(f"{pointer}/{name}", Message("option_missing", {"option": title})))
    for name, part in value.items():
        if not isinstance(name, str) or name not in properties:
            shown = str(name)[:50]
            escaped = shown.replace("~", "~0").replace("/", "~1")
            found.append(Problem(f"{pointer}/{escaped}", Message("option_unknown", {"name": shown})))
            continue
        found.extend(problems(part, properties[name], f"{pointer}/{name}"))
    return found


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def _in_range(value: Any, schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _is(value: object, kind: str) -> bool:
    match kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case _:
            return isinstance(value, Mapping)


def _wanted(schema: Mapping[str, Any], title: str) -> Message:
    kinds = _kinds(schema)
    if "enum" in schema:
        choices = [str(choice) for choice in schema["enum"] if choice is not None]
        return Message("option_choice", {"option": title, "choices": choices})
    if "boolean" in kinds:
        return Message("option_boolean", {"option": title})
    for kind in ("integer", "number"):
        if kind in kinds:
            bounds = {"least": schema["minimum"], "most": schema["maximum"]}
            return Message(f"option_{kind}", {"option": title, **bounds})
    if "pattern" in schema:
        return Message("option_color", {"option": title})
    if "maxLength" in schema:
        bounds = {"least": schema["minLength"], "most": schema["maxLength"]}
        return Message("option_text", {"option": title, **bounds})
    return Message("option_string" if "string" in kinds else "option_object", {"option": title})
