"""Batches and their tallies."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from django.conf import settings
from django.db import models
from django.db.models import Count, Func, Max, OuterRef, Q, Subquery, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from converter.engine import icons
from converter.engine.naming import LONGEST, usual_pattern
from converter.models.jobs import Job, Source
from converter.models.uploads import Upload


class BatchQuerySet(models.QuerySet["Batch"]):
    def tallies(self) -> dict[uuid.UUID, Tally]:
        """Return the tally of each batch in this (small) set, in three queries."""
        return self.tallies_of(list(self))

    def tallies_of(self, batches: Sequence[Batch]) -> dict[uuid.UUID, Tally]:
        """Return the same for batches already loaded, in two queries."""
        tallies = {batch.pk: Tally() for batch in batches}
        expired = {batch.pk for batch in batches if batch.is_expired}
        rows = (
            Job.objects.filter(batch__in=tallies)
            .values("batch_id", "status")
            .annotate(n=Count("pk"), after=Sum("result_size"))
            .order_by()
        )
        for row in rows:
            if row["status"] == Job.Status.FINISHED and row["batch_id"] in expired:
                row["status"] = Job.Status.EXPIRED  # like Job.state
            tallies[row["batch_id"]].add(row["status"], row["n"], row["after"] or 0)
        sizes = Batch.objects.filter(pk__in=tallies).annotate(
            images=Count("jobs__upload", distinct=True), joined=Max("jobs__images")
        )
        for pk, images, joined, size in sizes.values_list(
            "pk", "images", "joined", _size_of_originals()
        ).order_by():
            tallies[pk].images = max(images, joined or 0)
            tallies[pk].bytes_before = size or 0
        return tallies


def _size_of_originals() -> Subquery:
    """Return a subquery for the total size of a batch's images with results, each counted once."""
    finished = Job.objects.filter(batch=OuterRef(OuterRef("pk")), status=Job.Status.FINISHED).order_by()
    joined = Source.objects.filter(
        job__batch=OuterRef(OuterRef("pk")), job__status=Job.Status.FINISHED
    ).order_by()
    originals = Upload.objects.filter(
        Q(pk__in=finished.values("upload")) | Q(pk__in=joined.values("upload"))
    ).order_by()
    # Not aggregate(), which would run the query at once.
    return Subquery(originals.annotate(sum=Func("size", function="SUM")).values("sum"))


class Batch(models.Model):
    """Images submitted together. Its state is derived from its jobs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="batches")
    outputs = models.JSONField(help_text=_("The requested recipes, in canonical form."))
    name_pattern = models.CharField(
        max_length=LONGEST, blank=True, help_text=_("For results, such as {name}-{width}.{ext}.")
    )
    join = models.CharField(
        max_length=10,
        blank=True,
        default="",
        db_default="",
        help_text=_("Format of the document that joins all images."),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    kept = models.BooleanField(default=True, editable=False)
    """Whether it stays in the history. A batch for a single response does not, and sends no events."""
    expires_at = models.DateTimeField()
    expired_at = models.DateTimeField(null=True, blank=True, editable=False)
    zip_key = models.CharField(max_length=200, blank=True, editable=False)
    zip_asked_at = models.DateTimeField(null=True, blank=True, editable=False)
    """Unused, but the previous release still needs it."""

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
        return Batch.objects.tallies_of([self])[self.pk]

    @property
    def naming(self) -> str:
        """The pattern of its results' names. The default distinguishes sizes of the same format."""
        return self.name_pattern or usual_pattern([output["format"] for output in self.outputs])

    @property
    def is_icon_set(self) -> bool:
        """Whether its results get the file names of an icon set. A name pattern takes precedence."""
        return not self.name_pattern and icons.is_set(self.outputs)

    @property
    def state(self) -> str:
        return self.tally.state

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


@dataclass
class Tally:
    """Counts of one batch's jobs; bytes are those of finished results and of their originals."""

    by_status: dict[str, int] = field(default_factory=dict)
    images: int = 0
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
    def results(self) -> int:
        """How many results there are or may still be."""
        return self.total - self.count(Job.Status.FAILED) - self.count(Job.Status.CANCELLED)

    @property
    def bytes_saved(self) -> int:
        return self.bytes_before - self.bytes_after

    @property
    def compares(self) -> bool:
        """Whether the two sizes can be compared: not those of an image and of its several results."""
        return self.total <= self.images

    @property
    def state(self) -> str:
        """A job status, or `partially_failed`."""
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
