"""Checks for contradicting options, which a JSON schema cannot express."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeVar

from .errors import Problem
from .formats import AUTO, FORMATS, Format, format_for
from .messages import Message
from .selection import is_backwards

T = TypeVar("T")

_QUALITIES = {"quality": "quality", "aim": "aim", "target_bytes": "target bytes"}


def contradictions(mapping: Mapping[str, Any], broken: Collection[str]) -> list[Problem]:
    """Return the problems of contradicting options, ignoring options at the pointers in `broken`."""
    given = _Given(mapping, broken)
    target, problems = _target(given)
    problems.extend(_quality_problems(given))
    if target is not None:
        problems.extend(_format_problems(given, target))
    if given.get("orientation", str) not in (None, "auto") and given.get("page", str) is None:
        problems.append(_problem("/orientation", "orientation_needs_page"))
    if is_backwards(given.get("pages", str) or "1"):
        problems.append(_problem("/pages", "pages_backwards"))
    if isinstance(resize := mapping.get("resize"), Mapping):
        problems.extend(_resize_problems(resize))
    if given.get("focal_point", object) is not None:
        problems.extend(_focal_problems(resize if isinstance(resize, Mapping) else {}))
    watermark = mapping.get("watermark")
    if isinstance(watermark, Mapping) and not _has_one(watermark, "text", "image"):
        problems.append(_problem("/watermark", "watermark_text_or_image"))
    return problems


class _Given:
    """The options that were given and have the right type."""

    def __init__(self, mapping: Mapping[str, Any], broken: Collection[str]) -> None:
        self._mapping, self._broken = mapping, broken

    def get(self, name: str, kind: type[T]) -> T | None:
        value = self._mapping.get(name)
        return value if isinstance(value, kind) and f"/{name}" not in self._broken else None

    def names(self, *names: str) -> list[str]:
        return [name for name in names if self._mapping.get(name) is not None]


def _target(given: _Given) -> tuple[Format | None, list[Problem]]:
    """Return the output format, or the problems with it."""
    name = given.get("format", str)
    if name is None or name == AUTO:
        return None, []
    try:
        target = format_for(name)
    except KeyError:
        choices = [format.name for format in FORMATS.values() if format.encodes]
        return None, [_problem("/format", "format_unknown", choices=choices)]
    if not target.encodes:
        return None, [_problem("/format", "format_is_read_only", format=target.label)]
    return target, []


def _quality_problems(given: _Given) -> Iterator[Problem]:
    asked = given.names(*_QUALITIES)
    for option in asked[1:]:
        yield _problem(f"/{option}", "one_quality_only")
    if given.get("shrink_to_fit", bool) and "target_bytes" not in asked:
        yield _problem("/shrink_to_fit", "shrink_needs_target")
    for option in asked if given.get("lossless", bool) else ():
        yield _problem(f"/{option}", "lossless_has_no_quality", option=_QUALITIES[option])
    if given.get("format", str) == AUTO and given.get("quality", int) is not None:
        yield _problem("/quality", "auto_has_no_quality")


def _format_problems(given: _Given, target: Format) -> Iterator[Problem]:
    for option in given.names(*_QUALITIES) if not target.quality else ():
        yield _problem(f"/{option}", "format_has_no_quality", format=target.label, option=_QUALITIES[option])
    if given.get("effort", int) is not None and not target.default_effort:
        yield _problem("/effort", "format_has_no_effort", format=target.label)
    if given.get("dpi", int) is not None and not target.says_dpi:
        yield _problem("/dpi", "format_cannot_hold_dpi", format=target.label)
    if not target.paper:
        for option, default in (("page", None), ("orientation", "auto"), ("margin", 0)):
            if given.get(option, object) not in (None, default):
                yield _problem(f"/{option}", "format_has_no_paper", format=target.label)
    if given.get("lossless", bool) and not target.lossless:
        yield _problem("/lossless", "format_cannot_be_lossless", format=target.label)
    if given.get("background", str) == "transparent" and not target.alpha:
        yield _problem("/background", "format_cannot_be_transparent", format=target.label)


def _resize_problems(resize: Mapping[str, Any]) -> Iterator[Problem]:
    scale = resize.get("scale")
    sides = [side for side in ("width", "height") if resize.get(side) is not None]
    if scale is None and not sides:
        yield _problem("/resize", "resize_needs_size")
    if scale is not None and sides:
        yield _problem("/resize/scale", "scale_or_size")
    if scale is not None and resize.get("mode", "fit") != "fit":
        yield _problem("/resize/mode", "scale_has_no_mode")
    if isinstance(scale, int | float) and scale > 100 and not resize.get("enlarge"):
        yield _problem("/resize/scale", "scale_enlarges")
    if resize.get("gravity") == "smart" and resize.get("mode", "fit") != "fill":
        yield _problem("/resize/gravity", "smart_needs_fill")


def _focal_problems(resize: Mapping[str, Any]) -> Iterator[Problem]:
    if resize.get("mode", "fit") != "fill":
        yield _problem("/focal_point", "focal_point_needs_fill")
    elif resize.get("gravity", "center") != "center":
        yield _problem("/resize/gravity", "focal_point_or_gravity")


def _has_one(mapping: Mapping[str, Any], *names: str) -> bool:
    return sum(mapping.get(name) is not None for name in names) == 1


def _problem(pointer: str, code: str, **params: Any) -> Problem:
    return Problem(pointer, Message(code, params))
