"""Results of the tools: structured data, and a few lines of text with the same content."""

from __future__ import annotations

import shlex
import uuid
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Schema

from converter import engine, jobs, models
from converter.api.schemas import Failure, Form


class Result(Schema):
    url: Annotated[str, Field(description="Download link. It needs no token and is valid for five minutes.")]
    name: str
    format: str
    mime: str
    width: int
    height: int
    size: Annotated[int, Field(description="In bytes.")]


class Upload(Schema):
    id: uuid.UUID
    name: str
    form: Annotated[
        Form | None,
        Field(description="Set while the file is missing: POST it with this form. Valid for five minutes."),
    ] = None
    command: Annotated[str | None, Field(description="The form as a curl command.")] = None

    @classmethod
    def of(cls, request: HttpRequest, upload: models.Upload, *, awaited: bool) -> Upload:
        if not awaited or upload.is_gone:
            return cls(id=upload.pk, name=upload.name)
        form = jobs.upload_form(upload)
        url = request.build_absolute_uri(form.url)
        fields = [part for name, value in form.fields.items() for part in ("-F", f"{name}={value}")]
        # Quote the path for curl as well: it splits unquoted paths at semicolons and commas.
        path = upload.name.replace("\\", "\\\\").replace('"', '\\"')
        command = shlex.join(["curl", "--fail-with-body", "-sS", *fields, "-F", f'file=@"{path}"', url])
        return cls(id=upload.pk, name=upload.name, form=Form(url=url, fields=form.fields), command=command)


class Job(Schema):
    job: uuid.UUID
    upload: Upload
    status: models.Job.Status
    result: Result | None
    error: Failure | None
    report: Annotated[dict[str, Any] | None, Field(description="What changed during the conversion.")]

    @classmethod
    def of(cls, request: HttpRequest, job: models.Job) -> Job:
        """Return the job for agents. Reads its upload and batch, so select them with it."""
        return cls(
            job=job.pk,
            upload=Upload.of(request, job.upload, awaited=awaits_file(job)),
            status=models.Job.Status(job.state),
            result=_result(request, job) if job.has_result else None,
            error=Failure(**job.error) if job.error else None,
            report=job.report,
        )


def awaits_file(job: models.Job) -> bool:
    """Return whether the job waits for its owner to upload its image, or the first of several."""
    return awaits(job, job.upload)


def awaits(job: models.Job, upload: models.Upload) -> bool:
    """Return whether the job waits for its owner to upload this image."""
    is_waiting = job.status == models.Job.Status.AWAITING_UPLOAD
    return is_waiting and not upload.source_url and upload.received_at is None


def _result(request: HttpRequest, job: models.Job) -> Result:
    return Result(
        url=request.build_absolute_uri(jobs.result_url(job)),
        name=job.result_name,
        format=job.result_format,
        mime=engine.FORMATS[job.result_format].mime,
        width=job.result_width or 0,
        height=job.result_height or 0,
        size=job.result_size or 0,
    )


class BatchJob(Schema):
    """A job of a batch, without its report."""

    job: uuid.UUID
    name: str
    status: models.Job.Status
    result: Result | None
    error: Failure | None

    @classmethod
    def of(cls, request: HttpRequest, job: models.Job) -> BatchJob:
        return cls(
            job=job.pk,
            name=job.upload.name,
            status=models.Job.Status(job.state),
            result=_result(request, job) if job.has_result else None,
            error=Failure(**job.error) if job.error else None,
        )


class Batch(Schema):
    batch: uuid.UUID
    status: Annotated[str, Field(description="A job status, or `partially_failed`.")]
    total: Annotated[int, Field(description="Number of jobs.")]
    done: Annotated[int, Field(description="Number of jobs that have ended, whatever the outcome.")]
    expires_at: datetime
    uploads: Annotated[list[Upload], Field(description="Missing files, with their upload forms.")]
    jobs: list[BatchJob]
    next: Annotated[int | None, Field(description="Pass it as `after` to see more jobs. Null at the end.")]


class Image(Schema):
    upload: Upload
    expires_at: Annotated[datetime, Field(description="When the upload is deleted.")]
    size: Annotated[int, Field(description="In bytes.")]
    found: Annotated[
        dict[str, Any] | None,
        Field(description="What the file contains: format, dimensions, EXIF … Null while it is unknown."),
    ]


class Format(Schema):
    name: str
    label: str
    reads: bool
    writes: bool
    alpha: bool
    animation: bool
    pages: bool
    lossless: bool
    quality: bool
    max_side: Annotated[int, Field(description="In pixels.")]

    @classmethod
    def of(cls, format: engine.Format) -> Format:
        same = set(cls.model_fields) - {"reads", "writes"}
        return cls(
            **{name: getattr(format, name) for name in same}, reads=format.decodes, writes=format.encodes
        )


class Formats(Schema):
    formats: list[Format]
    options: Annotated[
        dict[str, Any] | None, Field(description="JSON schema of a recipe for the requested format.")
    ]


Content = list[dict[str, Any]]


def said_of_job(job: Job) -> Content:
    """Return a text description of the job, with a link to its result."""
    if job.error:
        return [text(f"{job.upload.name}: {job.error.message} ({job.error.code}, job {job.job})")]
    if job.upload.command:
        return [
            text(
                f"Upload {job.upload.name} with the form, then call get with job {job.job}.\n{job.upload.command}"
            )
        ]
    if job.result is None:
        more = f" Call get with job {job.job}." if job.status in models.Job.UNFINISHED else ""
        return [text(f"{job.upload.name}: {job.status}.{more}")]
    report = job.report or {}
    lines = [f"{_line(job.result)}. The original has {report.get('bytes_before', 0):,} bytes. Job {job.job}."]
    lines += [str(said["text"]) for kind in ("warnings", "notes") for said in report.get(kind, ())]
    return [text("\n".join(lines)), link(job.result)]


def said_of_batch(batch: Batch) -> Content:
    lines = [f"Batch {batch.batch}: {batch.status}, {batch.done} of {batch.total} jobs done."]
    lines += [f"Upload {upload.name}: {upload.command}" for upload in batch.uploads]
    lines += [f"{job.name}: {job.error.message} ({job.error.code})" for job in batch.jobs if job.error]
    results = [job.result for job in batch.jobs if job.result]
    lines += [_line(result) for result in results]
    if batch.next is not None:
        lines.append(f"There are more jobs: call get with after={batch.next}.")
    return [text("\n".join(lines)), *map(link, results)]


def said_of_image(image: Image) -> Content:
    if image.found is None:
        hint = f"\n{image.upload.command}" if image.upload.command else ""
        return [text(f"Not known yet. Call inspect with upload {image.upload.id}.{hint}")]
    found = image.found
    what = f"{found['format']}, {found['width']} × {found['height']} px, {image.size:,} bytes"
    return [text(f"{image.upload.name}: {what}. Upload {image.upload.id}.")]


def said_of_formats(formats: Formats) -> Content:
    reads = ", ".join(format.name for format in formats.formats if format.reads)
    writes = ", ".join(format.name for format in formats.formats if format.writes)
    return [text(f"Reads {reads}.\nWrites {writes}, or auto: the best format for each image.")]


def text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def link(result: Result) -> dict[str, Any]:
    return {
        "type": "resource_link",
        "uri": result.url,
        "name": result.name,
        "mimeType": result.mime,
        "size": result.size,
    }


def _line(result: Result) -> str:
    return f"{result.name}: {result.format}, {result.width} × {result.height} px, {result.size:,} bytes"
