"""The sandbox's answers. A hostile file may have taken over the child, so every value is checked."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from converter import engine
from converter.engine import formats

from .messages import Malformed


@dataclass(frozen=True)
class Probed:
    """The source could be opened; `facts` is as returned by `raster.Facts.to_dict`."""

    facts: dict[str, Any]

    @property
    def pictures(self) -> int:
        """The number of frames or pages."""
        return max(int(self.facts["frames"]), int(self.facts["pages"]))


@dataclass(frozen=True)
class Decoded:
    """The source is decoded; outputs follow. Used only by the client."""


@dataclass(frozen=True)
class Logged:
    """The engine logged an error. Used only by the client."""

    text: str
    cause: str


@dataclass(frozen=True)
class Rendered:
    """Output `index` was made. `milliseconds` is engine time; for the first output it includes decoding."""

    index: int
    data: bytes
    format: str
    mime: str
    width: int
    height: int
    report: dict[str, Any]
    milliseconds: int


@dataclass(frozen=True)
class Refused:
    """Output `index` cannot be made because of the image or the recipe, so a retry would not help."""

    index: int
    message: engine.Message

    @property
    def code(self) -> str:
        return self.message.code


Answer = Probed | Rendered | Refused

_Check = Callable[[Any], bool]

_LONGEST = 4_000  # characters in a string
_DEEPEST = 8  # nesting depth: a message inside a note holds a list
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127])  # all but tab and line ends


def most_bytes(limits: engine.Limits) -> int:
    """Return the maximum size of a result: the child holds both the pixels and the result in memory."""
    return limits.memory_bytes // 2


def parse(
    message: Mapping[str, Any], body: bytes, index: int, recipe: engine.Recipe, limits: engine.Limits
) -> Answer | Decoded:
    """Return the answer in a message while output `index` of `recipe` is being made. Raises Malformed."""
    said = _plain(message)
    if not isinstance(said, dict):
        raise Malformed("no object")
    keys = set(said)
    if keys == {"facts"} and not body:
        return Probed(_checked(said["facts"], _FACTS))
    if keys == {"decoded"} and not body:
        return Decoded()
    if said.get("index") != index or isinstance(said["index"], bool):
        raise Malformed("another output")
    if keys == {"index", "code", "params"} and not body:
        _checked(said, {"index": _whole, "code": _one_of(_CODES), "params": _params})
        return Refused(said["index"], _message(said["code"], said["params"]))
    return _rendered(said, body, recipe, limits)


def parse_joined(message: Mapping[str, Any], body: bytes) -> bytes:
    """Return the document in a message. Raises Malformed."""
    if message != {"joined": True} or not formats.DOCUMENT.begins(body):
        raise Malformed("no document")
    return body


def parse_logged(message: Mapping[str, Any], body: bytes) -> Logged | None:
    """Return the log entry in a message, or None if it is an answer. Raises Malformed."""
    if set(message) != {"log", "cause"} or body:
        return None
    said = _checked(_plain(message), {"log": _text, "cause": _text})
    return Logged(said["log"], said["cause"])


def _rendered(said: dict[str, Any], body: bytes, recipe: engine.Recipe, limits: engine.Limits) -> Rendered:
    allowed = [format.name for format in formats.CANDIDATES] if recipe.is_auto else [recipe.format]
    _checked(
        said,
        {
            "index": _whole,
            "format": _one_of(allowed),
            "mime": _text,
            "width": _side,
            "height": _side,
            "report": lambda report: isinstance(report, dict),
            "milliseconds": _whole,
        },
    )
    name, width, height = said["format"], said["width"], said["height"]
    format = engine.FORMATS[name]
    if said["mime"] != format.mime or not format.begins(body):
        raise Malformed("another format")
    if width * height > max(limits.max_pixels, limits.max_output_pixels):
        raise Malformed("too large")
    return Rendered(**{**said, "data": body, "report": _report(said["report"], len(body))})


def _report(said: dict[str, Any], size: int) -> dict[str, Any]:
    """Return the report with the text of each note rendered from our own templates."""
    report = _checked(said, _REPORT)
    if report["bytes_after"] != size:
        raise Malformed("another size")
    return {**report, **{kind: [_note(note) for note in report[kind]] for kind in ("notes", "warnings")}}


def _note(said: Any) -> dict[str, Any]:
    _checked(said, {"code": _text, "params": _params, "text": _text})
    return {**said, "text": _message(said["code"], said["params"]).text}


def _message(code: str, params: dict[str, Any]) -> engine.Message:
    """Return the message if its parameters fit its template. Raises Malformed."""
    message = engine.Message(code, params)
    try:
        length = len(message.text)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as exc:
        raise Malformed("no such message") from exc
    if length > _LONGEST:
        raise Malformed("too long a message")
    return message


# --- Checks of values -------------------------------------------------------------------------------------


def _plain(value: Any, depth: int = 0) -> Any:
    """Return the value without control characters if every database, page and program can hold it."""
    if depth > _DEEPEST:
        raise Malformed("too deep")
    match value:
        case None | bool():
            return value
        case int() if abs(value) < 2**53:
            return value
        case float() if math.isfinite(value):
            return value
        case str() if len(value) <= _LONGEST:
            return value if value.isprintable() else _cleaned(value)
        case list():
            return [_plain(item, depth + 1) for item in value]
        case dict():
            return {_plain(key, depth + 1): _plain(item, depth + 1) for key, item in value.items()}
    raise Malformed("no plain value")


def _cleaned(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as exc:  # a lone surrogate
        raise Malformed("no text") from exc
    return text.translate(_CONTROLS)


def _checked(value: Any, checks: Mapping[str, _Check]) -> dict[str, Any]:
    """Return the value if it is an object with exactly these keys and each passes its check."""
    if not isinstance(value, dict) or set(value) != set(checks):
        raise Malformed("other keys")
    for key, check in checks.items():
        if not check(value[key]):
            raise Malformed(f"odd {key}")
    return value


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _side(value: Any) -> bool:
    return _whole(value) and 0 < value < 2**31


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _params(value: Any) -> bool:
    return isinstance(value, dict)


def _one_of(names: Collection[str]) -> _Check:
    return lambda value: isinstance(value, str) and value in names


def _optional(check: _Check) -> _Check:
    return lambda value: value is None or check(value)


def _list(check: _Check, least: int = 0, most: int = 100) -> _Check:
    return lambda value: isinstance(value, list) and least <= len(value) <= most and all(map(check, value))


def _mapping(check: _Check) -> _Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


def _object(**checks: _Check) -> _Check:
    return lambda value: bool(_checked(value, checks))


def _codes(kind: type[engine.EngineError] = engine.EngineError) -> set[str]:
    return {kind.code}.union(*map(_codes, kind.__subclasses__()))


_CODES = _codes()

_FACTS: Mapping[str, _Check] = {  # the fields of raster.Facts
    "format": _one_of(engine.FORMATS),
    "mime": _text,
    "width": _side,
    "height": _side,
    "frames": _side,
    "pages": _side,
    "mode": _text,
    "bits": _whole,
    "has_alpha": _truth,
    "profile": _optional(_text),
    "orientation": _whole,
    "animated": _truth,
    "duration_ms": _optional(_whole),
    "plays": _whole,
    "camera": _optional(_text),
    "lens": _optional(_text),
    "taken_at": _optional(_text),
    "has_location": _truth,
    "location": _optional(_list(_number, 2, 2)),
    "software": _optional(_text),
    "copyright": _optional(_text),
    "bytes": _whole,
}

_SIZE = _list(_side, 2, 2)
_REPORT: Mapping[str, _Check] = {  # as returned by engine.Report.to_dict
    "notes": _list(bool),
    "warnings": _list(bool),
    "resized": _optional(_object(**{"from": _SIZE, "to": _SIZE})),
    "bytes_before": _whole,
    "bytes_after": _whole,
    "frames": _object(**{"in": _whole, "kept": _whole}),
    "similarity": _optional(_number),
    "score": _optional(_number),
    "encoder": _object(name=_text, settings=_mapping(lambda value: True)),
    "metadata_removed": _list(_text),
    "engine": _mapping(_text),
}
