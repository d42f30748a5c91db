from __future__ import annotations

import uuid
from typing import Annotated

from django.db.models import prefetch_related_objects
from django.http import HttpResponse, HttpResponseRedirect
from ninja import Field, Query, Router, Status

from converter import jobs
from converter.api import schemas, waiting
from converter.api.access import ApiRequest, own
from converter.api.cursors import Paging, page
from converter.api.openapi import problems
from converter.models import Job

router = Router(tags=["jobs"])

ROWS = Job.objects.select_related("upload", "batch")


class JobFilter(Paging):
    status: Annotated[
        list[Job.Status], Field(description="Only jobs with this status, or with one of several.")
    ] = []
    batch: Annotated[uuid.UUID | None, Field(description="Only jobs of this batch.")] = None


@router.get("", response=schemas.Jobs, openapi_extra=problems(), url_name="jobs")
def list_jobs(request: ApiRequest, query: Query[JobFilter]) -> schemas.Jobs:
    """List your jobs, newest first."""
    rows = ROWS.filter(owner=request.auth.user.pk)
    if query.status:
        rows = rows.in_state(*query.status)
    if query.batch:
        rows = rows.filter(batch=query.batch)
    found, following = page(rows, query)
    prefetch_related_objects([job for job in found if job.is_joined], "sources")
    return schemas.Jobs(items=[schemas.Job.of(job) for job in found], next=following)


@router.get("/{id:job_id}", response=schemas.Job, openapi_extra=problems(404), url_name="job")
def get_job(
    request: ApiRequest,
    response: HttpResponse,
    job_id: uuid.UUID,
    wait: Annotated[
        float,
        Query(0, ge=0, le=waiting.LONGEST, description="Seconds to wait for the job to finish."),
    ] = 0,
) -> schemas.Job:
    """Get a job.

    The number of waiting requests is limited. When the limit is reached, the response is immediate, with `Retry-After`.
    """
    job = own(request, ROWS.all(), job_id)
    if wait and job.is_unfinished:
        if not waiting.until_done(job, wait):
            response["Retry-After"] = "1"
        job = own(request, ROWS.all(), job_id)
    return schemas.Job.of(job)


@router.post(
    "/{id:job_id}/retry", response=schemas.Job, openapi_extra=problems(404, 409, 410), url_name="retry_job"
)
def retry_job(request: ApiRequest, job_id: uuid.UUID) -> schemas.Job:
    """Retry a failed or cancelled job."""
    job = own(request, ROWS.all(), job_id)
    jobs.retry(job)
    return schemas.Job.of(job)


@router.post(
    "/{id:job_id}/cancel", response=schemas.Job, openapi_extra=problems(404, 409), url_name="cancel_job"
)
def cancel_job(request: ApiRequest, job_id: uuid.UUID) -> schemas.Job:
    """Cancel an unfinished job."""
    job = own(request, ROWS.all(), job_id)
    jobs.cancel(job)
    return schemas.Job.of(job)


@router.post(
    "/{id:job_id}/reuse",
    response={201: schemas.Upload},
    openapi_extra=problems(404, 409, 410),
    url_name="reuse_job",
)
def reuse_result(request: ApiRequest, job_id: uuid.UUID) -> Status[schemas.Upload]:
    """Turn the result into an upload that can be converted or used as a watermark."""
    upload = jobs.use_result(own(request, ROWS.all(), job_id))
    return Status(201, schemas.Upload.of(upload, with_form=False))


@router.get(
    "/{id:job_id}/download",
    response={302: None},
    openapi_extra=problems(404, 409, 410),
    url_name="download_job",
)
def download_job(request: ApiRequest, job_id: uuid.UUID) -> HttpResponseRedirect:
    """Redirect (302) to the result. The link is valid for a few minutes."""
    return HttpResponseRedirect(jobs.result_url(own(request, ROWS.all(), job_id)))
