"""What the results of a batch are called side by side: no two alike."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from converter.engine.filenames import distinct, portable_name
from converter.models import Job

MANIFEST = "manifest.csv"
SNIPPET = "snippet.html"


def result_paths(finished: Iterable[Job]) -> dict[uuid.UUID, str]:
    """Return the path of each result in the ZIP, in the folder that its image came from.

    Jobs come in the order of their positions, with uploads and batch.
    """
    finished = list(finished)
    paths = (_path(job.upload.folder, portable_name(job.result_name)) for job in finished)
    return dict(zip((job.pk for job in finished), distinct(paths, taken=[MANIFEST, SNIPPET]), strict=True))


def _path(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
