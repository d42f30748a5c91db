"""What was asked, of which image, and how far it has come.

Facts about one row are methods here, facts about many rows methods of the QuerySet. Nothing here writes a
status: `jobs` is the only writer of job state.
"""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.db.models import Count, F, Func, OuterRef, Q, Subquery, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from converter import engine


class BatchQuerySet(models.QuerySet["Batch"]):
    def tallies(self) -> dict[uuid.UUID, Tally]:
        """Return how far each batch of this (small) set has come, in two queries."""
        tallies = {batch.pk: Tally() for batch in self}
        expired = {batch.pk for batch in self if batch.is_expired}
        rows = (
            Job.objects.filter(batch__in=tallies)
            .values("batch_id", "status")
            .annotate(n=Count("pk"), after=Sum("result_size"))
            .order_by()
        )
        for row in rows:
            if row["status"] == Job.Status.FINISHED and row["batch_id"] in expired:
                row["status"] = Job.Status.EXPIRED  # as Job.state has it
            tallies[row["batch_id"]].add(row["status"], row["n"], row["after"] or 0)
        finished = [pk for pk, tally in tallies.items() if tally.finished]
        for pk, size in Batch.objects.filter(pk__in=finished).values_list("pk", _size_of_originals()):
            tallies[pk].bytes_before = size
        return tallies


def _size_of_originals() -> Subquery:
    """Return, for a batch, the bytes of the images that have a result; each counts once, however many it has."""
    finished = Job.objects.filter(batch=OuterRef(OuterRef("pk")), status=Job.Status.FINISHED)
    originals = Upload.objects.filter(pk__in=finished.values("upload")).order_by()
    # Not aggregate(), which would ask at once.
    return Subquery(originals.annotate(sum=Func("size", function="SUM")).values("sum"))


class Batch(models.Model):
    """What one person submits at once. Its state is derived from its jobs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="batches")
    outputs = models.JSONField(help_text=_("The requested recipes, in canonical form."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    kept = models.BooleanField(default=True, editable=False)
    """Whether it stays: what is made for one answer alone is in no history, and nobody is told of it."""
    expires_at = models.DateTimeField()
    expired_at = models.DateTimeField(null=True, blank=True, editable=False)
    zip_key = models.CharField(max_length=200, blank=True, editable=False)
    zip_asked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "batches"
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["owner", "-created_at", "-id"], name="batch_history"),
            models.Index(fields=["-created_at", "-id"], name="batch_age"),
            models.Index(fields=["expires_at"], condition=Q(expired_at=None), name="batch_to_expire"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @cached_property
    def tally(self) -> Tally:
        return Batch.objects.filter(pk=self.pk).tallies()[self.pk]

    @property
    def state(self) -> str:
        return self.tally.state

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


@dataclass
class Tally:
    """Counts over the jobs of one batch; the bytes are those of finished ones and of their originals."""

    by_status: dict[str, int] = field(default_factory=dict)
    bytes_before: int = 0
    bytes_after: int = 0

    def add(self, status: str, n: int, after: int) -> None:
        self.by_status[status] = self.count(status) + n
        if status == Job.Status.FINISHED:
            self.bytes_after = after

    def count(self, status: str) -> int:
        return self.by_status.get(status, 0)

    @property
    def total(self) -> int:
        return sum(self.by_status.values())

    @property
    def done(self) -> int:
        return sum(n for status, n in self.by_status.items() if status not in Job.UNFINISHED)

    @property
    def finished(self) -> int:
        return self.count(Job.Status.FINISHED)

    @property
    def bytes_saved(self) -> int:
        return self.bytes_before - self.bytes_after

    @property
    def state(self) -> str:
        """Return one word for the whole: a job status, or `partially_failed`."""
        statuses = {status for status, n in self.by_status.items() if n}
        if not statuses & set(Job.UNFINISHED):
            if len(statuses) == 1:
                return statuses.pop()
            return "partially_failed" if statuses else Job.Status.CANCELLED
        if statuses <= {Job.Status.AWAITING_UPLOAD}:
            return Job.Status.AWAITING_UPLOAD
        if statuses <= {Job.Status.AWAITING_UPLOAD, Job.Status.QUEUED}:
            return Job.Status.QUEUED
        return Job.Status.PROCESSING


class Upload(models.Model):
    """One source image."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="uploads")
    name = models.CharField(max_length=255, help_text=_("Name given by the owner."))
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
    # What probing found; the whole of it is in the metadata store.
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
        """Whether its time is up: its bytes are deleted, or will be by the next sweep."""
        return self.deleted_at is not None or self.expires_at <= timezone.now()

    @property
    def is_here(self) -> bool:
        """Whether its bytes can be read."""
        return self.received_at is not None and not self.is_gone

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem or "image"

    @property
    def results_prefix(self) -> str:
        return f"results/{self.owner_id}/{self.pk}"


