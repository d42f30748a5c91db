"""Types of arguments and results."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from imagesite_client.errors import ConversionError

Source = str | os.PathLike[str] | bytes
"""A file by its path, a public URL, or the bytes of an image."""

Recipe = Mapping[str, Any]
"""The options of an output as in the API, such as `{"format": "webp", "resize": {"width": 1600}}`."""


@dataclass(frozen=True)
class Progress:
    """The progress: bytes sent of one file while uploading, jobs done while converting."""

    stage: Literal["uploading", "converting", "downloading"]
    name: str
    done: int
    total: int


@dataclass(frozen=True)
class Problem:
    """Why a job failed: a stable code, its parameters, and the message in English."""

    code: str
    params: Mapping[str, Any]
    message: str


@dataclass(frozen=True)
class Job:
    """One image and one output. `result` and `report` are as in the API."""

    id: str
    batch: str
    upload: str
    status: str
    recipe: Mapping[str, Any]
    error: Problem | None
    result: Mapping[str, Any] | None
    report: Mapping[str, Any] | None
    finished_at: str | None

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Job:
        names = ("id", "batch", "upload", "status", "recipe", "result", "report", "finished_at")
        error = Problem(**answer["error"]) if answer["error"] else None
        return cls(**{name: answer[name] for name in names}, error=error)

    @property
    def is_done(self) -> bool:
        return self.finished_at is not None

    def check(self) -> None:
        """Raise ConversionError if the job has ended without a result."""
        if self.error:
            raise ConversionError(self.id, self.error.code, self.error.message, self.error.params)
        if self.is_done and self.result is None:
            raise ConversionError(self.id, self.status, f"The job was {self.status}.", {})


@dataclass(frozen=True)
class Result:
    """One finished image. `report` says what changed; sizes are in pixels and bytes."""

    name: str
    format: str
    width: int
    height: int
    data: bytes = field(repr=False)
    report: Mapping[str, Any] = field(repr=False)
    job: str = ""

    @property
    def size(self) -> int:
        return len(self.data)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the image to a file, or to a folder under its own name; return the path."""
        target = Path(path)
        if target.is_dir():
            target = target / self.name
        target.write_bytes(self.data)
        return target
