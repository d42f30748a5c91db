"""Convert folders to a folder with the sandboxed engine on all cores, without server or database."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from converter import engine
from converter.engine.naming import AS_SOURCE, by_page, pattern_problem, usual_pattern
from converter.management import recipe_options, remote, watching
from converter.management.converting import Converted, Converter, LocalConverter, NotConverted, Task, Workers
from converter.management.joining import join
from converter.management.planning import Plan
from converter.translation import bytes_in_words

JOINS = next(format.name for format in engine.FORMATS.values() if format.paper)
INTERRUPTED = 130  # the shell's exit status for Ctrl-C


class Command(BaseCommand):
    help = (
        "Convert images or folders of images into another folder. Exit code 1: some files could not be converted. "
        "Exit code 2: nothing could be started."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sources", nargs="+", type=Path, metavar="SRC", help="image or folder of images")
        where = parser.add_mutually_exclusive_group(required=True)
        where.add_argument("-o", "--output", type=Path, metavar="DIR", help="output folder")
        where.add_argument(
            "--join", type=Path, metavar="FILE.pdf", help="make one PDF of all images, in the order given"
        )
        parser.add_argument(
            "--name", metavar="PATTERN", default="", help="names of the results, such as {name}-{width}.{ext}"
        )
        parser.add_argument("--overwrite", action="store_true", help="overwrite existing files")
        parser.add_argument("--dry-run", action="store_true", help="show what would be done without doing it")
        parser.add_argument(
            "--watch",
            action="store_true",
            help="keep running, and convert files as they arrive in the folders or change",
        )
        parser.add_argument("--json", action="store_true", help="write a line of JSON for each file")
        parser.add_argument(
            "--server", metavar="URL", help="convert on a running site; set its API token in TOKEN"
        )
        parser.add_argument(
            "--workers",
            type=int,
            default=os.cpu_count() or 1,
            help="number of parallel workers (default: one per core)",
        )
        recipe_options.add(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # File names may contain characters that the terminal cannot encode.
            sys.stdout.reconfigure(errors="backslashreplace")
        joined: Path | None = options["join"]
        outputs = [recipe_options.read(options, JOINS)] if joined else recipe_options.read_outputs(options)
        images = watermarks_of(outputs, options["recipe"])
        if options["name"] and (problem := pattern_problem(options["name"])):
            raise CommandError(f"--name: {problem.text}", returncode=2)
        if joined:
            check_joined(outputs[0], options)
        plan = Plan(options["sources"], joined.parent if joined else options["output"], *outputs)
        tasks, left = plan.tasks()
        if not tasks and not options["watch"]:
            raise CommandError("No images to convert.", returncode=2)
        if options["dry_run"]:
            self._show(outputs, tasks, options["name"], joined)
            return
        make = maker(options["server"], outputs, images)
        make_folder(joined.parent if joined else options["output"])
        if joined:
            converter = make()
            try:
                sources = [task.source for task in tasks]
                how = {"overwrite": options["overwrite"], "as_json": options["json"]}
                join(sources, joined, converter, self.stdout, **how)
            finally:
                converter.close()
            return
        tally = Tally(self.stdout, as_json=options["json"])
        with Workers(
            max(1, options["workers"]), make, options["name"], usual=usual_names(outputs)
        ) as workers:
            if options["watch"]:
                watch(plan, workers, tally, overwrite=options["overwrite"])
            else:
                convert(tasks, workers, tally, overwrite=options["overwrite"])
        tally.finish(len(tasks), left, watched=options["watch"])

    def _show(
        self, outputs: Sequence[engine.Recipe], tasks: list[Task], pattern: str, joined: Path | None
    ) -> None:
        for output in outputs:
            self.stdout.write(engine.sentence(output))
        usual = usual_names(outputs)
        if any(output.frames == "each" for output in outputs):
            usual = by_page(usual)
        pattern = pattern or usual
        for task in tasks:
            target = joined or (task.target.with_name(pattern) if pattern else task.target)
            there = " (already exists)" if target.exists() else ""
            self.stdout.write(f"{task.source} → {target}{there}")


@dataclass
class Tally:
    """The outcome of each file, printed at once or at the end. Sizes are in bytes."""

    out: OutputWrapper
    as_json: bool
    done: int = 0
    before: int = 0
    after: int = 0
    failed: dict[Path, str] = field(default_factory=dict)
    interrupted: bool = False

    def add(self, task: Task, outcome: Sequence[Converted] | NotConverted, *, aloud: bool = False) -> None:
        """Count the outcome of one file, and print it if `aloud`."""
        if isinstance(outcome, NotConverted):
            self.failed[task.source] = str(outcome)
            error = {"code": outcome.code or None, "message": str(outcome)}
            self._tell(task, {"error": error}, f"{task.source}: {outcome}", aloud)
            return
        self.failed.pop(task.source, None)
        self.done += 1
        self.before += outcome[0].before
        for made in outcome:
            self.after += made.after
            said = {**asdict(made), "target": str(made.target)}
            self._tell(task, said, f"{task.source} → {made.target}", aloud)

    def _tell(self, task: Task, said: Mapping[str, Any], words: str, aloud: bool) -> None:
        if self.as_json:
            self._say(json.dumps({"source": str(task.source), **said}))
        elif aloud:
            self._say(words)

    def finish(self, total: int, left: int, *, watched: bool) -> None:
        """Print the totals. Raises CommandError if a file failed or the run was interrupted."""
        if not self.as_json:
            of = "" if watched else f" of {total}"
            sizes = f"{bytes_in_words(self.before)} → {bytes_in_words(self.after)}"
            self._say(f"{self.done}{of} converted, {sizes}.")
            if left and not watched:
                self._say(f"Skipped files that are not images: {left}.")
        ends = ["Interrupted. Files in progress may have been written too."] if self.interrupted else []
        if self.failed:
            lines = "\n".join(f"  {source}: {self.failed[source]}" for source in sorted(self.failed))
            ends.append(f"{len(self.failed)} failed:\n{lines}")
        if ends:
            raise CommandError("\n".join(ends), returncode=INTERRUPTED if self.interrupted else 1)

    def _say(self, line: str) -> None:
        self.out.write(line)
        self.out.flush()


def convert(tasks: list[Task], workers: Workers, tally: Tally, *, overwrite: bool) -> None:
    """Convert the tasks, with a progress bar on a terminal."""
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Converting", total=len(tasks))
        try:
            for task, outcome in workers.convert(tasks, overwrite=overwrite):
                tally.add(task, outcome)
                progress.advance(bar)
        except KeyboardInterrupt:
            tally.interrupted = True


def watch(plan: Plan, workers: Workers, tally: Tally, *, overwrite: bool) -> None:
    """Convert files as they arrive, until Ctrl-C or SIGTERM, which is not an error here."""
    ours: set[Path] = set()
    try:
        with _terminable():
            for arrived in watching.arrivals(plan):
                tasks = [task for task in arrived if not _is_done(task)]
                for task, outcome in workers.convert(tasks, overwrite=overwrite, ours=ours):
                    tally.add(task, outcome, aloud=True)
                    if not isinstance(outcome, NotConverted):
                        ours.update(made.target for made in outcome)
    except KeyboardInterrupt:
        pass


def _is_done(task: Task) -> bool:
    """Return whether an earlier run converted this version: results have their source's modification time."""
    if task.suffix_follows:
        suffixes = {format.extension for format in engine.FORMATS.values() if format.encodes}
        targets = [task.target.with_name(f"{task.target.name}.{suffix}") for suffix in suffixes]
    else:
        targets = [task.target]
    try:
        date = task.source.stat().st_mtime_ns
        return any(target.exists() and target.stat().st_mtime_ns == date for target in targets)
    except OSError:
        return False


