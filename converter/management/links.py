"""Transfer backups to and from a cloud function through signed S3 links.

The operator signs the link with their own permissions, so the function needs none.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import urllib3
from django.core.management.base import CommandError

TIMEOUT = urllib3.Timeout(connect=10, read=120)


def is_link(text: str) -> bool:
    return text.startswith(("https://", "http://"))


def send(path: Path, link: str) -> None:
    """Upload the file to the link. Raises CommandError."""
    with path.open("rb") as file, _asked("PUT", link, body=file, length=path.stat().st_size):
        pass


def fetch(link: str, path: Path) -> None:
    """Download the link to the path. Raises CommandError."""
    with _asked("GET", link) as answer, path.open("wb") as file:
        shutil.copyfileobj(answer, file)


@contextmanager
def _asked(
    method: str, link: str, body: Any = None, length: int | None = None
) -> Iterator[urllib3.BaseHTTPResponse]:
    headers = {} if length is None else {"Content-Length": str(length)}
    try:
        with urllib3.PoolManager() as pool:
            answer = pool.request(
                method,
                link,
                body=body,
                headers=headers,
                timeout=TIMEOUT,
                retries=False,
                preload_content=False,
            )
            try:
                if answer.status != 200:
                    raise CommandError(f"S3 returned status {answer.status} to the {method} of the backup.")
                yield answer
            finally:
                answer.release_conn()
    except urllib3.exceptions.HTTPError as exc:
        raise CommandError(
            f"S3 did not respond to the {method} of the backup: {type(exc).__name__}."
        ) from exc
