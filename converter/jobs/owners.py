"""Check the owner of a stored object by its key, since links and forms outlive the suspension of a user."""

from __future__ import annotations

import uuid

from converter.models import Batch, Upload


def is_of_suspended(key: str) -> bool:
    """Return whether the owner of this upload, result or ZIP is suspended.

    The user id in the key is that of the sender; a guest's images may belong to an account by now.
    """
    if key.startswith("uploads/"):
        return Upload.objects.filter(key=key, owner__is_active=False).exists()
    try:
        _, _, upload, *rest = key.split("/")
        if upload == "batches":
            return Batch.objects.filter(pk=uuid.UUID(rest[0]), owner__is_active=False).exists()
        return Upload.objects.filter(pk=uuid.UUID(upload), owner__is_active=False).exists()
    except (ValueError, IndexError):
        return False  # not one of our keys
