"""Response bodies."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Self

from django.urls import reverse
from ninja import Field, Schema

from converter import engine, jobs, models
from converter.snapshot import snapshot

# A job with a full recipe, a long report and a Chinese name takes 10 kB; a Lambda response may have 6 MB.
JOBS_AT_ONCE = 400


class Failure(Schema):
    """Why a job failed: a stable error code, its parameters, and the message in English."""

    code: str
    params: dict[str, Any]
    message: str


class Result(Schema):
    name: str
    size: Annotated[int, Field(description="In bytes.")]
    width: int
    height: int
    format: str
    url: Annotated[str, Field(description="Download URL, valid for as long as the result is kept.")]


class Job(Schema):
    id: uuid.UUID
    batch: uuid.UUID
    upload: uuid.UUID
    uploads: Annotated[
        list[uuid.UUID],
        Field(description="The source images, in order. Several for a joined document."),
    ]
    status: models.Job.Status
    recipe: dict[str, Any]
    error: Failure | None
    result: Result | None
    report: Annotated[dict[str, Any] | None, Field(description="What changed during the conversion.")]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: models.Job) -> Job:
        """Return the job as programs see it. Needs its upload and batch, and in a list its sources."""
        return cls(
            id=job.pk,
            batch=job.batch_id,
            upload=job.upload_id,
            uploads=[upload.pk for upload in job.uploads],
            status=models.Job.Status(job.state),
            recipe=job.recipe,
            error=Failure(**job.error) if job.error else None,
            result=_result(job) if job.has_result else None,
            report=job.report,
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


def _result(job: models.Job) -> Result:
    return Result(
        name=job.result_name,
        size=job.result_size or 0,
        width=job.result_width or 0,
        height=job.result_height or 0,
        format=job.result_format,
        # Not the signed URL: it expires after minutes, and clients may keep the list for longer.
        url=reverse("api:download_job", args=[job.pk]),
    )


class Form(Schema):
    """POST `fields`, then the file as `file`, as multipart/form-data to `url`."""

    url: str
    fields: dict[str, str]


class Upload(Schema):
    id: uuid.UUID
    name: str
    form: Annotated[
        Form | None,
        Field(description="Upload form, valid for a few minutes. Null once the file has arrived."),
    ]

    @classmethod
    def of(cls, upload: models.Upload, *, with_form: bool) -> Upload:
        awaited = not upload.received_at and not upload.source_url
        form = jobs.upload_form(upload) if with_form and awaited else None
        return cls(
            id=upload.pk, name=upload.name, form=Form(url=form.url, fields=form.fields) if form else None
        )


class Announced(Schema):
    uploads: Annotated[list[Upload], Field(description="In the order of the files.")]
    expires_at: Annotated[datetime, Field(description="When uploads without a batch are deleted.")]

    @classmethod
    def of(cls, uploads: Sequence[models.Upload]) -> Announced:
        return cls(
            uploads=[Upload.of(upload, with_form=True) for upload in uploads],
            expires_at=min(upload.expires_at for upload in uploads),
        )


class BatchSummary(Schema):
    id: uuid.UUID
    status: Annotated[str, Field(description="A job status, or `partially_failed`.")]
    created_at: datetime
    expires_at: datetime
    total: Annotated[int, Field(description="Number of jobs.")]
    done: Annotated[int, Field(description="Number of jobs that have ended, whatever the outcome.")]
    bytes_before: Annotated[
        int, Field(description="Total size of the originals of finished jobs, each counted once.")
    ]
    bytes_after: Annotated[int, Field(description="Total size of the results of finished jobs.")]

    @staticmethod
    def facts(batch: models.Batch, tally: models.Tally) -> dict[str, Any]:
        return {
            "id": batch.pk,
            "status": tally.state,
            "created_at": batch.created_at,
            "expires_at": batch.expires_at,
            "total": tally.total,
            "done": tally.done,
            "bytes_before": tally.bytes_before,
            "bytes_after": tally.bytes_after,
        }


class Batch(BatchSummary):
    uploads: list[Upload]
    jobs: Annotated[list[Job], Field(description=f"At most {JOBS_AT_ONCE}.")]
    next: Annotated[
        str | None,
        Field(description="`cursor` of the next jobs, with their uploads. Null if there are none."),
    ] = None

    @classmethod
    def of(cls, batch: models.Batch, *, with_forms: bool = False, after: int = -1) -> Batch:
        """Return the batch with the jobs behind a position; of a new one, with the forms of all uploads."""
        with snapshot():
            rows = batch.jobs.filter(position__gt=after).select_related("upload").order_by("position")
            rows = rows.prefetch_related("sources") if batch.join else rows
            found = list(rows if with_forms else rows[: JOBS_AT_ONCE + 1])
            tally = batch.tally
        shown = found[:JOBS_AT_ONCE]
        told = found if with_forms else shown
        uploads = {upload.pk: upload for job in told for upload in job.uploads}.values()
        return cls(
            **cls.facts(batch, tally),
            uploads=[Upload.of(upload, with_form=with_forms) for upload in uploads],
            jobs=[Job.of(job) for job in shown],
            next=str(shown[-1].position) if len(found) > len(shown) else None,
        )


class Preparing(Schema):
    detail: str


class Format(Schema):
    name: str
    label: str
    extensions: list[str]
    mime: str
    decodes: bool
    encodes: bool
    alpha: bool
    animation: bool
    pages: bool
    lossless: bool
    quality: bool
    icc: bool
    max_side: Annotated[int, Field(description="In pixels.")]
    shows_in_browser: bool
    options: Annotated[
        dict[str, Any] | None,
        Field(
            description="JSON schema of a recipe for this output format. Null if the format can only be read."
        ),
    ]

    @classmethod
    def of(cls, format: engine.Format, is_made: bool) -> Format:
        """Return the format; `is_made` is whether the site's staff allow it as an output."""
        names = set(cls.model_fields) - {"encodes", "extensions", "options"}
        encodes = format.encodes and is_made
        return cls(
            **{name: getattr(format, name) for name in names},
            encodes=encodes,
            extensions=list(format.extensions),
            options=engine.output_schema(format) if encodes else None,
        )


