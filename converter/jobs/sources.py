"""What a job reads: limits, and the images that a recipe lays on top."""

from __future__ import annotations

import uuid

from django.conf import settings

from converter import engine
from converter.models import Upload


def limits() -> engine.Limits:
    return engine.Limits(**settings.CONVERTER_LIMITS)


def watermark_of(recipe: engine.Recipe) -> str:
    """Return the upload id of the image that the recipe puts on top, or nothing."""
    return (recipe.watermark.image if recipe.watermark else None) or ""


def image_upload(owner_id: uuid.UUID, name: str) -> Upload | None:
    try:
        pk = uuid.UUID(name)
    except ValueError:
        return None
    upload = Upload.objects.filter(pk=pk, owner=owner_id).first()
    return upload if upload and upload.is_here else None
