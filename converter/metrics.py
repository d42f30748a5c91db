"""What is counted, for CloudWatch: a line of its embedded metric format for each event. At home nothing is written.

Each count is kept for the whole service and, where something tells the events apart, for that as well.
"""

from __future__ import annotations

from django.conf import settings

UNITS = {"Milliseconds": "Milliseconds", "BytesIn": "Bytes", "BytesOut": "Bytes"}


def emit(by: dict[str, str] | None = None, **values: float) -> None:
    """Write the values, by service and by `by` (few different values each: every one is a metric of its own)."""
    if not settings.CONVERTER_METRICS:
        return
    from aws_lambda_powertools.metrics import EphemeralMetrics  # slow to load, and of no use at home

    metrics = EphemeralMetrics(namespace=settings.CONVERTER_METRICS, service=settings.CONVERTER_SERVICE)
    for name, value in values.items():
        metrics.add_metric(name, UNITS.get(name, "Count"), value)
    if by:
        metrics.add_dimensions(service=settings.CONVERTER_SERVICE, **by)
    metrics.flush_metrics()