class JobQuerySet(models.QuerySet["Job"]):
    def unfinished(self) -> JobQuerySet:
        return self.filter(status__in=Job.UNFINISHED)

    def claimable(self, now: datetime) -> JobQuerySet:
        """Return the jobs a worker may take: queued, or left behind by one whose lease ran out."""
        return self.filter(
            Q(status=Job.Status.QUEUED) | Q(status=Job.Status.PROCESSING, lease_until__lt=now),
        )

    def in_state(self, state: str) -> JobQuerySet:
        """Return the jobs of which `state` says so."""
        finished, now = Q(status=Job.Status.FINISHED), timezone.now()
        if state == Job.Status.FINISHED:
            return self.filter(finished, batch__expires_at__gt=now)
        if state == Job.Status.EXPIRED:
            return self.filter(Q(status=state) | finished & Q(batch__expires_at__lte=now))
        return self.filter(status=state)

    def stuck(self, now: datetime, after: timedelta = timedelta(minutes=5)) -> JobQuerySet:
        return self.filter(
            Q(status=Job.Status.QUEUED, queued_at__lt=now - after)
            | Q(status=Job.Status.PROCESSING, lease_until__lt=now)
        )


class Job(models.Model):
    """One upload to one output."""

    class Status(models.TextChoices):
        AWAITING_UPLOAD = "awaiting_upload", _("Waiting for upload")
        QUEUED = "queued", _("Queued")
        PROCESSING = "processing", _("Converting")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")

    UNFINISHED = (Status.AWAITING_UPLOAD, Status.QUEUED, Status.PROCESSING)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    batch = models.ForeignKey(Batch, models.CASCADE, related_name="jobs")
    upload = models.ForeignKey(Upload, models.CASCADE, related_name="jobs")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="jobs")
    position = models.PositiveIntegerField(default=0, help_text=_("Position in the batch."))
    recipe = models.JSONField(help_text=_("In canonical form."))
    recipe_hash = models.CharField(max_length=64, editable=False)
    output_format = models.CharField(max_length=10, editable=False, help_text=_("As requested."))

    status = models.CharField(max_length=15, choices=Status.choices, default=Status.AWAITING_UPLOAD)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    error_code = models.CharField(max_length=40, blank=True)
    error_params = models.JSONField(
        null=True, blank=True, editable=False, help_text=_("Fill the message of the error code.")
    )
    error_message = models.CharField(max_length=500, blank=True, help_text=_("In English."))

    result_size = models.PositiveBigIntegerField(null=True, blank=True)
    result_format = models.CharField(max_length=10, blank=True)
    result_width = models.PositiveIntegerField(null=True, blank=True)
    result_height = models.PositiveIntegerField(null=True, blank=True)
    report = models.JSONField(null=True, blank=True)
    versions = models.JSONField(null=True, blank=True, help_text=_("Library versions used for the result."))
    preview_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    previewed_at = models.DateTimeField(null=True, blank=True, editable=False)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    queued_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When a worker was last asked to run this job.")
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    milliseconds = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Processing time in the engine.")
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                name="job_status",
                condition=Q(
                    status__in=[
                        "awaiting_upload",
                        "queued",
                        "processing",
                        "finished",
                        "failed",
                        "cancelled",
                        "expired",
                    ]
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at", "-id"], name="job_history"),
            models.Index(fields=["owner", "status", "-created_at", "-id"], name="job_history_by_status"),
            models.Index(fields=["batch", "position"], name="job_in_batch"),
            models.Index(fields=["owner", "result_size"], condition=Q(status="finished"), name="job_kept"),
            # For staff, who look at everybody's.
            models.Index(fields=["-created_at", "-id"], name="job_age"),
            models.Index(
                fields=["error_code", "-created_at"], condition=~Q(error_code=""), name="job_failure"
            ),
            # The sweep looks only at what is not done: its cost does not grow with history. Of every status, because
            # SQLite uses a conditional index only where the condition stands in the query, and not as a parameter.
            models.Index(fields=["status", "created_at"], name="job_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.upload.name} → {self.output_format}"

    @property
    def error(self) -> dict[str, Any] | None:
        """Return why it failed, as programs are told."""
        if not self.error_code:
            return None
        return {"code": self.error_code, "params": self.error_params or {}, "message": self.error_message}

    @property
    def result_key(self) -> str:
        """Return where the result goes: a function of job and recipe, so a repeat writes the same object."""
        return f"{self.upload.results_prefix}/{self.pk}/{self.recipe_hash[:16]}"

    @property
    def before_key(self) -> str:
        return f"{self.upload.results_prefix}/{self.pk}/before"

    @property
    def after_key(self) -> str:
        return f"{self.upload.results_prefix}/{self.pk}/after"

    @property
    def result_name(self) -> str:
        """Return the name people download it under."""
        return f"{self.upload.stem}.{engine.FORMATS[self.result_format or self.output_format].extension}"

    @property
    def is_unfinished(self) -> bool:
        return self.status in self.UNFINISHED

    @property
    def state(self) -> str:
        """Return its status as of now: a result whose time is up has expired, though no sweep has come by yet."""
        if self.status == self.Status.FINISHED and self.batch.is_expired:
            return self.Status.EXPIRED
        return self.status

    @property
    def has_result(self) -> bool:
        return self.state == self.Status.FINISHED

    @property
    def can_cancel(self) -> bool:
        return self.is_unfinished

    @property
    def can_retry(self) -> bool:
        return self.status in (self.Status.FAILED, self.Status.CANCELLED) and self.upload.is_here

    @cached_property
    def parsed_recipe(self) -> engine.Recipe:
        return engine.Recipe.parse(self.recipe)

    @property
    def saved_percent(self) -> int | None:
        if not self.result_size or not self.upload.size:
            return None
        return round(100 - 100 * self.result_size / self.upload.size)

    @property
    def grew_unexpectedly(self) -> bool:
        """Whether the result is larger than its source though their formats do not explain it."""
        return any(said["code"] == "larger_than_source" for said in (self.report or {}).get("warnings", ()))

    @property
    def waited(self) -> timedelta | None:
        return self.started_at - self.queued_at if self.started_at and self.queued_at else None


class ImageMetadata(models.Model):
    """What is known of one image: the home twin's table of the metadata store."""

    upload = models.OneToOneField(Upload, models.CASCADE, primary_key=True, related_name="metadata")
    item = models.JSONField()
    expires_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "image metadata"

    def __str__(self) -> str:
        return str(self.upload_id)


class Logo(models.Model):
    """A watermark picture that recipes keep, for as long as one of them or a link to one lives.

    Its bytes are in the row: buckets delete by age.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="logos")
    name = models.CharField(max_length=255, help_text=_("Name given by the owner."))
    data = models.BinaryField()
    size = models.PositiveBigIntegerField(help_text=_("In bytes."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Recipe(models.Model):
    """A saved, named recipe of a user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="recipes")
    name = models.CharField(max_length=80)
    recipe = models.JSONField(help_text=_("In canonical form."))
    logo = models.ForeignKey(
        Logo, models.SET_NULL, null=True, blank=True, editable=False, related_name="recipes"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="recipe_name_of_owner")]

    def __str__(self) -> str:
        return self.name


