from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Annotated

from django.urls import reverse
from django.utils import timezone
from ninja import Body, Query, Router, Status

from converter import engine, jobs
from converter.api import schemas
from converter.api.access import ApiRequest, own
from converter.api.cursors import Paging, page
from converter.api.openapi import problems
from converter.api.problems import invalid_request
from converter.models import Batch, Share

router = Router(tags=["shares"])

EVERYTHING = schemas.ShareIn()


@router.get(
    "/batches/{id:batch_id}/shares", response=schemas.Shares, openapi_extra=problems(404), url_name="shares"
)
def list_shares(request: ApiRequest, batch_id: uuid.UUID, paging: Query[Paging]) -> schemas.Shares:
    """List the active share links of a batch, newest first."""
    batch = own(request, Batch.objects.all(), batch_id)
    found, following = page(batch.shares.open(timezone.now()).prefetch_related("jobs"), paging)
    return schemas.Shares(items=[_told(request, share) for share in found], next=following)


@router.post(
    "/batches/{id:batch_id}/shares",
    response={201: schemas.Share},
    openapi_extra=problems(404, 409, 410),
    url_name="shares",
)
def share_results(
    request: ApiRequest, batch_id: uuid.UUID, body: Annotated[schemas.ShareIn, Body()] = EVERYTHING
) -> Status[schemas.Share]:
    """Create a link to view and download results without an account."""
    batch = own(request, Batch.objects.all(), batch_id)
    chosen = batch.jobs.select_related("upload")
    if body.jobs is not None:
        chosen = chosen.filter(pk__in=body.jobs)
        known = set(chosen.values_list("pk", flat=True))
        wrong = [
            engine.Problem(f"/jobs/{index}", engine.Message("job_not_in_batch"))
            for index, pk in enumerate(body.jobs)
            if pk not in known
        ]
        if wrong:
            raise invalid_request(*wrong)
    lifetime = None if body.hours is None else timedelta(hours=body.hours)
    return Status(201, _told(request, jobs.share(batch, chosen, lifetime)))


@router.delete("/shares/{id:share_id}", response={204: None}, openapi_extra=problems(404), url_name="share")
def revoke_share(request: ApiRequest, share_id: uuid.UUID) -> Status[None]:
    """Revoke a share link. The results are kept."""
    jobs.revoke_share(own(request, Share.objects.all(), share_id))
    return Status(204, None)


def _told(request: ApiRequest, share: Share) -> schemas.Share:
    page, archive = (
        request.build_absolute_uri(reverse(name, args=[share.token]))
        for name in ("web:share", "web:share_zip")
    )
    return schemas.Share.of(share, page, archive)
