"""Source images."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from converter.engine.filenames import fitted, split_extension


class Upload(models.Model):
    """One source image."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255, help_text=_("Name given by the owner."))
    folder = models.CharField(max_length=200, blank=True, help_text=_("Folder on the owner's device."))
    key = models.CharField(max_length=300, unique=True, editable=False)
    source_url = models.CharField(
        max_length=2000, blank=True, editable=False, help_text=_("The source, if imported by URL.")
    )
    size = models.PositiveBigIntegerField(help_text=_("In bytes. 0 while it is being fetched."))
    etag = models.CharField(max_length=80, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    received_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    seen_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When data for this file last arrived.")
    )
    # The main facts from probing; all of them are in the metadata store.
    format = models.CharField(max_length=10, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    frames = models.PositiveIntegerField(null=True, blank=True)
    mode = models.CharField(max_length=10, blank=True)
    profile = models.CharField(max_length=120, blank=True)
    thumbnail_key = models.CharField(max_length=200, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at"], name="upload_history"),
            models.Index(fields=["-created_at", "-id"], name="upload_age"),
            models.Index(fields=["owner", "size"], condition=Q(deleted_at=None), name="upload_kept"),
            models.Index(fields=["expires_at"], condition=Q(deleted_at=None), name="upload_to_expire"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_gone(self) -> bool:
        """Whether it has expired: its bytes are deleted, or will be by the next sweep."""
        return self.deleted_at is not None or self.expires_at <= timezone.now()

    @property
    def is_here(self) -> bool:
        """Whether its bytes can be read."""
        return self.received_at is not None and not self.is_gone

    @property
    def can_be_fetched(self) -> bool:
        """Whether its bytes may still be fetched from its URL."""
        return bool(self.source_url) and self.received_at is None and not self.is_gone

    def renamed(self, extension: str) -> str:
        """Return its name with another extension, cut to 255 bytes."""
        return fitted(split_extension(self.name)[0] or "image", f".{extension}")

    @property
    def results_prefix(self) -> str:
        """The key prefix of its results, taken from its own key, which does not change with the owner."""
        return f"results/{self.key.split('/')[1]}/{self.pk}"
