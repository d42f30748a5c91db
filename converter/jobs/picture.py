"""Generate the HTML that serves each browser the best format it supports from the results of one image."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from urllib.parse import quote

from django.utils.html import format_html, format_html_join

from converter import engine
from converter.jobs import icons
from converter.jobs.names import result_paths
from converter.models import Job

# Browsers should try the lowest rank first; all of them support the last.
_RANKS = {format.name: format.source_rank for format in engine.FORMATS.values() if format.source_rank}

File = tuple[Job, str]


def snippets(finished: Iterable[Job]) -> dict[uuid.UUID, str]:
    """Return, by upload id, the HTML for each upload with several results that browsers can show.

    It is a `<picture>`, or the `<link>` elements of a set of icons. `finished` are all jobs of the ZIP, whose
    names are used, ordered by position and with uploads and batch loaded.
    """
    finished = list(finished)
    paths = result_paths(finished)
    return {
        upload: html
        for upload, jobs in groupby(finished, key=lambda job: job.upload_id)
        if (html := "\n\n".join(_snippets_by_page(jobs, paths)))
    }


def page_of(snippets: Mapping[uuid.UUID, str]) -> str:
    """Return an HTML page with the snippets, to try and to copy."""
    # <link> elements come first, so that the parser puts them into the head.
    parts = sorted(snippets.values(), key=lambda html: not html.startswith("<link"))
    html = "\n\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>Images</title>\n\n'
        f"{html}\n"
    )


def _snippets_by_page(jobs: Iterable[Job], paths: Mapping[uuid.UUID, str]) -> Iterator[str]:
    """Yield the HTML for each page of one image."""

    def page(job: Job) -> int:
        return job.page or 0

    for _, same in groupby(sorted(jobs, key=page), key=page):
        if html := _snippet(list(same), paths):
            yield html


def _snippet(jobs: Sequence[Job], paths: Mapping[uuid.UUID, str]) -> str:
    if head := icons.head_of(jobs, paths):
        return head
    shown = [job for job in jobs if job.result_format in _RANKS]
    if len(shown) < 2:
        return ""
    shown.sort(key=lambda job: (_RANKS[job.result_format], job.result_width or 0))
    # Images that are not enlarged have several results of one width.
    widths = groupby(shown, key=lambda job: (job.result_format, job.result_width))
    files = [(job, paths[job.pk]) for job in (next(same) for _, same in widths)]
    *sources, (_, fallback) = [
        (format, list(group)) for format, group in groupby(files, key=lambda file: file[0].result_format)
    ]
    lines = format_html_join(
        "",
        '  <source type="{}"{}>\n',
        ((engine.FORMATS[format].mime, _srcset(group)) for format, group in sources),
    )
    largest, name = fallback[-1]
    return format_html(
        '<picture>\n{}  <img src="{}"{} width="{}" height="{}" loading="lazy" decoding="async" alt="">\n</picture>',
        lines,
        quote(name),
        _srcset(fallback) if len(fallback) > 1 else "",
        largest.result_width,
        largest.result_height,
    )


def _srcset(files: Sequence[File]) -> str:
    """Return the srcset attribute for these files; users edit `sizes` to the image's width on their page."""
    if len(files) == 1:
        return format_html(' srcset="{}"', quote(files[0][1]))
    named = ", ".join(f"{quote(name)} {job.result_width}w" for job, name in files)
    return format_html(' srcset="{}" sizes="100vw"', named)
