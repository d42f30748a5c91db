"""The thumbnail of each upload: a small JPEG, made with its first conversion and deleted with the upload."""

from __future__ import annotations

import io
import logging

from converter import engine, metadata, storage
from converter.models import Upload
from converter.sandbox import Refused, Rendered

logger = logging.getLogger(__name__)

THUMBNAIL = engine.Recipe.parse(
    {
        "format": "jpeg",  # the fastest encoder
        "quality": 75,
        "background": "#eeeeee",
        "frames": "first",
        "resize": {"mode": "fit", "width": 320, "height": 320},
    }
)


def thumbnail_key(upload: Upload) -> str:
    """Return the storage key of the upload's thumbnail, whether or not it has one."""
    return f"{upload.results_prefix}/thumbnail"


def keep_thumbnail(upload: Upload, answer: Rendered | Refused) -> None:
    """Store the result of THUMBNAIL and the labels detected in it.

    Raises StorageFault, DatabaseError.
    """
    if isinstance(answer, Refused):
        return  # the jobs report what is wrong with the image
    key = thumbnail_key(upload)
    storage.results.put(key, io.BytesIO(answer.data), filename="thumbnail.jpg", content_type=answer.mime)
    if not Upload.objects.filter(pk=upload.pk, deleted_at=None).update(thumbnail_key=key):
        storage.results.remove([key])  # deleted meanwhile
        return
    upload.thumbnail_key = key
    logger.info("Thumbnail created", extra={"upload": str(upload.pk), "milliseconds": answer.milliseconds})
    if labels := metadata.labels_of(answer.data):
        metadata.store().update(upload.pk, labels, expires_at=upload.expires_at)
