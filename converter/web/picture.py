"""The HTML by which a site shows the results of one image: the best format that each browser knows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from urllib.parse import quote

from django.utils.html import format_html, format_html_join

from converter import engine
from converter.models import Job

# What browsers should try first has the lowest; the last one they all know.
_RANKS = {format.name: format.source_rank for format in engine.FORMATS.values() if format.source_rank}


def snippet(jobs: Iterable[Job]) -> str:
    """Return a `<picture>` for the finished jobs of one image, or nothing if there is only one result."""
    files = [(job, name) for job, name in _named(jobs) if job.result_format in _RANKS]
    if len(files) < 2:
        return ""
    files.sort(key=lambda file: (_RANKS[file[0].result_format], file[0].result_width or 0))
    *sources, (_, fallback) = [
        (format, list(group)) for format, group in groupby(files, key=lambda file: file[0].result_format)
    ]
    lines = format_html_join(
        "",
        '  <source type="{}" srcset="{}">\n',
        ((engine.FORMATS[format].mime, _srcset(group)) for format, group in sources),
    )
    largest, name = fallback[-1]
    srcset = format_html(' srcset="{}"', _srcset(fallback)) if len(fallback) > 1 else ""
    return format_html(
        '<picture>\n{}  <img src="{}"{} width="{}" height="{}" alt="">\n</picture>',
        lines,
        quote(name),
        srcset,
        largest.result_width,
        largest.result_height,
    )


def _named(jobs: Iterable[Job]) -> Iterator[tuple[Job, str]]:
    """Yield the jobs with their names, equal ones numbered as in the ZIP."""
    seen: Counter[str] = Counter()
    for job in sorted(jobs, key=lambda job: job.position):
        name = job.result_name
        seen[name] += 1
        stem, _, extension = name.rpartition(".")
        yield job, name if seen[name] == 1 else f"{stem} ({seen[name]}).{extension}"


def _srcset(files: list[tuple[Job, str]]) -> str:
    if len(files) == 1:
        return quote(files[0][1])
    return ", ".join(f"{quote(name)} {job.result_width}w" for job, name in files)
