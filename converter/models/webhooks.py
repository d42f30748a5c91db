"""Webhooks: URLs that receive events about jobs, and the deliveries to them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# The maximum duration of an attempt. One that seems later than now was made before the clock was set back.
LEASE = timedelta(seconds=60)


class Webhook(models.Model):
    """A URL that receives events about its owner's jobs."""

    class Event(models.TextChoices):
        BATCH_FINISHED = "batch.finished"
        JOB_FINISHED = "job.finished"
        JOB_FAILED = "job.failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=2000)
    events = models.JSONField(help_text=_("Subscribed events."))
    secret = models.CharField(max_length=60, editable=False)
    old_secret = models.CharField(max_length=60, blank=True, editable=False)
    old_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    language = models.CharField(max_length=10, blank=True, default="", db_default="", editable=False)
    """The language of notices about it: that of whoever created or last changed it."""
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("Time of the first failure since an event was last accepted."),
    )

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["owner", "-created_at", "-id"], name="webhook_history")]

    def __str__(self) -> str:
        return self.url


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def due(self, now: datetime) -> DeliveryQuerySet:
        """Return the deliveries to send now, including those scheduled before the clock was set back."""
        of_another_time = Q(attempts=0) | Q(attempted_at__gt=now + LEASE)
        return self.filter(Q(due_at__lte=now) | Q(due_at__isnull=False) & of_another_time)


class Delivery(models.Model):
    """A message to a webhook, stored with the change it reports, then sent until accepted or given up."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=30)
    subject = models.CharField(
        max_length=100, help_text=_("Subject of the event, which each webhook receives once.")
    )
    body = models.TextField(help_text=_("Request body, as JSON."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True, blank=True, editable=False)
    due_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Time of the next attempt. Empty if there is none.")
    )
    delivered_at = models.DateTimeField(null=True, blank=True)
    answer_status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.CharField(max_length=500, blank=True, help_text=_("Start of the response, or the error."))
    error_params = models.JSONField(
        null=True, blank=True, editable=False, help_text=_("Parameters of the message for a fetch_failed.")
    )

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["webhook", "event", "subject"], name="delivery_told_once")
        ]
        indexes = [
            models.Index(fields=["webhook", "-created_at", "-id"], name="delivery_history"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="delivery_due"),
            models.Index(fields=["created_at"], name="delivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.event} → {self.webhook_id}"

    @property
    def is_on_its_way(self) -> bool:
        """Whether it is still to be sent and no attempt has had a result yet."""
        return self.due_at is not None and self.answer_status is None and not self.answer
