"""Handle new objects in the uploads bucket. Called by S3 through Zappa, and at home by `local`."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import unquote_plus

from converter import jobs, storage
from converter.events.connections import fresh_connections
from converter.events.handler import handler
from converter.jobs.run import run
from converter.storage import Stored

logger = logging.getLogger(__name__)

PREFIX = "uploads/"


@handler
def on_upload(event: dict[str, Any], context: object) -> None:
    """Receive each new object and run its jobs.

    Events are delivered at least once and in any order. An error with one record does not stop the others; it
    is raised at the end, so that the event is retried.
    """
    faults: list[Exception] = []
    running: list[jobs.StillRunning] = []
    for record in event.get("Records", []):
        try:
            _take(record)
        except jobs.StillRunning as exc:
            running.append(exc)
        except Exception as exc:
            logger.exception("Could not process an upload")
            faults.append(exc)
    if faults:
        raise RuntimeError(f"{len(faults)} of {len(event['Records'])} records failed") from faults[0]
    if running:
        raise running[0]


def _take(record: dict[str, Any]) -> None:
    bucket, created = record["s3"]["bucket"]["name"], record["s3"]["object"]
    key = unquote_plus(created["key"])
    # Zappa passes records of any prefix, and a notification may be misconfigured.
    if bucket != storage.uploads.bucket_name or not key.startswith(PREFIX):
        logger.warning("Event for an unknown object", extra={"bucket": bucket, "key": key})
        return
    with fresh_connections():
        upload = jobs.receive(key, Stored(size=created["size"], etag=created["eTag"]))
        if upload:
            run(upload.pk)
