"""Jobs and the sources of documents."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import cached_property, reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from converter import engine
from converter.engine.filenames import split_extension
from converter.engine.icons import icon_name
from converter.engine.naming import Named, by_page, result_name
from converter.models.uploads import Upload
from converter.problems import PASSING

# No lease is longer. One that seems longer was taken before the clock was set back.
LONGEST_LEASE = timedelta(minutes=5)


def lost(now: datetime) -> Q:
    """Return the condition for jobs whose lease has expired."""
    return Q(lease_until__lt=now) | Q(lease_until__gt=now + LONGEST_LEASE)


def of_another_time(now: datetime) -> Q:
    """Return the condition for leases taken before the clock was changed or the machine slept."""
    return Q(lease_until__lt=now - LONGEST_LEASE) | Q(lease_until__gt=now + LONGEST_LEASE)


class JobQuerySet(models.QuerySet["Job"]):
    def of(self, uploads: Iterable[Upload]) -> JobQuerySet:
        """Return the jobs that convert any of these uploads."""
        wanted = [upload.pk for upload in uploads]
        joining = Source.objects.filter(upload__in=wanted).values("job")
        return self.filter(Q(upload__in=wanted) | Q(pk__in=joining))

    def uploads(self) -> models.QuerySet[Upload]:
        """Return the uploads that these jobs convert."""
        ids = self.order_by().values("pk")
        sources = Source.objects.filter(job__in=ids).order_by().values("upload")
        return Upload.objects.filter(Q(pk__in=self.order_by().values("upload")) | Q(pk__in=sources))

    def passing(self) -> JobQuerySet:
        """Return the failed or cancelled jobs that may succeed on retry."""
        failed = Q(error_code__in=PASSING) | Q(error_params__reason__code__in=PASSING)
        return self.filter(Q(status=Job.Status.CANCELLED) | Q(status=Job.Status.FAILED) & failed)

    def unfinished(self) -> JobQuerySet:
        return self.filter(status__in=Job.UNFINISHED)

    def claimable(self, now: datetime) -> JobQuerySet:
        """Return the jobs that a worker may claim: queued ones and those with an expired lease."""
        return self.filter(Q(status=Job.Status.QUEUED) | Q(status=Job.Status.PROCESSING) & lost(now))

    def in_state(self, *states: str) -> JobQuerySet:
        """Return the jobs whose `state` is one of these."""
        finished, now = Q(status=Job.Status.FINISHED), timezone.now()
        by_time = {
            Job.Status.FINISHED: finished & Q(batch__expires_at__gt=now),
            Job.Status.EXPIRED: Q(status=Job.Status.EXPIRED) | finished & Q(batch__expires_at__lte=now),
        }
        others = Q(status__in=[state for state in states if state not in by_time])
        return self.filter(
            reduce(or_, (found for state, found in by_time.items() if state in states), others)
        )

    def stuck(self, now: datetime, after: timedelta = timedelta(minutes=5)) -> JobQuerySet:
        return self.filter(
            Q(status=Job.Status.QUEUED, queued_at__lt=now - after)
            | Q(status=Job.Status.PROCESSING, lease_until__lt=now)
        )


class Job(models.Model):
    """One upload and one output, or several uploads and one document: `upload` is then its first source."""

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
    batch = models.ForeignKey("Batch", models.CASCADE, related_name="jobs")
    upload = models.ForeignKey(Upload, models.CASCADE, related_name="jobs")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="jobs")
    position = models.PositiveIntegerField(default=0, help_text=_("Position in the batch."))
    number = models.PositiveIntegerField(default=1, help_text=_("Number of the image in the batch."))
    images = models.PositiveIntegerField(
        default=1, db_default=1, help_text=_("Number of images joined into the document.")
    )
    recipe = models.JSONField(help_text=_("In canonical form."))
    recipe_hash = models.CharField(max_length=64, editable=False)
    output_format = models.CharField(max_length=10, editable=False, help_text=_("As requested."))

    status = models.CharField(max_length=15, choices=Status.choices, default=Status.AWAITING_UPLOAD)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    error_code = models.CharField(max_length=40, blank=True)
    error_params = models.JSONField(
        null=True, blank=True, editable=False, help_text=_("Parameters of the message for the error code.")
    )
    hindrance = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text=_("Why the last attempt was postponed."),
    )
    hindered = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    """How many attempts did not count, since the image was not the cause."""
    error_message = models.CharField(max_length=500, blank=True, help_text=_("In English."))

    result_size = models.PositiveBigIntegerField(null=True, blank=True)
    result_etag = models.CharField(max_length=80, blank=True, default="", db_default="", editable=False)
    result_format = models.CharField(max_length=10, blank=True)
    result_width = models.PositiveIntegerField(null=True, blank=True)
    result_height = models.PositiveIntegerField(null=True, blank=True)
    report = models.JSONField(null=True, blank=True)
    versions = models.JSONField(null=True, blank=True, help_text=_("Library versions used for the result."))
    preview_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Unused, but the previous release still needs it."""
    previewed_at = models.DateTimeField(null=True, blank=True, editable=False)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    queued_at = models.DateTimeField(null=True, blank=True)
    asked_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When the job was last sent to a worker.")
    )
    asks = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    """How long it has waited, in asks for its upload or a worker, since the clock may change."""
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
            # For staff, who see all users' jobs.
            models.Index(fields=["-created_at", "-id"], name="job_age"),
            models.Index(
                fields=["error_code", "-created_at"], condition=~Q(error_code=""), name="job_failure"
            ),
            # For the sweep, which reads only unfinished jobs, so its cost does not grow with history. Covers
            # every status, because SQLite uses a partial index only if the query has its condition as a
            # literal.
            models.Index(fields=["status", "created_at"], name="job_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.upload.name} → {self.output_format}"

    @property
    def error(self) -> dict[str, Any] | None:
        """Why it failed, as in the API."""
        if not self.error_code:
            return None
        return {"code": self.error_code, "params": self.error_params or {}, "message": self.error_message}

    @property
    def result_key(self) -> str:
        """The storage key of the result, derived from job and recipe: a repeat writes the same object."""
        return f"{self.upload.results_prefix}/{self.pk}/{self.recipe_hash[:16]}"

    @property
    def before_key(self) -> str:
        return f"{self.upload.results_prefix}/{self.pk}/before"

    @property
    def after_key(self) -> str:
        return f"{self.upload.results_prefix}/{self.pk}/after"

    @property
    def result_name(self) -> str:
        """The file name of the result when it is downloaded."""
        if self.batch.is_icon_set and (name := icon_name(self.recipe)):
            return name
        format = engine.FORMATS[self.result_format or self.output_format]
        pattern = self.batch.naming
        if self.page and not self.batch.name_pattern:
            pattern = by_page(pattern)
        return result_name(
            pattern,
            Named(
                name=split_extension(self.upload.name)[0],
                width=self.result_width,
                height=self.result_height,
                format=format.name,
                ext=format.extension,
                number=self.number,
                date=self.batch.created_at.date(),
                page=self.page,
            ),
        )

    @property
    def page(self) -> int | None:
        """The page or frame that it converts, if it was split by page."""
        pages = str(self.recipe.get("pages", ""))
        return int(pages) if pages.isdecimal() else None

    @property
    def is_joined(self) -> bool:
        return self.images > 1

    @cached_property
    def uploads(self) -> list[Upload]:
        """The images that it converts, in order."""
        return [source.upload for source in self.sources.all()] if self.is_joined else [self.upload]

    @property
    def is_unfinished(self) -> bool:
        return self.status in self.UNFINISHED

    @property
    def state(self) -> str:
        """The current status: a result past its retention time has expired, even before the next sweep."""
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
    def is_retryable(self) -> bool:
        return self.status in (self.Status.FAILED, self.Status.CANCELLED)

    @property
    def can_retry(self) -> bool:
        return self.is_retryable and all(upload.is_here or upload.can_be_fetched for upload in self.uploads)

    @property
    def is_passing(self) -> bool:
        """Whether it failed or was cancelled but may succeed on retry: `JobQuerySet.passing` for one row."""
        reason = (self.error_params or {}).get("reason", {}).get("code")  # of one image of a document
        failed_by_chance = self.error_code in PASSING or reason in PASSING
        return self.status == self.Status.CANCELLED or (
            self.status == self.Status.FAILED and failed_by_chance
        )

    @cached_property
    def parsed_recipe(self) -> engine.Recipe:
        return engine.Recipe.parse(self.recipe)

    @property
    def saved_percent(self) -> int | None:
        before = (self.report or {}).get("bytes_before") if self.is_joined else self.upload.size
        if not self.result_size or not before or self.page:
            return None
        return round(100 - 100 * self.result_size / before)

    @property
    def grew_unexpectedly(self) -> bool:
        """Whether the result is larger than its source and the formats do not explain why."""
        return any(said["code"] == "larger_than_source" for said in (self.report or {}).get("warnings", ()))

    @property
    def waited(self) -> timedelta | None:
        return self.started_at - self.queued_at if self.started_at and self.queued_at else None


class SourceManager(models.Manager["Source"]):
    def get_queryset(self) -> models.QuerySet[Source]:
        return super().get_queryset().select_related("upload")


class Source(models.Model):
    """One of the images that a job joins into a document."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="sources")
    upload = models.ForeignKey(Upload, models.CASCADE, related_name="sources")
    position = models.PositiveIntegerField(help_text=_("Position in the document."))
    recipe = models.JSONField(
        null=True, blank=True, help_text=_("Its own recipe in canonical form, instead of the job's.")
    )

    objects = SourceManager()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="source_in_job")]

    def __str__(self) -> str:
        return f"{self.position}: {self.upload.name}"

    @property
    def parsed_recipe(self) -> engine.Recipe | None:
        return engine.Recipe.parse(self.recipe) if self.recipe else None
