from __future__ import annotations

import uuid

from ninja import Router

from converter import jobs
from converter.api import schemas
from converter.api.access import ApiRequest, own
from converter.api.openapi import problems
from converter.models import Upload

router = Router(tags=["uploads"])


@router.post(
    "/{uuid:upload_id}/form",
    response=schemas.Form,
    openapi_extra=problems(404, 409, 410),
    url_name="upload_form",
)
def renew_form(request: ApiRequest, upload_id: uuid.UUID) -> schemas.Form:
    """A fresh form for bytes that are still awaited."""
    form = jobs.upload_form(own(request, Upload.objects.all(), upload_id))
    return schemas.Form(url=form.url, fields=form.fields)
