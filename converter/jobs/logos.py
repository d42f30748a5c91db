"""The logos that recipes keep: taken from an upload when a recipe is saved, deleted with the last that uses them."""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth.base_user import AbstractBaseUser

from converter import engine, storage
from converter.jobs.errors import InvalidSubmission
from converter.jobs.sources import image_upload, kept_logo, watermark_of
from converter.jobs.submit import check_quota
from converter.models import Logo

MOST_BYTES = 5_000_000


def keep_logo(owner: AbstractBaseUser, recipe: engine.Recipe) -> tuple[engine.Recipe, Logo | None]:
    """Return the recipe with a watermark picture that stays, and that picture. Within a transaction.

    Raises InvalidSubmission when the picture is not here or too large to be kept, OverQuota.
    """
    name = watermark_of(recipe)
    if not name or recipe.watermark is None:
        return recipe, None
    logo = kept_logo(owner.pk, name)
    if logo is None or logo.owner_id != owner.pk:
        logo = _copied(owner, name, logo)
    return replace(recipe, watermark=replace(recipe.watermark, image=str(logo.pk))), logo


def _copied(owner: AbstractBaseUser, name: str, others: Logo | None) -> Logo:
    upload = None if others else image_upload(owner.pk, name)
    source = others or upload
    if source is None:
        raise InvalidSubmission("no_watermark", kind="logo")
    if source.size > MOST_BYTES:
        raise InvalidSubmission("too_many_bytes", kind="logo", most=MOST_BYTES)
    check_quota(owner, jobs=0, size=source.size)
    data = bytes(others.data) if others else storage.uploads.read(upload.key)[0] if upload else b""
    return Logo.objects.create(owner_id=owner.pk, name=source.name, data=data, size=len(data))


def forget_logos(owner: AbstractBaseUser | None = None) -> int:
    """Delete the logos that no recipe and no link uses any more, of one owner or of everybody; return how many rows."""
    unused = Logo.objects.filter(recipes=None, links=None)
    return (unused.filter(owner=owner.pk) if owner else unused).delete()[0]
