"""The endpoint for Prometheus: counters and the queue."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from converter.methods import require_safe
from converter.metrics import prometheus
from converter.models import Job


@login_not_required
@require_safe
def scrape(request: HttpRequest) -> HttpResponse:
    """Return all metrics if the request has METRICS_TOKEN as its bearer token."""
    if not settings.CONVERTER_METRICS_TOKEN:
        raise Http404
    sent = request.headers.get("Authorization", "").encode()
    if not hmac.compare_digest(sent, f"Bearer {settings.CONVERTER_METRICS_TOKEN}".encode()):
        return HttpResponse(
            "Send METRICS_TOKEN as a bearer token.\n",
            "text/plain",
            401,
            headers={"WWW-Authenticate": "Bearer"},
        )
    return HttpResponse(prometheus.text(Queue()), CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


class Queue(Collector):
    """Gauges of the unfinished jobs, counted through their index."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        counts = dict(Job.objects.unfinished().order_by().values_list("status").annotate(count=Count("pk")))
        waiting = GaugeMetricFamily("imagesite_unfinished", "Jobs not finished yet", labels=["status"])
        for status in Job.UNFINISHED:
            waiting.add_metric([str(status)], counts.get(status, 0))
        yield waiting
        oldest = Job.objects.filter(status=Job.Status.QUEUED).aggregate(oldest=Min("queued_at"))["oldest"]
        age = (timezone.now() - oldest).total_seconds() if oldest else 0
        yield GaugeMetricFamily("imagesite_oldest_queued_seconds", "Age of the oldest queued job", value=age)
