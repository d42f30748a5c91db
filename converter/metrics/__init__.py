"""Emit metrics to CloudWatch in the cloud, and to Prometheus at home if METRICS_TOKEN is set."""

from __future__ import annotations

from django.conf import settings


def emit(by: dict[str, str] | None = None, **values: float) -> None:
    """Count an event. `by` holds its dimensions: few values, since each combination is a separate metric."""
    if settings.CONVERTER_METRICS:
        from converter.metrics import cloudwatch

        cloudwatch.emit(by, **values)
    if settings.CONVERTER_METRICS_TOKEN:
        from converter.metrics import prometheus

        prometheus.emit(by, **values)
