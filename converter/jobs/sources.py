"""What a job reads: limits, and the images that a recipe lays on top."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db.models import Q

from converter import engine, storage
from converter.models import Logo, Upload


def limits() -> engine.Limits:
    return engine.Limits(**settings.CONVERTER_LIMITS)


def watermark_of(recipe: engine.Recipe) -> str:
    """Return the id of the image that the recipe puts on top, of an upload or of a logo, or nothing."""
    return (recipe.watermark.image if recipe.watermark else None) or ""


def has_watermark(owner_id: uuid.UUID, name: str) -> bool:
    """Return whether there is such an image: one that a recipe keeps, or an upload."""
    return bool(kept_logo(owner_id, name) or image_upload(owner_id, name))


def read_watermark(owner_id: uuid.UUID, name: str) -> bytes | None:
    """Return the bytes of the image, or None where there is none."""
    if logo := kept_logo(owner_id, name):
        return bytes(logo.data)
    upload = image_upload(owner_id, name)
    return storage.uploads.read(upload.key)[0] if upload else None


def kept_logo(owner_id: uuid.UUID, name: str) -> Logo | None:
    """Return the logo of that id: the owner's, or one that came with a link to a recipe."""
    pk = _uuid(name)
    return Logo.objects.filter(Q(owner=owner_id) | Q(links__isnull=False), pk=pk).first() if pk else None


def image_upload(owner_id: uuid.UUID, name: str) -> Upload | None:
    pk = _uuid(name)
    upload = Upload.objects.filter(pk=pk, owner=owner_id).first() if pk else None
    return upload if upload and upload.is_here else None


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
