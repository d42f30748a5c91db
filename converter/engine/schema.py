"""The recipe's shape as JSON schema: one truth for validation, the API's documents and the HTML form."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any

from .errors import Problem

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

# Other ways than a number to say how good a lossy picture shall be.
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
            "description": "Higher looks better and takes more bytes.",
        },
        "aim": {
            "type": ["string", "null"],
            "enum": [None, *AIMS],
            "default": None,
            "title": "Aim for",
            "description": "The lowest quality that still looks this good, measured on the picture.",
        },
        "target_bytes": {
            "type": ["integer", "null"],
            "minimum": 100,
            "maximum": 1_000_000_000,
            "default": None,
            "title": "At most so many bytes",
            "description": "The best quality that does not exceed this size.",
        },
        "shrink_to_fit": {
            "type": "boolean",
            "default": False,
            "title": "Shrink to fit",
            "description": "Make the picture smaller when no quality meets the bytes asked for.",
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
            "description": "Keeps every pixel exactly; larger for photographs, smaller for flat drawings.",
        },
        "progressive": {
            "type": "boolean",
            "default": True,
            "title": "Progressive",
            "description": "Shows a rough picture first while it loads.",
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
                    "title": "How",
                    "description": "fit inside, fill and cut what is over, pad with the background, or stretch.",
                },
                "scale": {
                    "type": ["number", "null"],
                    "minimum": 1,
                    "maximum": 1000,
                    "default": None,
                    "title": "Percent",
                    "description": "Of the picture's own size, instead of width and height.",
                },
                "width": {**_SIDE, "title": "Width"},
                "height": {**_SIDE, "title": "Height"},
                "enlarge": {
                    "type": "boolean",
                    "default": False,
                    "title": "Enlarge small pictures",
                },
                "gravity": {
                    "type": "string",
                    "enum": [*PLACES, "smart"],
                    "default": "center",
                    "title": "Keep",
                    "description": "The part that stays when filling cuts (smart: where most is to be seen), "
                    "or where the picture sits when padding.",
                },
            },
        },
        "crop": {
            "type": ["object", "null"],
            "default": None,
            "required": ["x", "y", "width", "height"],
            "additionalProperties": False,
            "title": "Crop",
            "description": "In pixels of the upright picture, before resizing.",
            "properties": {
                "x": {"type": "integer", "minimum": 0, "maximum": MAX_SIDE, "title": "From the left"},
                "y": {"type": "integer", "minimum": 0, "maximum": MAX_SIDE, "title": "From the top"},
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
            "description": "Behind transparency where the format has none, and around a padded picture.",
        },
        "metadata": {
            "type": "string",
            "enum": ["strip", "strip_location", "keep"],
            "default": "strip",
            "title": "Metadata",
            "description": "Remove all, remove only where it was taken, or keep.",
        },
        "color": {
            "type": "string",
            "enum": ["srgb", "keep"],
            "default": "srgb",
            "title": "Colours",
            "description": "Convert to sRGB, which looks right everywhere, or keep the colour profile.",
        },
        "dpi": {
            "type": ["integer", "null"],
            "minimum": 2,
            "maximum": 9600,
            "default": None,
            "title": "Resolution (dpi)",
            "description": "Pixels an inch on paper; the pixels stay as they are. Without it, what the file says is kept.",
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
                    "title": "Picture",
                },
                "position": {
                    "type": "string",
                    "enum": list(PLACES),
                    "default": "bottom_right",
                    "title": "Where",
                },
                "opacity": {
                    "type": "number",
                    "minimum": 0.01,
                    "maximum": 1,
                    "default": 0.5,
                    "title": "Opacity",
                },
                "tile": {"type": "boolean", "default": False, "title": "All over the picture"},
                "scale": {
                    "type": "number",
                    "minimum": 0.01,
                    "maximum": 1,
                    "default": 0.2,
                    "title": "Width",
                    "description": "As a part of the picture's width.",
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
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(_is(value, kind) for kind in kinds):
        return [_problem(pointer, f"{title} must be {_wanted(schema, kinds)}.")]
    if "enum" in schema and value not in schema["enum"]:
        return [_problem(pointer, f"{title} must be {_wanted(schema, kinds)}.")]
    if isinstance(value, str):
        too_long = len(value) > schema.get("maxLength", len(value))
        too_short = len(value) < schema.get("minLength", 0)
        if too_long or too_short or not re.fullmatch(schema.get("pattern", ".*"), value, re.DOTALL):
            return [_problem(pointer, f"{title} must be {_wanted(schema, kinds)}.")]
    if _is(value, "number") and not _in_range(value, schema):
        return [_problem(pointer, f"{title} must be {_wanted(schema, kinds)}.")]
    if isinstance(value, Mapping):
        return _object_problems(value, schema, pointer)
    return []


def _object_problems(value: Mapping[Any, object], schema: Mapping[str, Any], pointer: str) -> list[Problem]:
    found = []
    properties = schema["properties"]
    for name in schema.get("required", []):
        if name not in value:
            title = properties[name].get("title", name)
            found.append(_problem(f"{pointer}/{name}", f"{title} is missing."))
    for name, part in value.items():
        if not isinstance(name, str) or name not in properties:
            shown = str(name)[:50]
            escaped = shown.replace("~", "~0").replace("/", "~1")
            found.append(_problem(f"{pointer}/{escaped}", f"There is no option “{shown}” here."))
            continue
        found.extend(problems(part, properties[name], f"{pointer}/{name}"))
    return found


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


def _wanted(schema: Mapping[str, Any], kinds: Collection[str]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(str(choice) for choice in schema["enum"] if choice is not None)
    if "boolean" in kinds:
        return "true or false"
    if "integer" in kinds:
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    if "number" in kinds:
        return f"a number from {schema['minimum']} to {schema['maximum']}"
    if "pattern" in schema:
        return "a colour such as #ffffff, or transparent"
    if "maxLength" in schema:
        return f"a text of {schema['minLength']} to {schema['maxLength']} characters"
    if "string" in kinds:
        return "a text"
    return "an object"


def _problem(pointer: str, detail: str) -> Problem:
    return {"pointer": pointer, "detail": detail}
