"""Generate the `<link>` elements and the web app manifest for a site's set of icons."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from urllib.parse import quote

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from converter import engine
from converter.engine.filenames import split_extension
from converter.engine.icons import FAVICON, MANIFEST, TOUCH, is_maskable
from converter.models import Job

Paths = Mapping[uuid.UUID, str]


def head_of(jobs: Sequence[Job], paths: Paths) -> SafeString | str:
    """Return the `<link>` elements for the results of one image, or "" if they are not a set of icons."""
    icons, pictures = _icons(jobs), _pictures(jobs)
    if not icons or not pictures:
        return ""
    links = [("icon", paths[icons[0].pk])]
    links += [("apple-touch-icon", paths[job.pk]) for job in pictures if job.result_width == TOUCH]
    if manifest := manifest_path(jobs, paths):
        links.append(("manifest", manifest))
    return format_html_join("\n", '<link rel="{}" href="{}">', [(rel, quote(path)) for rel, path in links])


def manifests(finished: Sequence[Job], paths: Paths) -> Iterator[tuple[str, str]]:
    """Yield the path and text of each image's manifest, if it has one; jobs are ordered by position."""
    for _, group in groupby(finished, key=lambda job: job.upload_id):
        jobs = list(group)
        if path := manifest_path(jobs, paths):
            yield path, manifest_of(jobs, paths)


def manifest_path(jobs: Sequence[Job], paths: Paths) -> str:
    """Return the path of the manifest of these results, next to their icon, or "" if they have none."""
    icons = _icons(jobs)
    if not icons or not _of_app(_pictures(jobs)):
        return ""
    folder, slash, name = paths[icons[0].pk].rpartition("/")
    return f"{folder}{slash}{MANIFEST if name == FAVICON else f'{split_extension(name)[0]}.webmanifest'}"


def manifest_of(jobs: Sequence[Job], paths: Paths) -> str:
    """Return the web app manifest (W3C) of these results. Its name is the image's, for users to edit."""
    name = split_extension(jobs[0].upload.name)[0]
    icons = [
        {
            "src": quote(paths[job.pk].rpartition("/")[2]),
            "sizes": f"{job.result_width}x{job.result_height}",
            "type": _format(job).mime,
            **({"purpose": "maskable"} if is_maskable(job.recipe) else {}),
        }
        for job in _of_app(_pictures(jobs))
    ]
    manifest = {"name": name, "short_name": name, "icons": icons, "display": "standalone"}
    return json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"


def _format(job: Job) -> engine.Format:
    return engine.FORMATS[job.result_format]


def _icons(jobs: Sequence[Job]) -> list[Job]:
    return [job for job in jobs if _format(job).favicon]


def _pictures(jobs: Sequence[Job]) -> list[Job]:
    return [job for job in jobs if _format(job).app_icon and job.result_width == job.result_height]


def _of_app(pictures: Sequence[Job]) -> list[Job]:
    return [job for job in pictures if job.result_width != TOUCH]
