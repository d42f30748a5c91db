"""Send a file to a signed link of S3, or fetch one: the way of a backup into a function of the cloud, and out of it.

Whoever asks for the backup signs the link with their own rights, so the function needs none.
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
    """Store the file. Raises CommandError."""
    with path.open("rb") as file, _asked("PUT", link, body=file, length=path.stat().st_size):
        pass


def fetch(link: str, path: Path) -> None:
    """Write what the link leads to. Raises CommandError."""
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
                    raise CommandError(f"S3 answered {answer.status} to {method} of the backup.")
                yield answer
            finally:
                answer.release_conn()
    except urllib3.exceptions.HTTPError as exc:
        raise CommandError(f"S3 did not answer to {method} of the backup: {type(exc).__name__}.") from exc
