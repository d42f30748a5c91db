"""The metadata store's table, if kept in the database."""

from __future__ import annotations

from django.db import models

from converter.models.uploads import Upload


class ImageMetadata(models.Model):
    """The metadata of one image: the home twin of the DynamoDB table."""

    upload = models.OneToOneField(Upload, models.CASCADE, primary_key=True, related_name="metadata")
    item = models.JSONField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "image metadata"

    def __str__(self) -> str:
        return str(self.upload_id)
