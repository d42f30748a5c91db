"""Public links to results."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from converter.models.batches import Batch
from converter.models.jobs import Job


def share_token() -> str:
    return secrets.token_urlsafe(24)


class ShareQuerySet(models.QuerySet["Share"]):
    def open(self, now: datetime) -> ShareQuerySet:
        return self.filter(revoked_at=None, expires_at__gt=now, batch__expires_at__gt=now)


class Share(models.Model):
    """Results of a batch, public by link. The token is not hashed, so that its owner can copy it later."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="shares")
    batch = models.ForeignKey(Batch, models.CASCADE, related_name="shares")
    jobs = models.ManyToManyField(Job, related_name="shares")
    token = models.CharField(max_length=40, unique=True, default=share_token, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    zip_key = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False)
    """The key of its ZIP, once requested. The batch's ZIP holds more than the share shows."""
    opened = models.PositiveIntegerField(default=0, help_text=_("How often others have opened the link."))

    objects = ShareQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["batch", "-created_at", "-id"], name="share_of_batch"),
            models.Index(fields=["expires_at"], condition=~Q(zip_key=""), name="share_with_zip"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
