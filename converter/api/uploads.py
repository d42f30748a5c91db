from __future__ import annotations

import uuid
from typing import Annotated

from django.http import HttpResponseRedirect
from ninja import File, Router, Status, UploadedFile

from converter import jobs, metadata
from converter.api import schemas
from converter.api.access import ApiRequest, own
from converter.api.bodies import check_fields, pointing, small
from converter.api.openapi import problems
from converter.api.problems import Problem
from converter.models import Upload

router = Router(tags=["uploads"])


@router.post("", response={201: schemas.Upload}, openapi_extra=problems(), url_name="uploads")
def keep_image(
    request: ApiRequest,
    file: Annotated[UploadedFile, File(description="The image. For large images, use a batch.")],
) -> Status[schemas.Upload]:
    """Upload a small image to use as a watermark or to convert later."""
    check_fields(request, "file")
    with pointing({"/files/0/size": "/file"}):
        upload = jobs.keep_image(request.auth.user, small(file))
    return Status(201, schemas.Upload.of(jobs.store(upload, file), with_form=False))


@router.post("/forms", response={201: schemas.Announced}, openapi_extra=problems(), url_name="announce")
def announce_files(request: ApiRequest, body: schemas.AnnouncedIn) -> Status[schemas.Announced]:
    """Get a form for each file, to upload the files before creating a batch with their ids.

    You can create the batch while they are being uploaded. Files that are in no batch after an hour are deleted.
    """
    uploads = jobs.announce(request.auth.user, [jobs.NewFile(file.name, file.size) for file in body.files])
    return Status(201, schemas.Announced.of(uploads))


@router.delete("/{id:upload_id}", response={204: None}, openapi_extra=problems(404, 409), url_name="upload")
def delete_upload(request: ApiRequest, upload_id: uuid.UUID) -> Status[None]:
    """Delete an upload that is in no batch."""
    jobs.remove_upload(own(request, Upload.objects.all(), upload_id))
    return Status(204, None)


@router.post(
    "/{id:upload_id}/form",
    response=schemas.Form,
    openapi_extra=problems(404, 409, 410),
    url_name="upload_form",
)
def renew_form(request: ApiRequest, upload_id: uuid.UUID) -> schemas.Form:
    """Get a new form for a file that has not been uploaded yet."""
    form = jobs.renew_form(own(request, Upload.objects.all(), upload_id))
    return schemas.Form(url=form.url, fields=form.fields)


@router.get(
    "/{id:upload_id}/download",
    response={302: None},
    openapi_extra=problems(404, 410),
    url_name="download_upload",
)
def download_upload(request: ApiRequest, upload_id: uuid.UUID) -> HttpResponseRedirect:
    """Redirect (302) to the original. The link is valid for a few minutes."""
    return HttpResponseRedirect(jobs.original_url(own(request, Upload.objects.all(), upload_id)))


@router.get(
    "/{id:upload_id}/metadata",
    response=schemas.Metadata,
    openapi_extra=problems(404, 409, 410),
    url_name="upload_metadata",
)
def get_metadata(request: ApiRequest, upload_id: uuid.UUID) -> schemas.Metadata:
    """Get the metadata of an image, available once its first job has started."""
    upload = own(request, Upload.objects.all(), upload_id)
    if upload.is_gone:
        raise jobs.Gone(kind="image")
    found = metadata.store().get(upload.pk)
    if upload.received_at is None or found is None:
        raise Problem("not_looked_into")
    return schemas.Metadata(
        upload=upload.pk, name=upload.name, size=upload.size, received_at=upload.received_at, found=found
    )
