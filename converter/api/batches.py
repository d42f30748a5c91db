from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Annotated

from django.http import HttpResponse, HttpResponseRedirect
from ninja import Query, Router, Status

from converter import engine, jobs, outbound
from converter.api import idempotency, schemas
from converter.api.access import ApiRequest, own
from converter.api.cursors import Paging, page, position
from converter.api.openapi import problems
from converter.api.problems import invalid_request
from converter.jobs.submit import OnCreate, ignore, submit
from converter.models import Batch, Recipe, Upload
from converter.snapshot import snapshot

router = Router(tags=["batches"])


@router.post("", response={201: schemas.Batch}, openapi_extra=problems(410), url_name="batches")
def submit_batch(
    request: ApiRequest, body: schemas.BatchIn, idempotency_key: idempotency.Key = None
) -> HttpResponse:
    """Create a batch with one job for each image and output.

    Then upload each file with its form. Its jobs start when the file has arrived. With `join` there is one job for all
    images, which starts when the last of them has arrived.
    """

    def create(on_create: OnCreate) -> Batch:
        return submitted(request, body, on_create=on_create)

    def tell(batch: Batch) -> schemas.Batch:
        return schemas.Batch.of(batch, with_forms=True)

    return idempotency.once(request, idempotency_key, create, tell, "api:batch")


def submitted(
    request: ApiRequest, body: schemas.BatchIn, *, kept: bool = True, on_create: OnCreate = ignore
) -> Batch:
    """Create and return the requested batch.

    Raises Problem, InvalidSubmission and OverQuota, with pointers into the body.
    """
    wanted = [upload if isinstance(upload, uuid.UUID) else upload.id for upload in body.uploads]
    return submit(
        request.auth.user,
        outputs=_outputs(request, body),
        files=[_new_file(index, file, body.join) for index, file in enumerate(body.files)],
        uploads=_own_uploads(request, wanted),
        own_outputs={
            upload.id: schemas.parse_outputs(upload.outputs, f"/uploads/{index}/outputs", body.join)
            for index, upload in enumerate(body.uploads)
            if isinstance(upload, schemas.UploadIn)
        },
        name_pattern=body.name_pattern,
        join=body.join is not None,
        kept=kept,
        on_create=on_create,
    )


def _outputs(request: ApiRequest, body: schemas.BatchIn) -> list[engine.Recipe]:
    """Return the outputs for all images, from the body or from a saved recipe."""
    if body.recipe is None and not body.outputs:
        raise schemas.wrong("/outputs", "Field required")
    if body.recipe is None:
        return schemas.parse_outputs(body.outputs, "/outputs", body.join)
    if body.outputs:
        raise schemas.wrong("/recipe", "send either recipe or outputs")
    saved = Recipe.objects.filter(pk=body.recipe, owner=request.auth.user.pk).first()
    if saved is None:
        raise invalid_request(engine.Problem("/recipe", engine.Message("recipe_not_found")))
    try:
        return [engine.Recipe.parse(output) for output in saved.outputs]
    except engine.InvalidRecipe as exc:
        raise schemas.refused(exc, "/recipe") from exc


def _new_file(index: int, file: schemas.FileIn | schemas.UrlIn, join: str | None) -> jobs.NewFile:
    outputs = tuple(schemas.parse_outputs(file.outputs, f"/files/{index}/outputs", join))
    if isinstance(file, schemas.FileIn):
        return jobs.NewFile(file.name, file.size, outputs=outputs)
    try:
        return replace(jobs.NewFile.from_url(file.url), outputs=outputs)
    except outbound.FetchError as exc:
        raise _invalid_submission(engine.Problem(f"/files/{index}/url", exc.message)) from exc


def _own_uploads(request: ApiRequest, ids: list[uuid.UUID]) -> list[Upload]:
    found = Upload.objects.filter(owner=request.auth.user.pk).in_bulk(ids)
    wrong, seen = [], set[uuid.UUID]()
    for index, pk in enumerate(ids):
        if pk not in found or pk in seen:
            code = "upload_repeated" if pk in found else "upload_not_found"
            wrong.append(engine.Problem(f"/uploads/{index}", engine.Message(code)))
        seen.add(pk)
    if wrong:
        raise _invalid_submission(*wrong)
    return [found[pk] for pk in ids]


def _invalid_submission(*wrong: engine.Problem) -> jobs.InvalidSubmission:
    messages = list({problem.message.text: problem.message for problem in wrong}.values())
    return jobs.InvalidSubmission(errors=wrong, problems=messages)


@router.get("", response=schemas.Batches, openapi_extra=problems(), url_name="batches")
def list_batches(request: ApiRequest, paging: Query[Paging]) -> schemas.Batches:
    """List your batches, newest first."""
    with snapshot():
        found, following = page(Batch.objects.filter(owner=request.auth.user.pk, kept=True), paging)
        tallies = Batch.objects.filter(pk__in=[batch.pk for batch in found]).tallies()
    return schemas.Batches(items=schemas.summaries(found, tallies), next=following)


@router.get("/{id:batch_id}", response=schemas.Batch, openapi_extra=problems(404), url_name="batch")
def get_batch(
    request: ApiRequest,
    batch_id: uuid.UUID,
    cursor: Annotated[str | None, Query(None, description="`next` of the previous page.")] = None,
) -> schemas.Batch:
    """Get a batch with its jobs, up to 400 at a time."""
    after = position(cursor)
    with snapshot():
        return schemas.Batch.of(own(request, Batch.objects.all(), batch_id), after=after)


@router.delete("/{id:batch_id}", response={204: None}, openapi_extra=problems(404), url_name="batch")
def delete_batch(request: ApiRequest, batch_id: uuid.UUID) -> Status[None]:
    """Delete a batch with its images and results."""
    jobs.remove(own(request, Batch.objects.all(), batch_id))
    return Status(204, None)


@router.post(
    "/{id:batch_id}/cancel",
    response=schemas.Batch,
    openapi_extra=problems(404, 409),
    url_name="cancel_batch",
)
def cancel_batch(request: ApiRequest, batch_id: uuid.UUID) -> schemas.Batch:
    """Cancel all unfinished jobs of a batch. Finished results are kept."""
    batch = own(request, Batch.objects.all(), batch_id)
    if not jobs.cancel_batch(batch):
        raise jobs.Conflict(kind="cancel_batch")
    return schemas.Batch.of(batch)


@router.post(
    "/{id:batch_id}/retry", response=schemas.Batch, openapi_extra=problems(404, 409), url_name="retry_batch"
)
def retry_batch(request: ApiRequest, batch_id: uuid.UUID) -> schemas.Batch:
    """Retry the failed and cancelled jobs of a batch whose images are still available."""
    batch = own(request, Batch.objects.all(), batch_id)
    if not jobs.retry_batch(batch):
        raise jobs.Conflict(kind="retry_batch")
    return schemas.Batch.of(batch)


@router.get(
    "/{id:batch_id}/zip",
    response={202: schemas.Preparing, 302: None},
    openapi_extra=problems(404, 409, 410, 507),
    url_name="batch_zip",
)
def get_zip(
    request: ApiRequest, batch_id: uuid.UUID, response: HttpResponse
) -> HttpResponse | Status[schemas.Preparing]:
    """Get all finished results as a ZIP: 302 to the file, or 202 while it is being created."""
    url = jobs.zip_url(own(request, Batch.objects.all(), batch_id))
    if url:
        return HttpResponseRedirect(url)
    response["Retry-After"] = "2"
    return Status(202, schemas.Preparing(detail="The ZIP is being created. Try again in a moment."))
