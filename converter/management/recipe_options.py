"""Command-line options for all options of a recipe, generated from its schema."""

from __future__ import annotations

import re
from argparse import ArgumentParser, BooleanOptionalAction
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from converter import engine
from converter.engine import strict_json

DEST = "recipe."
HOW = ("mode", "enlarge", "gravity")  # options of the recipe that --resize keeps
KINDS = {"integer": int, "number": float, "string": str}


def add(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("recipe")
    group.add_argument(
        "--recipe",
        type=Path,
        metavar="FILE",
        help="recipe as JSON, or a list of them; the options below override it",
    )
    group.add_argument(
        "--to", "--format", dest=f"{DEST}format", metavar="FORMAT", help="jpeg, png, webp, avif …, or auto"
    )
    group.add_argument("--resize", metavar="WxH", help="maximum size in pixels: 1600x1200, 1600x or x1200")
    for path, schema in _options(engine.RECIPE_SCHEMA):
        if path != "format":
            group.add_argument(f"--{path.replace('.', '-').replace('_', '-')}", **_argument(path, schema))


def read(options: Mapping[str, Any], format: str | None = None) -> engine.Recipe:
    """Return the single output of the command line, by default in `format`. Raises CommandError."""
    recipe, *others = read_outputs(options, format)
    if others:
        raise CommandError(f"{options['recipe']} has several outputs; this needs one.", returncode=2)
    return recipe


def read_outputs(options: Mapping[str, Any], format: str | None = None) -> list[engine.Recipe]:
    """Return the outputs of the recipe file, overridden by the command line. Raises CommandError."""
    mappings = _from_file(options["recipe"]) if options["recipe"] else [{}]
    outputs = []
    for number, mapping in enumerate(mappings, 1):
        try:
            outputs.append(_read(options, mapping, format))
        except engine.InvalidRecipe as exc:
            place = f"Output {number}: " if len(mappings) > 1 else ""
            raise CommandError(f"{place}{exc}", returncode=2) from exc
    if len({output.hash for output in outputs}) < len(outputs):
        raise CommandError("Two of the outputs are the same.", returncode=2)
    return outputs


def _read(options: Mapping[str, Any], mapping: dict[str, Any], format: str | None) -> engine.Recipe:
    """Return one output. Raises InvalidRecipe, and CommandError for an invalid size."""
    if format:
        mapping.setdefault("format", format)
    if options["resize"]:
        how = {name: value for name, value in (mapping.get("resize") or {}).items() if name in HOW}
        mapping["resize"] = {**how, **_sides(options["resize"])}
    for path, _schema in _options(engine.RECIPE_SCHEMA):
        value = options.get(DEST + path)
        if value is not None:
            _put(mapping, path, value)
    return engine.Recipe.parse(mapping)


def _options(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the dotted path and schema of each option, including nested ones."""
    for name, option in schema["properties"].items():
        if "properties" in option:
            yield from _options(option, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", option


def _argument(path: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    said = schema.get("description") or schema["title"]
    stated = {"dest": DEST + path, "default": None, "help": said.replace("%", "%%")}
    if "boolean" in kinds:
        return {**stated, "action": BooleanOptionalAction}
    choices = {str(choice): choice for choice in schema.get("enum", ()) if choice is not None}
    if choices:
        return {**stated, "type": lambda word: choices.get(word, word), "choices": list(choices.values())}
    kind = next(KINDS[kind] for kind in kinds if kind in KINDS)
    return {**stated, "type": kind, "metavar": path.rpartition(".")[2].upper()}


def _put(mapping: dict[str, Any], path: str, value: Any) -> None:
    *parts, name = path.split(".")
    for part in parts:
        if not isinstance(mapping.get(part), dict):
            mapping[part] = {}
        mapping = mapping[part]
    mapping[name] = value


def _from_file(path: Path) -> list[dict[str, Any]]:
    """Return the recipes in a file: one, a list of them, or a saved recipe as the API returns it."""
    try:
        said = strict_json.loads(path.read_text("utf-8-sig"))  # Windows programs write a byte order mark
    except (OSError, ValueError) as exc:
        raise CommandError(f"{path} is not a recipe: {exc}", returncode=2) from exc
    if isinstance(said, dict):
        said = said.get("outputs", [said])
    if not isinstance(said, list) or not said or not all(isinstance(output, dict) for output in said):
        raise CommandError(
            f"{path} is not a recipe: expected a JSON object, or a list of them.", returncode=2
        )
    return said


def _sides(words: str) -> dict[str, int]:
    sides = re.fullmatch(r"(\d+)?x(\d+)?", words)
    if not sides or not any(sides.groups()):
        raise CommandError("--resize must be 1600x1200, 1600x or x1200.", returncode=2)
    return {name: int(side) for name, side in zip(("width", "height"), sides.groups(), strict=True) if side}
