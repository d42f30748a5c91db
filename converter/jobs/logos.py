"""Watermark images: uploads, and logos kept for saved recipes until the last that uses one is deleted."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, partial

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import Q

from converter import engine, storage
from converter.ids import uuid_of
from converter.jobs.errors import InvalidSubmission
from converter.jobs.quota import check_quota
from converter.models import Logo, Upload

MOST_BYTES = 5_000_000


def watermark_of(recipe: engine.Recipe) -> str:
    """Return the id of the recipe's watermark image, an upload or a logo, or an empty string."""
    return (recipe.watermark.image if recipe.watermark else None) or ""


def has_watermark(owner_id: uuid.UUID, name: str) -> bool:
    """Return whether the owner may use a logo or upload with this id."""
    return bool(_logo(owner_id, name) or _upload(owner_id, name))


def read_watermark(owner_id: uuid.UUID, name: str) -> bytes | None:
    """Return the bytes of the image, or None if it does not exist any more. Raises StorageFault."""
    if logo := _logo(owner_id, name):
        return bytes(logo.data)
    upload = _upload(owner_id, name)
    try:
        return storage.uploads.read(upload.key)[0] if upload else None
    except FileNotFoundError:
        return None


def keep_logos(
    owner: AbstractBaseUser, recipes: Sequence[engine.Recipe]
) -> list[tuple[engine.Recipe, Logo | None]]:
    """Return each recipe with its watermark image replaced by a logo, and the logo. Call in a transaction.

    Raises InvalidSubmission if an image is missing or too large, OverQuota, StorageFault, FileNotFoundError.
    """
    kept = cache(partial(_kept, owner))  # copies a logo of several outputs once
    found: list[tuple[engine.Recipe, Logo | None]] = []
    for recipe in recipes:
        name = watermark_of(recipe)
        if not name or recipe.watermark is None:
            found.append((recipe, None))
            continue
        logo = kept(name)
        found.append((replace(recipe, watermark=replace(recipe.watermark, image=str(logo.pk))), logo))
    return found


def _kept(owner: AbstractBaseUser, name: str) -> Logo:
    logo = _logo(owner.pk, name)
    return logo if logo and logo.owner_id == owner.pk else _copied(owner, name, logo)


def forget_logos(owner: AbstractBaseUser | None = None) -> int:
    """Delete logos that no recipe or link uses any more, of one owner or all; return the number of rows."""
    unused = Logo.objects.filter(recipes=None, links=None, more_recipes=None, more_links=None)
    return (unused.filter(owner=owner.pk) if owner else unused).delete()[0]


def _copied(owner: AbstractBaseUser, name: str, others: Logo | None) -> Logo:
    upload = None if others else _upload(owner.pk, name)
    source = others or upload
    if source is None:
        raise InvalidSubmission("no_watermark", kind="logo")
    if source.size > MOST_BYTES:
        raise InvalidSubmission("too_many_bytes", kind="logo", most=MOST_BYTES)
    check_quota(owner, jobs=0, size=source.size)
    data = bytes(others.data) if others else storage.uploads.read(upload.key)[0] if upload else b""
    return Logo.objects.create(owner_id=owner.pk, name=source.name, data=data, size=len(data))


def _logo(owner_id: uuid.UUID, name: str) -> Logo | None:
    """Return the logo with this id if it is the owner's or belongs to a recipe link."""
    pk = uuid_of(name)
    of_link = Q(links__isnull=False) | Q(more_links__isnull=False)
    return Logo.objects.filter(Q(owner=owner_id) | of_link, pk=pk).first() if pk else None


def _upload(owner_id: uuid.UUID, name: str) -> Upload | None:
    pk = uuid_of(name)
    upload = Upload.objects.filter(pk=pk, owner=owner_id).first() if pk else None
    return upload if upload and upload.is_here else None