class RecipeLink(models.Model):
    """A recipe that somebody gave to others, as it was then: a changed or deleted one leaves the link as it is."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="recipe_links")
    hash = models.CharField(max_length=16, help_text=_("First characters of the recipe's hash."))
    recipe = models.JSONField(help_text=_("In canonical form."))
    logo = models.ForeignKey(
        Logo, models.SET_NULL, null=True, blank=True, editable=False, related_name="links"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["hash", "owner"], name="recipe_link_of_owner")]

    def __str__(self) -> str:
        return self.hash


def share_token() -> str:
    return secrets.token_urlsafe(24)


class ShareQuerySet(models.QuerySet["Share"]):
    def open(self, now: datetime) -> ShareQuerySet:
        return self.filter(revoked_at=None, expires_at__gt=now, batch__expires_at__gt=now)


class Share(models.Model):
    """Some results of a batch, shown to everybody who has the link. Kept as it is, so that its owner can see it again."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="shares")
    batch = models.ForeignKey(Batch, models.CASCADE, related_name="shares")
    jobs = models.ManyToManyField(Job, related_name="shares")
    token = models.CharField(max_length=40, unique=True, default=share_token, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    opened = models.PositiveIntegerField(default=0, help_text=_("How often others have opened the link."))

    objects = ShareQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["batch", "-created_at", "-id"], name="share_of_batch")]

    def __str__(self) -> str:
        return str(self.pk)


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


