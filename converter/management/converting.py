"""Convert files to files, several at a time."""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.utils import timezone

from converter import engine, jobs
from converter.engine.filenames import fitted, split_extension
from converter.engine.naming import AS_SOURCE, Named, by_page, result_name
from converter.sandbox import BadImage, Document, Probed, Refused, Rendered, Sandbox, SandboxError, Unjoined

# Used to find out how many pages a file has; its result is discarded.
_LOOK = engine.Recipe.parse({"format": "jpeg", "frames": "first", "resize": {"width": 1, "height": 1}})


@dataclass(frozen=True)
class Task:
    source: Path
    target: Path
    suffix_follows: bool = False
    """Whether `target` has no suffix yet: the format is chosen per image, or there are several outputs."""
    number: int = 1
    """The number of the image, from 1."""


@dataclass(frozen=True)
class Made:
    """One finished image."""

    data: bytes
    format: str
    width: int
    height: int
    report: dict[str, Any]
    page: int | None = None
    """The page of the source, from 1, if each becomes a separate file."""


@dataclass(frozen=True)
class Converted:
    """One finished file; sizes are in bytes."""

    target: Path
    before: int
    after: int
    format: str
    width: int
    height: int
    report: dict[str, Any]


class NotConverted(Exception):
    """A file could not be converted; the others continue. `code` is the API's error code, if any."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class Converter(Protocol):
    """The converter of one thread."""

    def convert(self, name: str, data: bytes) -> Sequence[Made]:
        """Return the results for these bytes, by output and page. Raises NotConverted."""

    def join(self, paths: Sequence[Path], advance: Callable[[], None]) -> Made:
        """Return one document with the pages of these files, in order. Raises NotConverted, OSError.

        `advance` is called after each image.
        """

    def close(self) -> None: ...


class LocalConverter:
    """Convert with the engine in a sandbox on this machine."""

    def __init__(self, outputs: Sequence[engine.Recipe], images: Mapping[str, bytes]) -> None:
        """`images` are the logos of the outputs, by name."""
        self._outputs, self._images = outputs, images
        self._sandbox = Sandbox(required=settings.CONVERTER_SANDBOX_REQUIRED)

    def convert(self, name: str, data: bytes) -> Sequence[Made]:
        limits = jobs.hard_limits()
        _check_size(name, data, limits)
        try:
            recipes = self._recipes(data, limits)
            answers = list(self._sandbox.render(data, recipes, limits, self._images))
        except SandboxError as exc:
            raise NotConverted(str(exc)) from exc
        made = []
        for answer in answers:
            if isinstance(answer, Refused):
                raise NotConverted(answer.message.text, answer.code)
            if isinstance(answer, Rendered):
                page = recipes[answer.index].page_alone
                made.append(
                    Made(answer.data, answer.format, answer.width, answer.height, answer.report, page)
                )
        return made

    def _recipes(self, data: bytes, limits: engine.Limits) -> Sequence[engine.Recipe]:
        """Return the outputs, split by page if they ask for it. Raises NotConverted, SandboxError."""
        if all(output.frames != "each" for output in self._outputs):
            return self._outputs
        first, *_ = self._sandbox.render(data, [_LOOK], limits)
        if isinstance(first, Refused):
            raise NotConverted(first.message.text, first.code)
        assert isinstance(first, Probed)
        try:
            return [
                recipe
                for output in self._outputs
                for recipe in (output.each(first.pictures) if output.frames == "each" else [output])
            ]
        except engine.EngineError as exc:
            raise NotConverted(exc.message.text, exc.code) from exc

    def join(self, paths: Sequence[Path], advance: Callable[[], None]) -> Made:
        limits = jobs.hard_limits()
        document = Document(self._sandbox, self._outputs[0], limits, len(paths))
        try:
            for path in paths:
                data = path.read_bytes()
                _check_size(path.name, data, limits)
                try:
                    for _ in document.add(path.name, data, logos=self._images):
                        pass  # the facts are not needed here
                except BadImage as exc:
                    raise NotConverted(f"{path}: {exc.message.text}", exc.message.code) from exc
                advance()
            answer = document.finish()
        except Unjoined as exc:
            raise NotConverted(exc.message.text, exc.message.code) from exc
        except SandboxError as exc:
            raise NotConverted(str(exc)) from exc
        return Made(answer.data, answer.format, answer.width, answer.height, answer.report)

    def close(self) -> None:
        self._sandbox.close()


def _check_size(name: str, data: bytes, limits: engine.Limits) -> None:
    """Raise NotConverted, in the words of the site, if a file is empty or too large."""
    if problem := jobs.file_problem(jobs.NewFile(name, len(data)), limits.max_bytes):
        raise NotConverted(problem.text, problem.code)


def in_words(exc: OSError) -> str:
    return f"{exc.strerror}: {exc.filename}" if exc.filename else str(exc)


class Names:
    """Name results by a pattern once they are made; without one, by `usual` and the page number."""

    def __init__(self, pattern: str, usual: str = AS_SOURCE) -> None:
        self._pattern, self._usual = pattern, usual
        self._lock = threading.Lock()
        self._taken: set[str] = set()
        self._given: dict[tuple[Path, int], Path] = {}

    def avoid_folders(self, tasks: Iterable[Task]) -> None:
        """Reserve the names of folders, so that no result gets one."""
        for task in tasks:
            self._taken |= {str(folder).casefold() for folder in task.target.parents}

    def target(self, task: Task, made: Made, index: int) -> Path:
        """Return the path of the result at `index`. A source converted again releases its previous name."""
        named = Named(
            name=split_extension(task.source.name)[0],
            width=made.width,
            height=made.height,
            format=made.format,
            ext=engine.FORMATS[made.format].extension,
            number=task.number,
            date=timezone.localdate(),
            page=made.page,
        )
        pattern = self._pattern or (by_page(self._usual) if made.page else self._usual)
        stem, suffix = split_extension(result_name(pattern, named))
        key = task.source, index
        with self._lock:
            if key in self._given:
                self._taken.discard(str(self._given[key]).casefold())
            self._given[key] = free(task.target.parent, stem, suffix, self._taken)
            return self._given[key]


def free(folder: Path, stem: str, suffix: str, taken: set[str]) -> Path:
    """Return a path in the folder, numbered if this run already uses it, ignoring case."""
    number, path = 1, folder / fitted(stem, suffix)
    while str(path).casefold() in taken:
        number += 1
        path = folder / fitted(stem, f" ({number}){suffix}")
    taken.add(str(path).casefold())
    return path


class Workers:
    """Threads with a converter each. The work is done in other processes or on another machine."""

    def __init__(
        self, count: int, make: Callable[[], Converter], pattern: str = "", *, usual: str = ""
    ) -> None:
        """`pattern`, or else `usual`, names the results in their targets' folders.

        Without both, they keep the targets' names.
        """
        self._names = Names(pattern, usual or AS_SOURCE) if pattern or usual else None
        self._pool = ThreadPoolExecutor(count)
        self._make = make
        self._local = threading.local()
        self._converters: list[Converter] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exc: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        for converter in self._converters:
            converter.close()

    def convert(
        self, tasks: Iterable[Task], *, overwrite: bool, ours: Set[Path] = frozenset()
    ) -> Iterator[tuple[Task, Sequence[Converted] | NotConverted]]:
        """Yield each task when it is done, with its results or the error.

        `ours` are files made earlier, which may be overwritten.
        """
        tasks = list(tasks)
        if self._names:
            self._names.avoid_folders(tasks)
        sources = {task.source.resolve() for task in tasks}
        futures = {self._pool.submit(self._one, task, sources, overwrite, ours): task for task in tasks}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except NotConverted as exc:
                yield futures[future], exc

    def _one(self, task: Task, sources: Set[Path], overwrite: bool, ours: Set[Path]) -> list[Converted]:
        try:
            is_known = not task.suffix_follows and self._names is None
            if is_known:
                check_free(task.target, sources, overwrite, ours)
            facts = task.source.stat()
            data = task.source.read_bytes()
            results = self._converter().convert(task.source.name, data)
            files = [(self._target(task, made, index), made) for index, made in enumerate(results)]
            if not is_known:
                for target, _ in files:
                    check_free(target, sources, overwrite, ours)
            for target, made in files:
                write(target, made.data, times=(facts.st_atime_ns, facts.st_mtime_ns))
        except OSError as exc:
            raise NotConverted(in_words(exc)) from exc
        return [
            Converted(target, len(data), len(made.data), made.format, made.width, made.height, made.report)
            for target, made in files
        ]

    def _target(self, task: Task, made: Made, index: int) -> Path:
        if self._names:
            return self._names.target(task, made, index)
        if not task.suffix_follows:
            return task.target
        return task.target.with_name(fitted(task.target.name, f".{engine.FORMATS[made.format].extension}"))

    def _converter(self) -> Converter:
        if not hasattr(self._local, "converter"):
            self._local.converter = self._make()
            self._converters.append(self._local.converter)
        converter: Converter = self._local.converter
        return converter


def check_free(target: Path, sources: Set[Path], overwrite: bool, ours: Set[Path] = frozenset()) -> None:
    """Raise NotConverted if there is a file that may not be overwritten; sources never may."""
    if target in ours:
        return
    if target.exists() and (not overwrite or target.resolve() in sources):
        raise NotConverted(f"{target} already exists")


def write(path: Path, data: bytes, *, times: tuple[int, int]) -> None:
    """Write the file atomically, with these access and modification times in nanoseconds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}.part")  # `path.name` may have the maximum length
    try:
        part.write_bytes(data)
        os.utime(part, ns=times)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
