from __future__ import annotations

import hashlib
import json
import uuid
from typing import Annotated, Any

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from ninja import File, Form, Router, Status, UploadedFile

from converter import engine, jobs, storage
from converter.api import idempotency, schemas, waiting
from converter.api.access import ApiRequest, own
from converter.api.bodies import check_fields, pointing, small
from converter.api.openapi import any_bytes, problems
from converter.api.problems import Problem, invalid_request
from converter.engine import strict_json
from converter.jobs.submit import OnCreate, submit
from converter.models import Batch, Job, Upload
from converter.problems import answer

router = Router(tags=["convert"])

ROWS = Job.objects.select_related("upload", "batch")

LONGEST = 25  # seconds; an API gateway times out after 29
LONGEST_HEADER = 4000  # characters
FIELDS = ("file", "upload", "recipe", "keep")
PLACES = {"/files/0/size": "/file", "/uploads/0": "/upload", "/outputs/0": "/recipe"}
"""The place in the form of each place in a batch."""


@router.post(
    "",
    response={200: None, 202: schemas.Job},
    openapi_extra={
        "responses": {200: any_bytes("The converted image."), **problems(404, 409, 410)["responses"]}
    },
    url_name="convert",
)
def convert_image(
    request: ApiRequest,
    response: HttpResponse,
    recipe: Annotated[
        str,
        Form(description="A recipe, as JSON.", examples=['{"format": "webp", "resize": {"width": 1600}}']),
    ],
    file: Annotated[
        UploadedFile | None, File(description="The image. For large images, use a batch.")
    ] = None,
    upload: Annotated[
        uuid.UUID | None, Form(description="The id of an existing upload, instead of a file.")
    ] = None,
    keep: Annotated[
        bool,
        Form(
            description="Keep the image and the result in your history. If false, both are deleted right after the response."
        ),
    ] = True,
    idempotency_key: idempotency.Key = None,
) -> HttpResponse | Status[schemas.Job]:
    """Convert one image in a single request: a small file, or an existing upload of any size.

    Returns 200 with the result, the job's id in `Job-Id` and its report in `Job-Report` (unless it is too long for a
    header). Returns 202 with the job, and its URL in `Location`, if the conversion takes longer than 25 seconds, the
    result is too large for one response or the server is busy; with `keep=false` this is an error instead.
    """
    check_fields(request, *FIELDS)
    if (file is None) == (upload is None):
        raise invalid_request(engine.Problem("/file", engine.Message("file_or_upload")))

    def create(on_create: OnCreate) -> Batch:
        with pointing(PLACES):
            return submit(
                request.auth.user,
                outputs=[_parsed(recipe)],
                files=[small(file)] if file else [],
                uploads=[_here(request, upload)] if upload else [],
                kept=keep,
                on_create=on_create,
            )

    def tell(batch: Batch) -> dict[str, str]:
        return {"job": str(batch.jobs.get().pk)}

    content = _content(recipe, file, upload, keep) if idempotency_key else b""
    answer, replayed = idempotency.remembered(request, idempotency_key, content, create, tell)
    job = _job(uuid.UUID(answer["job"]))
    try:
        converted = _converted(job, file, keep, response)
    finally:
        # Delete it here: a client that has closed the connection cannot do so itself.
        if not keep and not replayed:
            jobs.remove(job.batch)
    if replayed:
        (converted if isinstance(converted, HttpResponse) else response)[idempotency.REPLAYED] = "true"
    return converted


def _content(recipe: str, file: UploadedFile | None, upload: uuid.UUID | None, keep: bool) -> bytes:
    """Return a digest that identifies the request. It leaves out the random multipart boundary."""
    digest = hashlib.sha256(repr((recipe, upload, keep, file and file.name)).encode())
    if file:
        for chunk in file.chunks():
            digest.update(chunk)
        file.seek(0)
    return digest.digest()


def _here(request: ApiRequest, upload_id: uuid.UUID) -> Upload:
    upload = own(request, Upload.objects.all(), upload_id)
    if upload.is_gone:
        raise jobs.Gone(kind="image")
    return upload


def _job(pk: uuid.UUID) -> Job:
    job = ROWS.filter(pk=pk).first()
    if job is None:
        raise jobs.Gone(kind="result")  # deleted by the user, or after the first answer with keep=false
    return job


def _converted(
    job: Job, file: UploadedFile | None, keep: bool, response: HttpResponse
) -> HttpResponse | Status[schemas.Job]:
    if file and not job.upload.received_at:
        jobs.store(job.upload, file)

    had_place = waiting.until_done(job, LONGEST)
    job = _job(job.pk)
    if job.status == Job.Status.FAILED:
        message = engine.Message(job.error_code, job.error_params or {})
        return answer(message, detail=job.error_message, headers={"Job-Id": str(job.pk)})
    if not job.has_result or (job.result_size or 0) > settings.CONVERTER_ONE_SHOT_BYTES:
        if keep:
            response["Location"] = reverse("api:job", args=[job.pk])
            if not had_place:
                response["Retry-After"] = "1"
            return Status(202, schemas.Job.of(job))
        if job.is_unfinished and not had_place:
            raise Problem("unavailable", kind="busy", headers={"Retry-After": "2"})
        raise Problem("not_in_time")
    data = jobs.read_result(job)
    response = HttpResponse(data, content_type=engine.FORMATS[job.result_format].mime)
    response["Job-Id"] = str(job.pk)
    response["Content-Disposition"] = storage.attachment(job.result_name)
    response["X-Content-Type-Options"] = "nosniff"
    report = json.dumps(job.report)
    if len(report) <= LONGEST_HEADER:
        response["Job-Report"] = report
    return response


def _parsed(recipe: str) -> engine.Recipe:
    try:
        value: Any = strict_json.loads(recipe)
    except ValueError as exc:
        not_json = engine.Problem("/recipe", engine.Message("recipe_not_json"))
        raise schemas.refused(engine.InvalidRecipe([not_json])) from exc
    return schemas.parse_single(value, "/recipe")