@contextmanager
def _terminable() -> Iterator[None]:
    def stop(signum: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def usual_names(outputs: Sequence[engine.Recipe]) -> str:
    """Return the default name pattern; "" if each source has one result, named after it."""
    if len(outputs) > 1:
        return usual_pattern([output.format for output in outputs])
    return AS_SOURCE if outputs[0].frames == "each" else ""


def maker(
    server: str | None, outputs: Sequence[engine.Recipe], images: Mapping[str, bytes]
) -> Callable[[], Converter]:
    """Return a function that creates a worker's converter. Raises CommandError if the site refuses access."""
    if not server:
        return lambda: LocalConverter(outputs, images)
    token = os.environ.get("TOKEN", "")
    if not token:
        raise CommandError("Set TOKEN to an API token of the site.", returncode=2)
    site = remote.Site(server, token)
    remote.check(site)
    asked = remote.outputs_for(site, outputs, images)
    return lambda: remote.RemoteConverter(site, asked)


def check_joined(recipe: engine.Recipe, options: Mapping[str, Any]) -> None:
    """Raise CommandError if the other options cannot be used for a document."""
    if recipe.is_auto or not recipe.target.paper:
        raise CommandError("--join makes PDF only.", returncode=2)
    if recipe.frames == "each":
        raise CommandError("--join cannot be used with --frames each.", returncode=2)
    for other in ("watch", "name"):
        if options[other]:
            raise CommandError(f"--join cannot be used with --{other}.", returncode=2)


def watermarks_of(outputs: Sequence[engine.Recipe], file: Path | None) -> dict[str, bytes]:
    """Return the outputs' watermark images by path, relative to the recipe file."""
    names = {output.watermark.image for output in outputs if output.watermark and output.watermark.image}
    images = {}
    for name in sorted(names):
        path = (file.parent if file else Path()) / name
        try:
            images[name] = path.read_bytes()
        except OSError as exc:
            raise CommandError(f"The watermark {path} cannot be read: {exc.strerror}", returncode=2) from exc
    return images


def make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise CommandError(f"Cannot create {output}: {exc.strerror}", returncode=2) from exc
    if not os.access(output, os.W_OK | os.X_OK):
        raise CommandError(f"{output} is not writable.", returncode=2)
