"""Plan which source becomes which file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.core.management.base import CommandError

from converter import engine
from converter.engine.filenames import folders_of, split_extension
from converter.engine.formats import AUTO
from converter.management.converting import Task, free

READABLE = {
    f".{extension}" for format in engine.FORMATS.values() if format.decodes for extension in format.extensions
}


class Plan:
    """Map sources to targets, keeping the tree of each folder. A source always gets the same target."""

    def __init__(self, sources: Iterable[Path], output: Path, *recipes: engine.Recipe) -> None:
        self._sources, self._output = list(sources), output
        self._auto = len(recipes) > 1 or recipes[0].format == AUTO
        self._suffix = "" if self._auto else f".{recipes[0].target.extension}"
        self._tasks: dict[Path, Task] = {}
        self._taken: set[str] = set()
        """Casefolded paths; with `auto` or several outputs, they have no suffix yet."""

    def tasks(self) -> tuple[list[Task], int]:
        """Return the tasks, and how many files in the folders do not look like images.

        Hidden files and those in an output folder inside a source are ignored. Raises CommandError for a
        missing source.
        """
        tasks: list[Task] = []
        left = 0
        for source in self._sources:
            if not os.path.exists(source):  # Path.exists raises for overlong names
                raise CommandError(f"{source} does not exist.", returncode=2)
            if source.is_file():
                tasks.append(self._task(source, Path(source.name)))
                continue
            files = list(self._files(source))
            images = [path for path in files if path.suffix.lower() in READABLE]
            left += len(files) - len(images)
            self._avoid_folders(path.relative_to(source) for path in images)
            tasks += [self._task(path, path.relative_to(source)) for path in images]
        return tasks, left

    def _avoid_folders(self, files: Iterable[Path]) -> None:
        """Reserve the names of folders, so that no result gets one."""
        for folder in folders_of(file.as_posix() for file in files):
            stem, suffix = split_extension(str(self._output / folder))
            if not self._auto:
                self._taken.add(f"{stem}{suffix}".casefold())
            elif suffix:  # which a result may have too
                self._taken.add(stem.casefold())

    def _files(self, source: Path) -> Iterator[Path]:
        within = _within(self._output, source) and not _within(source, self._output)
        earlier = self._output.resolve() if within else None
        for path in sorted(source.rglob("*"), key=_as_counted):
            hidden = any(part.startswith(".") for part in path.relative_to(source).parts)
            if path.is_file() and not hidden and not (earlier and _within(path, earlier)):
                yield path

    def _task(self, path: Path, relative: Path) -> Task:
        if path not in self._tasks:
            stem = split_extension(relative.name)[0]
            target = free(self._output / relative.parent, stem, self._suffix, self._taken)
            self._tasks[path] = Task(path, target, self._auto, len(self._tasks) + 1)
        return self._tasks[path]


def _as_counted(path: Path) -> list[list[tuple[int, str]]]:
    """Return a natural sort key: page 2 before page 10."""
    return [
        [(int(run), "") if run.isdecimal() else (-1, run) for run in re.split(r"(\d+)", part)]
        for part in path.parts
    ]


def _within(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())
