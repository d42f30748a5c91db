"""Requests for ZIPs and previews."""

from __future__ import annotations

from datetime import datetime

from django.db import models

from converter.models.jobs import LONGEST_LEASE


class Rendition(models.Model):
    """The state of a requested ZIP or preview, or why it failed. The row is deleted once it is made."""

    subject = models.CharField(max_length=200, primary_key=True)
    since = models.DateTimeField()
    asked_at = models.DateTimeField()
    asks = models.PositiveIntegerField(default=0, db_default=0)
    """How often a worker was asked after the first time."""
    working_until = models.DateTimeField(null=True, blank=True)
    """The lease of the worker that makes it."""
    attempts = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)
    error_params = models.JSONField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["asked_at"], name="rendition_age")]

    def __str__(self) -> str:
        return self.subject

    def is_worked_on(self, now: datetime) -> bool:
        return self.working_until is not None and now <= self.working_until <= now + LONGEST_LEASE