class RateLimit(models.Model):
    """How far one caller of the API has run ahead of the rate that is allowed."""

    key = models.CharField(max_length=60, primary_key=True)
    caught_up_at = models.FloatField(
        help_text=_("When the caller is back within the rate, in seconds since 1970.")
    )

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
        """Return how many jobs a user asked for since then, told by the hour."""
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


class Preferences(models.Model):
    """What a user has chosen for all that is to come. There is no row before the first choice."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="preferences"
    )
    retention = models.DurationField(
        null=True, blank=True, help_text=_("How long files are kept. Leave empty for the site's default.")
    )
    recipe = models.ForeignKey(
        Recipe,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Default recipe for new conversions."),
    )

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return str(self.owner)

    @classmethod
    def of(cls, owner: AbstractBaseUser) -> Preferences:
        return cls.objects.filter(owner=owner.pk).first() or cls(owner_id=owner.pk)

    @classmethod
    def choose(cls, owner: AbstractBaseUser, **choice: Any) -> None:
        cls.objects.update_or_create(owner_id=owner.pk, defaults=choice)

    @property
    def kept_for(self) -> timedelta:
        """Return how long new files are kept: the site may have lowered its bounds since the choice."""
        return min(self.retention or settings.CONVERTER_RETENTION, settings.CONVERTER_MAX_RETENTION)


class Webhook(models.Model):
    """An address that wants to hear what becomes of its owner's jobs."""

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
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    disabled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        indexes = [models.Index(fields=["owner", "-created_at", "-id"], name="webhook_history")]

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """One message to a webhook: written down with what it tells of, then sent until it arrives or a day is over."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    webhook = models.ForeignKey(Webhook, models.CASCADE, related_name="deliveries")
    event = models.CharField(max_length=30)
    subject = models.CharField(
        max_length=100, help_text=_("What the event is about. Sent once to each webhook.")
    )
    body = models.TextField(help_text=_("Request body, as JSON."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Time of the next attempt. Empty if there is none.")
    )
    delivered_at = models.DateTimeField(null=True, blank=True)
    answer_status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.CharField(max_length=500, blank=True, help_text=_("Start of the response, or the error."))
    error_params = models.JSONField(
        null=True, blank=True, editable=False, help_text=_("Of what went wrong: of a fetch_failed.")
    )

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
        """Whether nothing is known yet of how it is taken."""
        return self.due_at is not None and self.answer_status is None and not self.answer
