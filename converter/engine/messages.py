"""Messages: a code with parameters, and one English template per code.

Programs read the code and the parameters. Users read the translated template with the parameters filled in:
code that shows a message translates the template and fills it with a `Filler`. Messages are never parsed.

A parameter is a number, a text, a list of texts or another message. `kind` selects a template of one code:
`unsupported_format` with kind `pdf` has the template `unsupported_format.pdf`.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

# Units of file sizes: name, bytes, and maximum number of decimals.
UNITS = (("GB", 1_000_000_000, 2), ("MB", 1_000_000, 1), ("KB", 1000, 1), ("B", 1, 0))

_templates: dict[str, str] = {}
TEMPLATES: Mapping[str, str] = MappingProxyType(_templates)


def gettext_noop(template: str) -> str:
    """Mark a template for extraction by gettext. It is translated when it is shown."""
    return template


def register(templates: Mapping[str, str]) -> None:
    """Add the templates of one package. Raises ValueError if a code already has a template."""
    if twice := _templates.keys() & templates.keys():
        raise ValueError(f"These templates exist already: {', '.join(sorted(twice))}")
    _templates.update(templates)


@dataclass(frozen=True)
class Message:
    code: str
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def template(self) -> str:
        """The key of its template."""
        return f"{self.code}.{self.params['kind']}" if "kind" in self.params else self.code

    @property
    def text(self) -> str:
        """The message in English. Raises KeyError if the code has no template."""
        return _ENGLISH.fill(self)

    @property
    def plain_params(self) -> dict[str, Any]:
        """The parameters as JSON values."""
        return {name: _plain(value) for name, value in self.params.items()}

    def to_dict(self) -> dict[str, Any]:
        return {"code": self.code, "params": self.plain_params, "text": self.text}


class Filler(string.Formatter):
    """Fills templates in English. For another language, override `template`, `word` and `number`.

    In addition to Python's `,` and `.3f`, the format `B` is a size in bytes, `M` is a number of millions with
    at most one decimal, and `word` is one of our own words, which is translated.
    """

    def fill(self, message: Message) -> str:
        return self.vformat(self.template(message.template), (), message.params)

    def template(self, key: str) -> str:
        return TEMPLATES[key]

    def word(self, word: str) -> str:
        """Return the text of a word such as a job's state, or the word itself if it has no template."""
        return TEMPLATES.get(f"word.{word}", word)

    def number(self, value: float, decimals: int, grouped: bool = False) -> str:
        return f"{value:{',' if grouped else ''}.{decimals}f}"

    def rounded(self, value: float, most: int) -> str:
        """Return the number with at most this many decimals."""
        value = round(value, most)
        return self.number(value, _decimals(value))

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Message):
            return self.fill(value)
        if isinstance(value, Mapping):
            return self.fill(Message(value["code"], value["params"]))
        if isinstance(value, str):
            if format_spec not in ("", "word"):
                raise ValueError(f"{value!r} is not a number")
            return self.word(value) if format_spec else value
        if isinstance(value, Sequence):
            sentences = any(isinstance(part, Message | Mapping) for part in value)
            return (" " if sentences else ", ").join(self.format_field(part, format_spec) for part in value)
        if format_spec == "B":
            unit, of_unit, most = next(unit for unit in UNITS if value >= unit[1] or unit[1] == 1)
            return f"{self.rounded(value / of_unit, most)} {unit}"
        if format_spec == "M":
            return self.rounded(value / 1_000_000, 1)
        if format_spec.startswith("."):
            return self.number(value, int(format_spec[1:-1]))
        return self.number(value, _decimals(value), grouped=format_spec == ",")


_ENGLISH = Filler()


def _decimals(value: float) -> int:
    """Return how many decimals the number needs, at most six."""
    return len(f"{value:.6f}".rstrip("0").partition(".")[2])


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return {"code": value.code, "params": value.plain_params}
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(part) for part in value]
    return value
