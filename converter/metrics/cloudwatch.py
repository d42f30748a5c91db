"""Emit metrics to CloudWatch, one log line in the embedded metric format per event.

Each value is recorded for the whole service and, if it has dimensions, for them as well.
"""

from __future__ import annotations

from aws_lambda_powertools.metrics import EphemeralMetrics
from django.conf import settings

UNITS = {"Milliseconds": "Milliseconds", "BytesIn": "Bytes", "BytesOut": "Bytes"}


def emit(by: dict[str, str] | None, **values: float) -> None:
    metrics = EphemeralMetrics(namespace=settings.CONVERTER_METRICS, service=settings.CONVERTER_SERVICE)
    for name, value in values.items():
        metrics.add_metric(name, UNITS.get(name, "Count"), value)
    if by:
        metrics.add_dimensions(service=settings.CONVERTER_SERVICE, **by)
    metrics.flush_metrics()
