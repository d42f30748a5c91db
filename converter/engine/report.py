"""The report of a conversion: what changed in the image, as codes with parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .messages import Message


class Log:
    """A log that collects notes and warnings while an image is processed, each code once."""

    def __init__(self) -> None:
        self.notes: list[Message] = []
        self.warnings: list[Message] = []
        self.metadata_removed: list[str] = []

    def note(self, code: str, **params: Any) -> None:
        self._add(self.notes, Message(code, params))

    def warn(self, code: str, **params: Any) -> None:
        self._add(self.warnings, Message(code, params))

    def include(self, other: Log) -> None:
        """Add the messages of another log."""
        for note in other.notes:
            self._add(self.notes, note)
        for warning in other.warnings:
            self._add(self.warnings, warning)

    def _add(self, notes: list[Message], note: Message) -> None:
        if all(other.code != note.code for other in notes):
            notes.append(note)


@dataclass(frozen=True)
class Report:
    """A report. `resized` holds sizes in pixels; `frames_in` and `frames_kept` count frames or pages."""

    notes: tuple[Message, ...]
    warnings: tuple[Message, ...]
    resized: tuple[tuple[int, int], tuple[int, int]] | None
    bytes_before: int
    bytes_after: int
    frames_in: int
    frames_kept: int
    encoder: str
    settings: Mapping[str, Any]
    metadata_removed: tuple[str, ...]
    engine: Mapping[str, str]
    similarity: float | None = None
    """SSIM of the luma, 1 if identical."""
    score: float | None = None
    """Visual quality: an estimate of SSIMULACRA2, 100 if identical."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "notes": [note.to_dict() for note in self.notes],
            "warnings": [note.to_dict() for note in self.warnings],
            "resized": self.resized and {"from": list(self.resized[0]), "to": list(self.resized[1])},
            "bytes_before": self.bytes_before,
            "bytes_after": self.bytes_after,
            "frames": {"in": self.frames_in, "kept": self.frames_kept},
            "similarity": self.similarity,
            "score": self.score,
            "encoder": {"name": self.encoder, "settings": dict(self.settings)},
            "metadata_removed": list(self.metadata_removed),
            "engine": dict(self.engine),
        }


@dataclass(frozen=True)
class Result:
    """One finished image. `data` is never the source's bytes."""

    data: bytes = field(repr=False)
    format: str
    extension: str
    mime: str
    width: int
    height: int
    frames: int
    report: Report
