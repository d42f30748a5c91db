"""Join several images into one document on the command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from django.core.management.base import CommandError, OutputWrapper
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from converter.management.converting import Converted, Converter, NotConverted, check_free, in_words, write
from converter.translation import bytes_in_words


def join(
    sources: Sequence[Path],
    target: Path,
    converter: Converter,
    out: OutputWrapper,
    *,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Write one document of the sources and report it. It gets the newest source's modification time.

    Raises CommandError, with nothing written, if a source cannot be converted.
    """
    try:
        made = _joined(sources, target, converter, overwrite)
    except (NotConverted, OSError) as exc:
        code = exc.code if isinstance(exc, NotConverted) else ""
        text = in_words(exc) if isinstance(exc, OSError) else str(exc)
        if as_json:
            error = {"code": code or None, "message": text}
            out.write(json.dumps({"sources": list(map(str, sources)), "error": error}))
        raise CommandError(text) from exc
    if as_json:
        said = {**asdict(made), "target": str(target)}
        out.write(json.dumps({"sources": list(map(str, sources)), **said}))
        return
    sizes = f"{bytes_in_words(made.before)} → {bytes_in_words(made.after)}"
    out.write(f"{len(sources)} joined into {target}, {sizes}.")


def _joined(sources: Sequence[Path], target: Path, converter: Converter, overwrite: bool) -> Converted:
    check_free(target, {source.resolve() for source in sources}, overwrite)
    facts = [source.stat() for source in sources]
    console = Console(stderr=True)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("Joining", total=len(sources))
        made = converter.join(sources, lambda: progress.advance(bar))
    newest = max(facts, key=lambda fact: fact.st_mtime_ns)
    write(target, made.data, times=(newest.st_atime_ns, newest.st_mtime_ns))
    before = sum(fact.st_size for fact in facts)
    return Converted(target, before, len(made.data), made.format, made.width, made.height, made.report)
