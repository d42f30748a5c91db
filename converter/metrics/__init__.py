"""Metrics: for CloudWatch in the cloud, for Prometheus at home if METRICS_TOKEN is set. The names are the same."""

from __future__ import annotations

from django.conf import settings


def emit(by: dict[str, str] | None = None, **values: float) -> None:
    """Count an event. `by` holds its dimensions; keep the values few, since each combination is a separate metric."""
    if settings.CONVERTER_METRICS:
        from converter.metrics import cloudwatch

        cloudwatch.emit(by, **values)
    if settings.CONVERTER_METRICS_TOKEN:
        from converter.metrics import prometheus

        prometheus.emit(by, **values)
