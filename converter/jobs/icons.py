"""A set of icons for a site: the lines for its head, and its web app manifest."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from urllib.parse import quote

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from converter import engine
from converter.models import Job

TOUCH = 180
"""Pixels of the icon for the home screen of iPhones."""

Paths = Mapping[uuid.UUID, str]


def head_of(jobs: Sequence[Job], paths: Paths) -> SafeString | str:
    """Return the `<link>` lines for the results of one image, or nothing if they are no set of icons."""
    icons, pictures = _icons(jobs), _pictures(jobs)
    if not icons or not pictures:
        return ""
    links = [("icon", paths[icons[0].pk])]
    links += [("apple-touch-icon", paths[job.pk]) for job in pictures if job.result_width == TOUCH]
    if manifest := manifest_path(jobs, paths):
        links.append(("manifest", manifest))
    return format_html_join("\n", '<link rel="{}" href="{}">', [(rel, quote(path)) for rel, path in links])


def manifests(finished: Sequence[Job], paths: Paths) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of the manifest of each image that has one; jobs come in the order of their positions."""
    for _, group in groupby(finished, key=lambda job: job.upload_id):
        jobs = list(group)
        if path := manifest_path(jobs, paths):
            yield path, manifest_of(jobs, paths)


def manifest_path(jobs: Sequence[Job], paths: Paths) -> str:
    """Return the path of the manifest of these results, next to their icon, or an empty string if they have none."""
    icons = _icons(jobs)
    return (
        f"{paths[icons[0].pk].removesuffix('.ico')}.webmanifest" if icons and _of_app(_pictures(jobs)) else ""
    )


def manifest_of(jobs: Sequence[Job], paths: Paths) -> str:
    """Return the web app manifest (W3C) that names these results. Its name is to be filled in."""
    icons = [
        {
            "src": quote(paths[job.pk].rpartition("/")[2]),
            "sizes": f"{job.result_width}x{job.result_height}",
            "type": _format(job).mime,
            **({"purpose": "maskable"} if _is_maskable(job) else {}),
        }
        for job in _of_app(_pictures(jobs))
    ]
    return (
        json.dumps({"name": "", "short_name": "", "icons": icons, "display": "standalone"}, indent=2) + "\n"
    )


def _format(job: Job) -> engine.Format:
    return engine.FORMATS[job.result_format]


def _icons(jobs: Sequence[Job]) -> list[Job]:
    return [job for job in jobs if _format(job).favicon]


def _pictures(jobs: Sequence[Job]) -> list[Job]:
    return [job for job in jobs if _format(job).app_icon and job.result_width == job.result_height]


def _of_app(pictures: Sequence[Job]) -> list[Job]:
    return [job for job in pictures if job.result_width != TOUCH]


def _is_maskable(job: Job) -> bool:
    """Whether the icon has a border, so that systems may cut it to their shapes."""
    return bool(job.recipe.get("resize", {}).get("border"))
