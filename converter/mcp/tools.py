"""The tools: operations of the API, with the same checks, quotas and errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ninja import Schema
from ninja.errors import ValidationError
from pydantic import TypeAdapter
from pydantic import ValidationError as InvalidArguments

from converter import engine, jobs, metadata, models
from converter.api import errors, schemas, waiting
from converter.api.access import ApiRequest, Caller, own
from converter.api.batches import submitted
from converter.api.bodies import pointing
from converter.api.problems import Problem, invalid_request
from converter.engine.formats import AUTO
from converter.mcp import answers, arguments

JOBS_A_PAGE = 50
ROWS = models.Job.objects.select_related("upload", "batch")
# A minimal conversion that makes the worker read the file. Its result is not used.
LOOK = {"format": "jpeg", "frames": "first", "resize": {"width": 64, "height": 64}}
PLACES = {"/files/0/url": "/url", "/files/0": "/file", "/uploads/0": "/upload"}
"""The place in the arguments of each place in a batch."""


@dataclass(frozen=True)
class Tool:
    name: str
    title: str
    description: str
    takes: type[arguments.Arguments]
    gives: Any
    """The type of its result."""
    run: Callable[[ApiRequest, Any], Schema]
    said: Callable[[Any], answers.Content]
    writes: bool = False
    """Whether it needs a token with write access."""

    def described(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.takes.model_json_schema(),
            "outputSchema": {"type": "object", **TypeAdapter(self.gives).json_schema(mode="serialization")},
            "annotations": {
                "readOnlyHint": not self.writes,
                "destructiveHint": False,
                "idempotentHint": not self.writes,
                "openWorldHint": self.writes,
            },
        }


def listed(caller: Caller) -> list[dict[str, Any]]:
    """Return the tools that the caller's token may use."""
    return [tool.described() for tool in TOOLS.values() if caller.may_write or not tool.writes]


def call(request: ApiRequest, tool: Tool, given: dict[str, Any]) -> dict[str, Any]:
    """Return the tool's result, or the problem that the API would return, as text and structured content."""
    try:
        if tool.writes:
            _check_scope(request)
        answer = tool.run(request, _read(tool.takes, given))
    except Exception as exc:
        problem = json.loads(errors.answer(request, exc).content)
        return {"content": [answers.text(_said(problem))], "structuredContent": problem, "isError": True}
    return {
        "content": tool.said(answer),
        "structuredContent": answer.model_dump(mode="json"),
        "isError": False,
    }


def _said(problem: Mapping[str, Any]) -> str:
    lines = [f"{problem['detail']} ({problem['code']})"]
    for error in problem.get("errors", ()):
        pointer = error.get("pointer") or "/"
        said = error["detail"]
        lines.append(said if said.startswith(f"{pointer}:") else f"{pointer}: {said}")
    return "\n".join(lines)


def _read(takes: type[arguments.Arguments], given: dict[str, Any]) -> arguments.Arguments:
    try:
        return takes.model_validate(given)
    except InvalidArguments as exc:
        found = exc.errors(include_url=False, include_context=False, include_input=False)
        raise ValidationError(
            [{**wrong, "loc": ("body", "arguments", *wrong["loc"])} for wrong in found]
        ) from exc


def _check_scope(request: ApiRequest) -> None:
    if not request.auth.may_write:
        raise Problem("read_only_token")


# --- Implementations ---------------------------------------------------------------------------------------


def _inspect(request: ApiRequest, given: arguments.Inspect) -> answers.Image:
    upload = own(request, models.Upload.objects.all(), given.upload) if given.upload else None
    if upload and upload.is_gone:
        raise jobs.Gone(kind="image")
    found = _known(upload) if upload else None
    if upload is None or (found is None and upload.received_at):
        _check_scope(request)
        upload = _looked_into(request, given)
        found = metadata.store().get(upload.pk)
    awaited = not upload.received_at and not upload.source_url
    return answers.Image(
        upload=answers.Upload.of(request, upload, awaited=awaited),
        expires_at=upload.expires_at,
        size=upload.size,
        found=found,
    )


def _known(upload: models.Upload) -> dict[str, Any] | None:
    """Return the metadata of an upload, after waiting for the worker to read the file if necessary."""
    found = metadata.store().get(upload.pk)
    job = None if found else ROWS.filter(upload=upload, status__in=models.Job.UNFINISHED).first()
    if job is None:
        return found
    waiting.until_done(job, waiting.LONGEST)
    upload.refresh_from_db()
    return metadata.store().get(upload.pk)


def _looked_into(request: ApiRequest, given: arguments.Inspect) -> models.Upload:
    job = _submitted(request, given, LOOK, kept=False)
    if answers.awaits_file(job):
        return job.upload
    job = _waited(job, waiting.LONGEST)
    if job.error_code:
        raise jobs.JobError(job.error_code, **(job.error_params or {}))
    if given.upload and job.has_result:
        jobs.remove(job.batch)  # keeps the upload, which existed before
    return job.upload


def _convert(request: ApiRequest, given: arguments.Convert) -> answers.Job:
    job = _submitted(request, given, given.recipe)
    return answers.Job.of(request, job if answers.awaits_file(job) else _waited(job, given.wait))


