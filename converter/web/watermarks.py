"""Store the logo that was uploaded with a form."""

from __future__ import annotations

from django.core.files.uploadedfile import UploadedFile

from converter import engine, jobs
from converter.models import Upload
from converter.web.forms import OutputForm
from converter.web.http import LoggedInRequest


def with_stored_watermark(request: LoggedInRequest, form: OutputForm) -> engine.Recipe:
    """Store the logo of the form, if it has one, and return the recipe with the logo's upload id.

    Raises jobs.JobError.
    """
    return form.recipe(watermark=str(keep(request, form.watermark).pk) if form.watermark else "")


def keep(request: LoggedInRequest, file: UploadedFile) -> Upload:
    upload = jobs.keep_image(request.user, jobs.NewFile(file.name or "", file.size or 0))
    return jobs.store(upload, file)
