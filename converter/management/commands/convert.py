"""A folder in, a folder out: the engine in its sandbox on all cores, without server or database."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from converter import engine, jobs
from converter.engine.filenames import fitted, split_extension
from converter.engine.formats import AUTO
from converter.engine.naming import Named, pattern_problem, result_name
from converter.sandbox import Refused, Rendered, Sandbox, SandboxError

READABLE = {
    f".{extension}" for format in engine.FORMATS.values() if format.decodes for extension in format.extensions
}


@dataclass(frozen=True)
class Task:
    """`target` has no suffix yet where the format is chosen for each image; a pattern names it in its folder.

    `number` counts the images from 1.
    """

    source: Path
    target: Path
    number: int = 1


class NotConverted(Exception):
    """One file could not be converted; the others go on."""


INTERRUPTED = 130  # the shell's exit code for Ctrl-C


class Command(BaseCommand):
    help = (
        "Convert images or folders of images into another folder. Exit code 1: some files could not be converted. "
        "Exit code 2: nothing could be started."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sources", nargs="+", type=Path, metavar="SRC", help="image or folder of images")
        parser.add_argument("-o", "--output", required=True, type=Path, metavar="DIR", help="output folder")
        parser.add_argument("--to", metavar="FORMAT", help="jpeg, png, webp, avif …, or auto")
        parser.add_argument(
            "--resize", metavar="WxH", help="maximum size in pixels: 1600x1200, 1600x or x1200"
        )
        parser.add_argument("--quality", type=int, help="1 to 100")
        parser.add_argument(
            "--recipe", type=Path, metavar="FILE", help="recipe as JSON; the options above override it"
        )
        parser.add_argument(
            "--name", metavar="PATTERN", default="", help="names of the results, such as {name}-{width}.{ext}"
        )
        parser.add_argument("--overwrite", action="store_true", help="overwrite existing files")
        parser.add_argument("--dry-run", action="store_true", help="show what would be done without doing it")
        parser.add_argument(
            "--workers",
            type=int,
            default=os.cpu_count() or 1,
            help="number of parallel workers (default: one per core)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(
                errors="backslashreplace"
            )  # file names may hold characters the terminal cannot show
        recipe = read_recipe(options)
        images = watermark_of(recipe, options["recipe"])
        if options["name"] and (problem := pattern_problem(options["name"])):
            raise CommandError(f"--name: {problem.text}", returncode=2)
        tasks, left = plan(options["sources"], options["output"], recipe)
        if not tasks:
            raise CommandError("No images to convert.", returncode=2)
        if options["dry_run"]:
            self.stdout.write(engine.sentence(recipe))
            for task in tasks:
                target = task.target.with_name(options["name"]) if options["name"] else task.target
                there = " (already exists)" if target.exists() else ""
                self.stdout.write(f"{task.source} → {target}{there}")
            return
        make_folder(options["output"])

        failed: dict[Path, str] = {}
        done = before = after = 0
        interrupted = False
        console = Console(stderr=True)
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        with (
            Workers(max(1, options["workers"]), options["name"]) as workers,
            Progress(*columns, console=console, disable=not console.is_terminal) as progress,
        ):
            bar = progress.add_task("Converting", total=len(tasks))
            try:
                for task, outcome in workers.convert(tasks, recipe, images, overwrite=options["overwrite"]):
                    if isinstance(outcome, NotConverted):
                        failed[task.source] = str(outcome)
                    else:
                        done, before, after = done + 1, before + outcome[0], after + outcome[1]
                    progress.advance(bar)
            except KeyboardInterrupt:
                interrupted = True

        self.stdout.write(
            f"{done} of {len(tasks)} converted, {filesizeformat(before)} → {filesizeformat(after)}."
        )
        if left:
            self.stdout.write(f"Skipped files that are not images: {left}.")
        ends = ["Interrupted. Files in progress may have been written too."] if interrupted else []
        if failed:
            lines = "\n".join(f"  {source}: {failed[source]}" for source in sorted(failed))
            ends.append(f"{len(failed)} failed:\n{lines}")
        if ends:
            raise CommandError("\n".join(ends), returncode=INTERRUPTED if interrupted else 1)


def read_recipe(options: Mapping[str, Any]) -> engine.Recipe:
    mapping: Any = {}
    if options["recipe"]:
        try:
            mapping = json.loads(options["recipe"].read_text())
        except (OSError, ValueError) as exc:
            raise CommandError(f"{options['recipe']} is not a recipe: {exc}", returncode=2) from exc
    if not isinstance(mapping, dict):
        raise CommandError(f"{options['recipe']} is not a recipe: expected a JSON object.", returncode=2)
    if options["to"]:
        mapping["format"] = options["to"]
    if options["quality"] is not None:
        mapping["quality"] = options["quality"]
    if options["resize"]:
        sides = re.fullmatch(r"(\d+)?x(\d+)?", options["resize"])
        if not sides or not any(sides.groups()):
            raise CommandError("--resize must be 1600x1200, 1600x or x1200.", returncode=2)
        mapping["resize"] = {
            name: int(side) for name, side in zip(("width", "height"), sides.groups(), strict=True) if side
        }
    try:
        return engine.Recipe.parse(mapping)
    except engine.InvalidRecipe as exc:
        raise CommandError(str(exc), returncode=2) from exc


def watermark_of(recipe: engine.Recipe, file: Path | None) -> dict[str, bytes]:
    """Return the logo of the recipe's watermark, by its path relative to the recipe file."""
    if not recipe.watermark or not recipe.watermark.image:
        return {}
    path = (file.parent if file else Path()) / recipe.watermark.image
    try:
        return {recipe.watermark.image: path.read_bytes()}
    except OSError as exc:
        raise CommandError(f"The watermark {path} cannot be read: {exc.strerror}", returncode=2) from exc


