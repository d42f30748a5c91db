"""Whose a stored object is, by its key: a link or form outlives the moment at which its owner was suspended."""

from __future__ import annotations

import uuid

from converter.models import Batch, Upload


def is_of_suspended(key: str) -> bool:
    """Return whether the owner of this upload, result or ZIP may not use the site any more.

    The owner named in the key is who sent the image; a guest's may belong to an account by now.
    """
    if key.startswith("uploads/"):
        return Upload.objects.filter(key=key, owner__is_active=False).exists()
    try:
        _, _, upload, *rest = key.split("/")
        if upload == "batches":
            return Batch.objects.filter(pk=uuid.UUID(rest[0]), owner__is_active=False).exists()
        return Upload.objects.filter(pk=uuid.UUID(upload), owner__is_active=False).exists()
    except (ValueError, IndexError):
        return False  # none of ours