class Recipe(Schema):
    id: uuid.UUID
    name: str
    recipe: Annotated[
        dict[str, Any], Field(description="The first output, in canonical form without default values.")
    ]
    outputs: Annotated[list[dict[str, Any]], Field(description="The recipes of all outputs.")]
    sentence: Annotated[str, Field(description="The recipe in plain words.")]
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, recipe: models.Recipe) -> Recipe:
        return cls(
            id=recipe.pk,
            name=recipe.name,
            recipe=recipe.recipe,
            outputs=recipe.outputs,
            sentence="; ".join(engine.sentence(engine.Recipe.parse(output)) for output in recipe.outputs),
            created_at=recipe.created_at,
            updated_at=recipe.updated_at,
        )


class Preferences(Schema):
    retention_hours: Annotated[float | None, Field(description="Null for the site's default.")]
    recipe: uuid.UUID | None

    @classmethod
    def of(cls, preferences: models.Preferences) -> Preferences:
        chosen = preferences.retention
        return cls(
            retention_hours=chosen / timedelta(hours=1) if chosen else None, recipe=preferences.recipe_id
        )


class Share(Schema):
    id: uuid.UUID
    url: Annotated[str, Field(description="The page to share.")]
    zip_url: Annotated[
        str,
        Field(
            description="All shared results as a ZIP, without a token: 302 to the file, or 202 while it is being created."
        ),
    ]
    jobs: list[uuid.UUID]
    created_at: datetime
    expires_at: datetime
    opened: Annotated[int, Field(description="How often others have opened the link.")]

    @classmethod
    def of(cls, share: models.Share, url: str, zip_url: str) -> Share:
        return cls(
            id=share.pk,
            url=url,
            zip_url=zip_url,
            jobs=[job.pk for job in share.jobs.all()],
            created_at=share.created_at,
            expires_at=share.expires_at,
            opened=share.opened,
        )


class Metadata(Schema):
    upload: uuid.UUID
    name: str
    size: Annotated[int, Field(description="In bytes.")]
    received_at: datetime
    found: Annotated[dict[str, Any], Field(description="What the file contains: format, dimensions, EXIF …")]


class Webhook(Schema):
    id: uuid.UUID
    url: str
    events: list[models.Webhook.Event]
    created_at: datetime
    disabled_at: Annotated[
        datetime | None,
        Field(description="When it was paused: by you, after a 410, or after 5 days of failures."),
    ]
    failing_since: Annotated[
        datetime | None, Field(description="Time of the first failure since an event was last accepted.")
    ]

    @classmethod
    def of(cls, webhook: models.Webhook) -> Self:
        names = set(cls.model_fields) - {"events"}
        return cls(
            **{name: getattr(webhook, name) for name in names},
            events=[models.Webhook.Event(event) for event in webhook.events],
        )


class NewWebhook(Webhook):
    secret: Annotated[str, Field(description="Signs requests (Standard Webhooks 1.0). Only shown once.")]


class Delivery(Schema):
    id: uuid.UUID
    event: str
    body: Annotated[str, Field(description="The request body, as JSON.")]
    created_at: datetime
    attempts: int
    due_at: Annotated[datetime | None, Field(description="Time of the next attempt. Null if there is none.")]
    delivered_at: datetime | None
    answer_status: int | None
    answer: Annotated[str, Field(description="The start of the response, or the error.")]

    @classmethod
    def of(cls, delivery: models.Delivery) -> Delivery:
        return cls(**{name: getattr(delivery, name) for name in cls.model_fields})


class Jobs(Schema):
    items: list[Job]
    next: str | None


class Batches(Schema):
    items: list[BatchSummary]
    next: str | None


class Recipes(Schema):
    items: list[Recipe]
    next: str | None


class Webhooks(Schema):
    items: list[Webhook]
    next: str | None


class Deliveries(Schema):
    items: list[Delivery]
    next: str | None


class Shares(Schema):
    items: list[Share]
    next: str | None


class Formats(Schema):
    items: list[Format]
    next: str | None = None
    auto: Annotated[dict[str, Any], Field(description="JSON schema of a recipe with format `auto`.")]


class ProblemDetail(Schema):
    """A single error, with a JSON pointer into the body or the name of a parameter."""

    pointer: str | None = None
    parameter: str | None = None
    code: str
    params: dict[str, Any]
    detail: Annotated[str, Field(description="In English.")]


class Problem(Schema):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: Annotated[str, Field(description="In English.")]
    code: Annotated[str, Field(description="Stable error code. `type` links to its explanation.")]
    params: Annotated[
        dict[str, Any], Field(description="The parameters of the detail, such as limits and names.")
    ]
    errors: list[ProblemDetail] | None = None


def summaries(batches: Iterable[models.Batch], tallies: dict[uuid.UUID, models.Tally]) -> list[BatchSummary]:
    return [BatchSummary(**BatchSummary.facts(batch, tallies[batch.pk])) for batch in batches]
