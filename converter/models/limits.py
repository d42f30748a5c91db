"""Quotas, usage, rate limits and idempotency keys."""

from __future__ import annotations

import math
import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Sum, Value
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class IdempotencyKey(models.Model):
    """The first response to a request that an API client may repeat."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text=_("SHA-256 of method, path and body."))
    status = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("Empty until the response is stored.")
    )
    batch = models.UUIDField(null=True, blank=True, help_text=_("The batch that the request created."))
    answer = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="idempotency_key_of_owner")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return self.key


class RateLimitQuerySet(models.QuerySet["RateLimit"]):
    """Allow `burst` requests at once and one more every `interval` seconds. `now` is in Unix seconds."""

    def spend(self, key: str, now: float, interval: float, burst: int, count: float = 1) -> int:
        """Count `count` requests of `key` and return 0, or count none and return the seconds to wait.

        It is one conditional UPDATE of one row per key, so it works across processes.
        """
        if count > burst:
            return math.ceil(burst * interval)
        while not self._taken(key, now, interval, burst, count):
            # Another request of this key came in between. If this one need not wait after all, try again.
            if (wait := self.wait(key, now, interval, burst, count)) > 0:
                return wait
        return 0

    def wait(self, key: str, now: float, interval: float, burst: int, count: float = 1) -> int:
        """Return the seconds until `count` requests of `key` are allowed; 0 if they are now."""
        most = now + (burst - count) * interval
        likely = now + (burst + 1) * interval
        row = self.filter(key=key, caught_up_at__gt=most, caught_up_at__lte=likely).first()
        return max(1, math.ceil(row.caught_up_at - most)) if row else 0

    def give_back(self, key: str, interval: float) -> None:
        """Uncount one request."""
        self.filter(key=key).update(caught_up_at=F("caught_up_at") - Value(interval))

    def _taken(self, key: str, now: float, interval: float, burst: int, count: float) -> bool:
        most, cost = now + (burst - count) * interval, count * interval
        rows = self.filter(key=key)
        if rows.filter(caught_up_at__lte=most).update(
            caught_up_at=Greatest(F("caught_up_at"), Value(now)) + Value(cost)
        ):
            return True
        # A value that no rate can lead to was written before the clock was set back.
        if rows.filter(caught_up_at__gt=now + (burst + 1) * interval).update(caught_up_at=now + cost):
            return True
        _, new = self.get_or_create(key=key, defaults={"caught_up_at": now + cost})
        return new


class RateLimit(models.Model):
    """How far a client, guest, account or address is ahead of its allowed rate."""

    key = models.CharField(max_length=60, primary_key=True)
    caught_up_at = models.FloatField(
        help_text=_("When the caller will be within the rate limit again, in seconds since 1970.")
    )

    objects = RateLimitQuerySet.as_manager()

    def __str__(self) -> str:
        return self.key


class Quota(models.Model):
    """One user's quota, where staff have set another than the site's default."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="quota"
    )
    jobs_a_day = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("0 for no limit. Leave empty for the site's default.")
    )
    bytes_kept = models.PositiveBigIntegerField(
        null=True, blank=True, help_text=_("0 for no limit. Leave empty for the site's default.")
    )

    def __str__(self) -> str:
        return str(self.owner)


class UsageQuerySet(models.QuerySet["Usage"]):
    def jobs_of(self, owner_id: uuid.UUID, since: datetime) -> int:
        """Return how many jobs a user submitted since then, to the hour."""
        return self.filter(owner=owner_id, hour__gt=since).aggregate(n=Sum("jobs"))["n"] or 0

    def note(self, owner_id: uuid.UUID, now: datetime, jobs: int) -> None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        row, new = self.get_or_create(owner_id=owner_id, hour=hour, defaults={"jobs": jobs})
        if not new:
            self.filter(pk=row.pk).update(jobs=F("jobs") + jobs)


class Usage(models.Model):
    """How many jobs a user submitted in one hour. It counts for a day, even if the jobs are deleted."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    jobs = models.PositiveIntegerField()

    objects = UsageQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "hour"], name="usage_of_owner")]
        indexes = [models.Index(fields=["hour"], name="usage_age")]

    def __str__(self) -> str:
        return f"{self.owner_id} {self.hour}"
