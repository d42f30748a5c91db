"""JSON schemas, derived from dataclasses whose fields describe options, and a strict validator for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import MISSING, Field, field, fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from .errors import Problem
from .messages import Message
from .strict_json import integer_if_whole

_KINDS = {str: "string", bool: "boolean", int: "integer", float: "number", NoneType: "null"}


def option(
    default: Any = MISSING,
    *,
    title: str,
    hint: str = "",
    labels: Mapping[Any, str] | None = None,
    fits: Callable[[Any], object] | None = None,
    **bounds: Any,
) -> Any:
    """Return a dataclass field that describes an option of a recipe.

    `title` and `hint` are shown to users; `labels` are the names of the choices, by value. `bounds` are JSON
    schema keywords, such as minimum. `fits` returns whether the option applies to a `Format`.
    """
    return field(
        default=default,
        metadata={"title": title, "hint": hint, "labels": labels or {}, "fits": fits, "bounds": bounds},
    )


def schema_of(part: type, **stated: Any) -> dict[str, Any]:
    """Return the JSON schema of a dataclass whose fields are options."""
    hints = get_type_hints(part)
    options = {option.name: _schema(option, hints[option.name]) for option in fields(part)}
    required = [option.name for option in fields(part) if option.default is MISSING]
    return {
        "type": "object",
        **stated,
        **({"required": required} if required else {}),
        "additionalProperties": False,
        "properties": options,
    }


def stated(part: type, prefix: str = "") -> dict[str, Mapping[str, Any]]:
    """Return the title, hint and labels of each option, by dotted path."""
    found: dict[str, Mapping[str, Any]] = {}
    hints = get_type_hints(part)
    for option in fields(part):
        path = f"{prefix}{option.name}"
        found[path] = option.metadata
        [kind, *_] = _kinds_of(hints[option.name])[0]
        if is_dataclass(kind):
            found |= stated(kind, f"{path}.")
    return found


def _schema(option: Field[Any], hint: Any) -> dict[str, Any]:
    kinds, choices = _kinds_of(hint)
    default = {} if option.default is MISSING else {"default": option.default}
    said = {"title": option.metadata["title"]}
    if description := _description(option.metadata):
        said["description"] = description
    [kind, *null] = kinds
    if is_dataclass(kind):
        part = schema_of(kind)
        properties = part.pop("properties")
        part["type"] = ["object", *map(_KINDS.get, null)]
        kind_first = {"type": part.pop("type")}
        return {**kind_first, **default, **part, **said, "properties": properties}
    names = [_KINDS[kind] for kind in kinds]
    enum = {"enum": choices} if choices else {}
    return {
        "type": names if len(names) > 1 else names[0],
        **enum,
        **option.metadata["bounds"],
        **default,
        **said,
    }


def _description(metadata: Mapping[str, Any]) -> str:
    """Return the hint and the labels of the choices as one text."""
    choices = [f"{value}: {label}." for value, label in metadata["labels"].items() if value is not None]
    return " ".join([*([metadata["hint"]] if metadata["hint"] else []), *choices])


def _kinds_of(hint: Any) -> tuple[list[type], list[Any]]:
    """Return the types that a type hint allows (None last), and its literal values, if any (None first)."""
    if get_origin(hint) is Literal:
        values = list(get_args(hint))
        return list(dict.fromkeys(type(value) for value in values)), values
    if get_origin(hint) not in (Union, UnionType):
        return [hint], []
    kinds: list[type] = []
    choices: list[Any] = []
    for part in get_args(hint):
        found, values = _kinds_of(part)
        kinds += [kind for kind in found if kind not in kinds]
        choices += values
    if NoneType in kinds and choices:
        choices.insert(0, None)
    return sorted(kinds, key=lambda kind: kind is NoneType), choices


def without(schema: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return a copy of an object schema without these properties."""
    copy: dict[str, Any] = deepcopy(dict(schema))
    for name in names:
        del copy["properties"][name]
    return copy


def with_integers(value: object, schema: Mapping[str, Any]) -> Any:
    """Return the value with 80.0 as 80. `strict_json` does the same, but not all recipes come from JSON text."""
    if isinstance(value, float):
        return integer_if_whole(value)
    properties = schema.get("properties")
    if not isinstance(value, Mapping) or not properties:
        return value
    return {name: with_integers(part, properties.get(name, {})) for name, part in value.items()}


def problems(value: object, schema: Mapping[str, Any], pointer: str = "", title: str = "") -> list[Problem]:
    """Return all violations of the schema in a JSON value. Types are strict: true is not 1."""
    title = title or schema.get("title", "This")
    if not _allows(schema, value):
        return [Problem(pointer, _wanted(schema, title))]
    if isinstance(value, Mapping):
        return _object_problems(value, schema, pointer)
    return []


def _allows(schema: Mapping[str, Any], value: object) -> bool:
    """Return whether the schema allows a value, ignoring the properties of objects."""
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
    if "#" in schema.get("pattern", ""):
        return Message("option_color", {"option": title})
    if "pattern" in schema:
        return Message("option_pages", {"option": title})
    if "maxLength" in schema:
        bounds = {"least": schema["minLength"], "most": schema["maxLength"]}
        return Message("option_text", {"option": title, **bounds})
    return Message("option_string" if "string" in kinds else "option_object", {"option": title})
