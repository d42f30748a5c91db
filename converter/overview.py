"""The admin's overview of the last 24 hours. Each number links to its rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, F, Max, Q, Sum, Window
from django.db.models.functions import RowNumber, TruncHour
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from converter.methods import require_safe
from converter.models import Job, Upload

HOURS = 24
SHOWN = 10  # rows of a list
BAR_WIDTH, BAR_HEIGHT = 30, 120  # of one hour, in SVG units

# Outcomes of jobs in the bars. An expired result counts as made.
OUTCOMES = {
    Job.Status.FINISHED: "made",
    Job.Status.EXPIRED: "made",
    Job.Status.FAILED: "failed",
    Job.Status.CANCELLED: "cancelled",
}


@dataclass
class Part:
    outcome: str
    y: float
    height: float


@dataclass
class Hour:
    """The jobs submitted in one hour, drawn as a bar."""

    start: datetime
    x: int
    url: str
    counts: dict[str, int] = field(default_factory=dict)
    parts: list[Part] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    def draw(self, most: int) -> None:
        y = float(BAR_HEIGHT)
        for outcome in ("made", "failed", "cancelled", "open"):
            if count := self.counts.get(outcome):
                height = round(count / most * BAR_HEIGHT, 2)
                y -= height
                self.parts.append(Part(outcome, round(y, 2), height))


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    if not request.user.has_perms(["converter.view_job", "converter.view_upload"]):
        raise PermissionDenied
    now = timezone.now()
    since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    recent = Job.objects.filter(created_at__gte=since)
    context = {
        **admin.site.each_context(request),
        "title": _("Overview"),
        "since": since,
        **_day(recent, since),
        "times": _times(recent, since),
        "failures": _failures(recent, since),
        "received": Upload.objects.filter(created_at__gte=since)
        .exclude(received_at=None)
        .aggregate(n=Count("pk"), bytes=Sum("size")),
        "received_url": _list("upload", created_at__gte=since),
        "waiting": _waiting(),
        "stuck": Job.objects.unfinished().stuck(now).count(),
        "stuck_url": _list("job", age="stuck"),
        "busiest": _busiest(recent, since),
        "uploads_held": Upload.objects.filter(deleted_at=None).aggregate(n=Count("pk"), bytes=Sum("size")),
        "uploads_held_url": _list("upload", deleted_at__isempty=1),
        "results_held": Job.objects.filter(status=Job.Status.FINISHED).aggregate(
            n=Count("pk"), bytes=Sum("result_size")
        ),
        "results_held_url": _list("job", status__exact=Job.Status.FINISHED),
    }
    return render(request, "admin/overview.html", context)


def _list(model: str, **filters: Any) -> str:
    """Return the URL of the admin's change list with these filters."""
    query = urlencode({name: _text(value) for name, value in filters.items()})
    return f"{reverse(f'admin:converter_{model}_changelist')}?{query}"


def _text(value: object) -> str:
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


def _day(recent: Any, since: datetime) -> dict[str, Any]:
    """Return the jobs by state and hour and the total size of their results, from one query."""
    hours = {}
    for n in range(HOURS):
        start = since + timedelta(hours=n)
        url = _list("job", created_at__gte=start, created_at__lt=start + timedelta(hours=1))
        hours[start] = Hour(start, n * BAR_WIDTH, url)
    states = dict.fromkeys(Job.Status, 0)
    sent = 0
    rows = recent.annotate(hour=TruncHour("created_at")).values("hour", "status").order_by()
    for row in rows.annotate(n=Count("pk"), bytes=Sum("result_size")):
        states[row["status"]] += row["n"]
        sent += row["bytes"] or 0
        # A job submitted during this request may fall into the next hour.
        if hour := hours.get(row["hour"]):
            outcome = OUTCOMES.get(row["status"], "open")
            hour.counts[outcome] = hour.counts.get(outcome, 0) + row["n"]
    most = max(hour.total for hour in hours.values())
    for hour in hours.values():
        hour.draw(most)
    return {
        "hours": list(hours.values()),
        "most": most,
        "width": HOURS * BAR_WIDTH,
        "height": BAR_HEIGHT,
        "total": sum(states.values()),
        "total_url": _list("job", created_at__gte=since),
        "sent": sent,
        "states": [
            (status.label, n, _list("job", status__exact=status, created_at__gte=since))
            for status, n in states.items()
        ],
    }


def _times(recent: Any, since: datetime) -> list[dict[str, Any]]:
    """Return the median and 95th percentile of the engine's milliseconds by output format.

    Uses the nearest-rank method: of n sorted times, the one at rank ceil(n · p / 100).
    """
    timed = recent.exclude(milliseconds=None).annotate(
        rank=Window(RowNumber(), partition_by="output_format", order_by=["milliseconds", "pk"]),
        n=Window(Count("pk"), partition_by="output_format"),
    )
    found: dict[str, dict[str, Any]] = {}
    for percent in (50, 95):
        at_rank = timed.filter(rank__gte=F("n") * percent / 100.0, rank__lt=F("n") * percent / 100.0 + 1)
        for row in at_rank.values("output_format", "milliseconds", "n").order_by():
            times = found.setdefault(row["output_format"], {"format": row["output_format"], "n": row["n"]})
            times[f"p{percent}"] = row["milliseconds"]
    for times in found.values():
        times["url"] = _list(
            "job", output_format=times["format"], milliseconds__isnull=False, created_at__gte=since
        )
    return sorted(found.values(), key=lambda times: -times["n"])


def _failures(recent: Any, since: datetime) -> list[dict[str, Any]]:
    rows = recent.filter(status=Job.Status.FAILED).exclude(error_code="").values("error_code").order_by()
    failures = list(rows.annotate(n=Count("pk"), last=Max("created_at")).order_by("-n", "error_code")[:SHOWN])
    for row in failures:
        row["url"] = _list(
            "job", error_code=row["error_code"], status__exact=Job.Status.FAILED, created_at__gte=since
        )
    return failures


def _waiting() -> list[Job]:
    """Return the waiting jobs, oldest first."""
    waits = Q(status=Job.Status.QUEUED) | Q(status=Job.Status.PROCESSING)
    return list(
        Job.objects.unfinished()
        .filter(waits)
        .select_related("upload", "owner")
        .order_by("created_at")[:SHOWN]
    )


def _busiest(recent: Any, since: datetime) -> list[dict[str, Any]]:
    rows = recent.values("owner", "owner__email").annotate(n=Count("pk"), bytes=Sum("result_size"))
    busiest = list(rows.order_by("-n", "owner")[:SHOWN])
    for row in busiest:
        row["url"] = _list("job", owner__id__exact=row["owner"], created_at__gte=since)
    return busiest
