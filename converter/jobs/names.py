"""Choose distinct file names for the results of a batch."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from converter.engine.filenames import distinct, portable_name, split_extension
from converter.models import Job

MANIFEST = "manifest.csv"
SNIPPET = "snippet.html"
OURS = [MANIFEST, SNIPPET]


def result_paths(finished: Iterable[Job]) -> dict[uuid.UUID, str]:
    """Return the path of each result in the ZIP, in the folder of its image.

    Jobs are ordered by position and have uploads and batch loaded.
    """
    finished = list(finished)
    has_sets = len({job.upload_id for job in finished if job.batch.is_icon_set}) > 1
    paths = (_path(_folder(job, has_sets), portable_name(job.result_name)) for job in finished)
    return dict(zip((job.pk for job in finished), distinct(paths, taken=OURS), strict=True))


def flat_names(finished: Iterable[Job]) -> dict[uuid.UUID, str]:
    """Return a distinct name for each result, without folders."""
    finished = list(finished)
    names = (portable_name(job.result_name) for job in finished)
    return dict(zip((job.pk for job in finished), distinct(names), strict=True))


def _folder(job: Job, has_sets: bool) -> str:
    """Return the folder of a result. Of several icon sets, whose file names are equal, each gets its own."""
    folder = job.upload.folder
    return _path(folder, portable_name(split_extension(job.upload.name)[0])) if has_sets else folder


def _path(folder: str, name: str) -> str:
    if not folder:
        return name
    is_ours = folder.split("/")[0].casefold() in OURS
    return f"_{folder}/{name}" if is_ours else f"{folder}/{name}"
