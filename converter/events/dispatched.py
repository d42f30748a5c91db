"""Tasks started by `dispatch`, not by a bucket event. Zappa calls them with `(event, context)`."""

from __future__ import annotations

import uuid
from typing import Any

from converter import jobs, webhooks
from converter.events.connections import fresh_connections
from converter.events.handler import handler
from converter.jobs.run import run


@handler
def convert(event: dict[str, Any], context: object) -> None:
    """`{"upload": id}`: run the queued jobs of an upload."""
    with fresh_connections():
        run(uuid.UUID(event["upload"]))


@handler
def preview(event: dict[str, Any], context: object) -> None:
    """`{"job": id}`: make the previews of the original and the result."""
    with fresh_connections():
        jobs.make_preview(uuid.UUID(event["job"]))


@handler
def zip_batch(event: dict[str, Any], context: object) -> None:
    """`{"batch": id}`: make the ZIP of the finished results."""
    with fresh_connections():
        jobs.make_zip(uuid.UUID(event["batch"]))


@handler
def zip_share(event: dict[str, Any], context: object) -> None:
    """`{"share": id}`: make the ZIP of the results in a share."""
    with fresh_connections():
        jobs.make_shared_zip(uuid.UUID(event["share"]))


@handler
def fetch(event: dict[str, Any], context: object) -> None:
    """`{"upload": id}`: fetch an upload from its URL."""
    with fresh_connections():
        jobs.fetch(uuid.UUID(event["upload"]))


@handler
def deliver(event: dict[str, Any], context: object) -> None:
    """`{"delivery": id}`: send a message to a webhook."""
    with fresh_connections():
        webhooks.deliver(uuid.UUID(event["delivery"]))
