"""The options of all output formats as one flat list, from the engine's schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from converter import configuration, engine
from converter.engine.schema import stated

AUTO = "auto"
PERCENTS = {
    "focal_point.x": _("From the left (%)"),
    "focal_point.y": _("From the top (%)"),
    "watermark.opacity": _("Opacity (%)"),
    "watermark.scale": _("Size (% of image width)"),
    "watermark.margin": _("Margin (%)"),
}


@dataclass(frozen=True)
class Option:
    """One option of a recipe. `path` is dotted (`resize.width`); `formats` lists the formats that have it."""

    path: str
    schema: Mapping[str, Any]
    formats: tuple[str, ...]
    defaults: Mapping[str, Any]
    tells: bool
    """Whether setting this option enables its part: a width enables resizing, a mode alone does not."""

    @property
    def part(self) -> str:
        return self.path.rpartition(".")[0]

    @property
    def in_thousands(self) -> bool:
        """Whether the forms show its number in thousands: bytes as KB."""
        return self.path == "target_bytes"

    @property
    def is_color(self) -> bool:
        """Whether its value is a colour."""
        return "#[0-9a-f" in self.schema.get("pattern", "").lower()

    @property
    def in_percent(self) -> bool:
        """Whether the forms show its number, a fraction, as a percentage."""
        return self.path in PERCENTS

    @property
    def title(self) -> str:
        if self.in_percent:
            return str(PERCENTS[self.path])
        title = gettext(_stated()[self.path]["title"])
        return f"{title} (KB)" if self.in_thousands else title

    @property
    def hint(self) -> str:
        hint: str = _stated()[self.path]["hint"]
        return gettext(hint) if hint and not self.in_percent else ""

    def label(self, choice: Any) -> str:
        """Return the translated label of one of its choices."""
        return gettext(_stated()[self.path]["labels"][choice])

    @property
    def kind(self) -> str:
        kinds = self.schema.get("type", "string")
        kinds = [kinds] if isinstance(kinds, str) else kinds
        return str(next(kind for kind in kinds if kind != "null"))

    @property
    def default(self) -> Any:
        values = list(self.defaults.values())
        return values[0] if all(value == values[0] for value in values) else None


@cache
def _stated() -> Mapping[str, Mapping[str, Any]]:
    return stated(engine.Recipe)


def part_title(part: str) -> str:
    """Return the translated title of a group of options, such as the watermark."""
    return gettext(_stated()[part]["title"])


def outputs() -> list[engine.Format]:
    return [format for format in engine.FORMATS.values() if format.encodes]


def offered() -> list[engine.Format]:
    """Return the output formats that staff allow."""
    return [format for format in outputs() if configuration.current().makes(format.name)]


def inputs() -> list[engine.Format]:
    return [format for format in engine.FORMATS.values() if format.decodes]


@cache
def options() -> tuple[Option, ...]:
    """Return the options of all output formats, in the order of the schemas."""
    found: dict[str, dict[str, tuple[Mapping[str, Any], bool]]] = {}
    schemas = {format.name: engine.output_schema(format) for format in outputs()} | {
        AUTO: engine.auto_schema()
    }
    for name, schema in schemas.items():
        for path, leaf, tells in _leaves(schema):
            found.setdefault(path, {})[name] = (leaf, tells)
    return tuple(
        Option(
            path=path,
            schema=next(iter(by_format.values()))[0],
            formats=tuple(by_format),
            defaults={name: schema.get("default") for name, (schema, _) in by_format.items()},
            tells=next(iter(by_format.values()))[1],
        )
        for path, by_format in found.items()
    )


def _leaves(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    for name, part in schema["properties"].items():
        if "const" in part:
            continue
        if "properties" in part:
            yield from _leaves(part, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", part, name in schema.get("required", ()) or part.get("default") is None


def recipe_mapping(format: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the recipe with these values (by path), without options that the format does not have."""
    mapping: dict[str, Any] = {"format": format}
    told = set()
    for option in options():
        value = values.get(option.path)
        if format not in option.formats or value in ("", None) or value == option.defaults[format]:
            continue
        part, _, name = option.path.rpartition(".")
        (mapping.setdefault(part, {}) if part else mapping)[name] = value
        if option.tells:
            told.add(part)
    return {name: value for name, value in mapping.items() if not isinstance(value, dict) or name in told}


def values_of(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a recipe by path, the inverse of `recipe_mapping`."""
    values = {}
    for name, value in recipe.items():
        if isinstance(value, Mapping):
            values.update({f"{name}.{key}": part for key, part in value.items()})
        else:
            values[name] = value
    return values
