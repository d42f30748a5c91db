"""The home twin: a table of the site's own database."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from converter.models import ImageMetadata


class DatabaseMetadata:
    def put(self, upload: uuid.UUID, item: dict[str, Any], *, expires_at: datetime) -> None:
        row = ImageMetadata(upload_id=upload, item=item, expires_at=expires_at)
        ImageMetadata.objects.bulk_create(  # an upsert in one statement
            [row], update_conflicts=True, unique_fields=["upload"], update_fields=["item", "expires_at"]
        )

    def update(self, upload: uuid.UUID, fields: dict[str, Any], *, expires_at: datetime) -> None:
        with transaction.atomic():
            row = ImageMetadata.objects.select_for_update().filter(upload=upload).first()
            if row:
                row.item, row.expires_at = {**row.item, **fields}, expires_at
                row.save(update_fields=["item", "expires_at"])

    def get(self, upload: uuid.UUID) -> dict[str, Any] | None:
        item: dict[str, Any] | None = (
            ImageMetadata.objects.filter(upload=upload, expires_at__gt=timezone.now())
            .values_list("item", flat=True)
            .first()
        )
        return item

    def remove(self, upload: uuid.UUID) -> None:
        ImageMetadata.objects.filter(upload=upload).delete()