def make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise CommandError(f"Cannot create {output}: {exc.strerror}", returncode=2) from exc
    if not os.access(output, os.W_OK | os.X_OK):
        raise CommandError(f"{output} is not writable.", returncode=2)


def plan(sources: Iterable[Path], output: Path, recipe: engine.Recipe) -> tuple[list[Task], int]:
    """Return what goes where, each folder's tree kept, and how many files of the folders do not look like images.

    Hidden files, and what an earlier run left in an output folder that lies within, are not looked at.
    """
    suffix = "" if recipe.format == AUTO else f".{recipe.target.extension}"
    tasks: list[Task] = []
    taken: set[str] = set()
    left = 0
    for source in sources:
        if not os.path.exists(source):  # Path.exists raises for a name that is too long
            raise CommandError(f"{source} does not exist.", returncode=2)
        if source.is_file():
            found = [(source, Path(source.name))]
        else:
            earlier = output.resolve() if _within(output, source) and not _within(source, output) else None
            files = [
                path
                for path in sorted(source.rglob("*"))
                if path.is_file()
                and not (earlier and _within(path, earlier))
                and not any(part.startswith(".") for part in path.relative_to(source).parts)
            ]
            found = [(path, path.relative_to(source)) for path in files if path.suffix.lower() in READABLE]
            left += len(files) - len(found)
        for path, relative in found:
            stem = split_extension(relative.name)[0]
            target = _free(output / relative.parent, stem, suffix, taken)
            tasks.append(Task(path, target, number=len(tasks) + 1))
    return tasks, left


def _within(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _free(folder: Path, stem: str, suffix: str, taken: set[str]) -> Path:
    """Return a path in the folder, with a number where this run uses it already (letter case aside)."""
    number, free = 1, folder / fitted(stem, suffix)
    while str(free).casefold() in taken:
        number += 1
        free = folder / fitted(stem, f" ({number}){suffix}")
    taken.add(str(free).casefold())
    return free


class Workers:
    """Threads with a sandbox each: the work itself is done in the sandboxes' processes."""

    def __init__(self, count: int, pattern: str = "") -> None:
        self._pattern = pattern
        self._taken: set[str] = set()
        self._naming = threading.Lock()
        self._pool = ThreadPoolExecutor(count)
        self._local = threading.local()
        self._sandboxes: list[Sandbox] = []

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *exc: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        for sandbox in self._sandboxes:
            sandbox.close()

    def convert(
        self, tasks: Iterable[Task], recipe: engine.Recipe, images: Mapping[str, bytes], *, overwrite: bool
    ) -> Iterator[tuple[Task, tuple[int, int] | NotConverted]]:
        """Yield each task as it is done, with its sizes in bytes before and after, or why it is not."""
        tasks = list(tasks)
        sources = {task.source.resolve() for task in tasks}
        futures = {
            self._pool.submit(self._one, task, sources, recipe, images, overwrite): task for task in tasks
        }
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except NotConverted as exc:
                yield futures[future], exc

    def _one(
        self,
        task: Task,
        sources: Set[Path],
        recipe: engine.Recipe,
        images: Mapping[str, bytes],
        overwrite: bool,
    ) -> tuple[int, int]:
        limits = jobs.limits()
        try:
            is_known = recipe.format != AUTO and not self._pattern
            if is_known:
                _check_free(task.target, sources, overwrite)
            if task.source.stat().st_size > limits.max_bytes:
                raise NotConverted(f"more than {filesizeformat(limits.max_bytes)}")
            data = task.source.read_bytes()
            answer = list(self._sandbox().render(data, [recipe], limits, images))[-1]
            if isinstance(answer, Refused):
                raise NotConverted(answer.message.text)
            assert isinstance(answer, Rendered)
            target = self._target(task, recipe, answer)
            if not is_known:
                _check_free(target, sources, overwrite)
            write(target, answer.data)
        except SandboxError as exc:
            raise NotConverted(str(exc)) from exc
        except OSError as exc:
            raise NotConverted(f"{exc.strerror}: {exc.filename}" if exc.filename else str(exc)) from exc
        return len(data), len(answer.data)

    def _target(self, task: Task, recipe: engine.Recipe, answer: Rendered) -> Path:
        """Return where the result goes, now that its format and size are known."""
        extension = engine.FORMATS[answer.format].extension
        if self._pattern:
            named = Named(
                name=split_extension(task.source.name)[0],
                width=answer.width,
                height=answer.height,
                format=answer.format,
                ext=extension,
                number=task.number,
                date=timezone.localdate(),
            )
            stem, suffix = split_extension(result_name(self._pattern, named))
            with self._naming:
                return _free(task.target.parent, stem, suffix, self._taken)
        if recipe.format == AUTO:
            return task.target.with_name(fitted(task.target.name, f".{extension}"))
        return task.target

    def _sandbox(self) -> Sandbox:
        if not hasattr(self._local, "sandbox"):
            self._local.sandbox = Sandbox(required=settings.CONVERTER_SANDBOX_REQUIRED)
            self._sandboxes.append(self._local.sandbox)
        sandbox: Sandbox = self._local.sandbox
        return sandbox


def _check_free(target: Path, sources: Set[Path], overwrite: bool) -> None:
    if target.exists() and (not overwrite or target.resolve() in sources):
        raise NotConverted(f"{target} already exists")


def write(path: Path, data: bytes) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}.part")  # the name itself may already be as long as may be
    try:
        part.write_bytes(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
