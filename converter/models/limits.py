"""What each person may use, and has used."""

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
    """The first answer to a request that a program may send again."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text=_("SHA-256 of method, path and body."))
    status = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text=_("Empty while the request is running.")
    )
    answer = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "key"], name="idempotency_key_of_owner")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_key_age")]

    def __str__(self) -> str:
        return self.key


class RateLimitQuerySet(models.QuerySet["RateLimit"]):
    """`burst` may come at once; each `interval`, in seconds, gives one back. `now` is in seconds since 1970."""

    def spend(self, key: str, now: float, interval: float, burst: int, count: float = 1) -> int:
        """Count one more of `key`, or `count`, and return 0, or return the seconds to wait for it, which is then not counted.

        One row a key and one conditional UPDATE, so it holds across processes.
        """
        if count > burst:
            return math.ceil(burst * interval)
        while not self._taken(key, now, interval, burst, count):
            # One that is early enough after all came in between: another of the same key.
            if (wait := self.wait(key, now, interval, burst, count)) > 0:
                return wait
        return 0

    def wait(self, key: str, now: float, interval: float, burst: int, count: float = 1) -> int:
        """Return the seconds until one more of `key` may come, or `count`; 0 if it may at once."""
        most = now + (burst - count) * interval
        likely = now + (burst + 1) * interval
        row = self.filter(key=key, caught_up_at__gt=most, caught_up_at__lte=likely).first()
        return max(1, math.ceil(row.caught_up_at - most)) if row else 0

    def give_back(self, key: str, interval: float) -> None:
        """Count one less."""
        self.filter(key=key).update(caught_up_at=F("caught_up_at") - Value(interval))

    def _taken(self, key: str, now: float, interval: float, burst: int, count: float) -> bool:
        most, cost = now + (burst - count) * interval, count * interval
        rows = self.filter(key=key)
        if rows.filter(caught_up_at__lte=most).update(
            caught_up_at=Greatest(F("caught_up_at"), Value(now)) + Value(cost)
        ):
            return True
        # What no rate leads to was written before the clock was set back.
        if rows.filter(caught_up_at__gt=now + (burst + 1) * interval).update(caught_up_at=now + cost):
            return True
        _, new = self.get_or_create(key=key, defaults={"caught_up_at": now + cost})
        return new


class RateLimit(models.Model):
    """How far one caller, guest or address, or one who guesses, has run ahead of the rate that is allowed."""

    key = models.CharField(max_length=60, primary_key=True)
    caught_up_at = models.FloatField(
        help_text=_("When the caller is back within the rate, in seconds since 1970.")
    )

    objects = RateLimitQuerySet.as_manager()

    def __str__(self) -> str:
        return self.key


class Quota(models.Model):
    """What one user may use, where staff have decided otherwise than for everybody."""

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
        """Return how many jobs a user submitted since then, counted by the hour."""
        return self.filter(owner=owner_id, hour__gt=since).aggregate(n=Sum("jobs"))["n"] or 0

    def note(self, owner_id: uuid.UUID, now: datetime, jobs: int) -> None:
        hour = now.replace(minute=0, second=0, microsecond=0)
        row, new = self.get_or_create(owner_id=owner_id, hour=hour, defaults={"jobs": jobs})
        if not new:
            self.filter(pk=row.pk).update(jobs=F("jobs") + jobs)


class Usage(models.Model):
    """How many jobs a user asked for in one hour: a fact for a day, though the jobs themselves be deleted."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    jobs = models.PositiveIntegerField()

    objects = UsageQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "hour"], name="usage_of_owner")]
        indexes = [models.Index(fields=["hour"], name="usage_age")]

    def __str__(self) -> str:
        return f"{self.owner_id} {self.hour}"