def _submitted(
    request: ApiRequest, given: arguments.Source, recipe: dict[str, Any], *, kept: bool = True
) -> models.Job:
    if sum(source is not None for source in (given.url, given.upload, given.file)) != 1:
        raise invalid_request(engine.Problem("", engine.Message("one_source")))
    schemas.parse_single(recipe, "/recipe")
    body = schemas.BatchIn.model_construct(
        files=_files([given.file] if given.file else [], [given.url] if given.url else []),
        uploads=[given.upload] if given.upload else [],
        outputs=[recipe],
    )
    with pointing(PLACES):
        batch = submitted(request, body, kept=kept)
    return ROWS.get(batch=batch)


def _files(files: Sequence[arguments.File], urls: Sequence[str]) -> list[schemas.FileIn | schemas.UrlIn]:
    return [
        *(schemas.FileIn(name=file.name, size=file.size) for file in files),
        *(schemas.UrlIn(url=url) for url in urls),
    ]


def _waited(job: models.Job, seconds: float) -> models.Job:
    if seconds:
        waiting.until_done(job, seconds)
    return ROWS.get(pk=job.pk)


def _batch(request: ApiRequest, given: arguments.Batch) -> answers.Batch:
    body = schemas.BatchIn.model_construct(
        files=_files(given.files, given.urls),
        uploads=given.uploads,
        outputs=given.outputs,
        join=given.join,
    )
    places = {f"/files/{len(given.files) + index}/url": f"/urls/{index}" for index in range(len(given.urls))}
    with pointing(places):
        batch = submitted(request, body)
    return _told(request, batch, 0)


def _get(request: ApiRequest, given: arguments.Get) -> answers.Job | answers.Batch:
    if (given.job is None) == (given.batch is None):
        raise invalid_request(engine.Problem("", engine.Message("job_or_batch")))
    if given.job:
        return answers.Job.of(request, _waited(own(request, ROWS.all(), given.job), given.wait))
    assert given.batch
    batch = own(request, models.Batch.objects.all(), given.batch)
    unfinished = batch.jobs.filter(status__in=models.Job.UNFINISHED).order_by("-position").first()
    if unfinished:
        _waited(unfinished, given.wait)
    return _told(request, own(request, models.Batch.objects.all(), given.batch), given.after)


def _told(request: ApiRequest, batch: models.Batch, after: int) -> answers.Batch:
    rows = list(
        batch.jobs.select_related("upload", "batch").order_by("position")[after : after + JOBS_A_PAGE + 1]
    )
    tally = batch.tally
    awaited = {
        upload.pk: upload
        for job in rows[:JOBS_A_PAGE]
        for upload in job.uploads
        if answers.awaits(job, upload)
    }
    return answers.Batch(
        batch=batch.pk,
        status=tally.state,
        total=tally.total,
        done=tally.done,
        expires_at=batch.expires_at,
        uploads=[answers.Upload.of(request, upload, awaited=True) for upload in awaited.values()],
        jobs=[answers.BatchJob.of(request, job) for job in rows[:JOBS_A_PAGE]],
        next=after + JOBS_A_PAGE if len(rows) > JOBS_A_PAGE else None,
    )


def _formats(request: ApiRequest, given: arguments.Formats) -> answers.Formats:
    options = None
    if given.format == AUTO:
        options = engine.auto_schema()
    elif given.format:
        format = engine.FORMATS.get(given.format)
        if format is None or not format.encodes:
            choices = schemas.OUTPUTS
            wrong = engine.Message("option_choice", {"option": "Format", "choices": choices})
            raise invalid_request(engine.Problem("/format", wrong))
        options = engine.output_schema(format)
    return answers.Formats(
        formats=[answers.Format.of(one) for one in engine.FORMATS.values()], options=options
    )


def _said_of_got(got: answers.Job | answers.Batch) -> answers.Content:
    return answers.said_of_job(got) if isinstance(got, answers.Job) else answers.said_of_batch(got)


TOOLS = {
    tool.name: tool
    for tool in (
        Tool(
            "inspect",
            "Inspect an image",
            "Get the properties of an image: format, dimensions, frames, colour profile, camera, date and location. "
            "The upload in the response can be converted.",
            arguments.Inspect,
            answers.Image,
            _inspect,
            answers.said_of_image,
        ),
        Tool(
            "convert",
            "Convert an image",
            "Convert one image: change its format, size, quality, maximum file size, crop, rotation, metadata or "
            "watermark. Waits for the result and returns a link to it with a report of what changed. For example, "
            '{"url": "https://example.org/photo.jpg", "recipe": {"format": "auto", "target_bytes": 200000, '
            '"resize": {"width": 1600}}} makes it at most 200 KB and 1600 pixels wide.',
            arguments.Convert,
            answers.Job,
            _convert,
            answers.said_of_job,
            writes=True,
        ),
        Tool(
            "batch",
            "Convert several images",
            "Convert several images at once, each with one or more recipes, or join them into one PDF. Returns at once; "
            "call get with the batch's id to wait for the results.",
            arguments.Batch,
            answers.Batch,
            _batch,
            answers.said_of_batch,
            writes=True,
        ),
        Tool(
            "get",
            "Get a job or batch",
            "Get the status of a job or batch with links to its results, optionally waiting for them.",
            arguments.Get,
            answers.Job | answers.Batch,
            _get,
            _said_of_got,
        ),
        Tool(
            "formats",
            "List formats",
            "List the formats that can be read and written. Pass a format to get the options of its recipe.",
            arguments.Formats,
            answers.Formats,
            _formats,
            answers.said_of_formats,
        ),
    )
}
