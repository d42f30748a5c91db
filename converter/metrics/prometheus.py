"""Count metrics for Prometheus, shared by all processes of this machine.

CloudWatch's `BytesIn` is `imagesite_bytes_in_total` here; `Milliseconds` is a histogram,
`imagesite_milliseconds`. In the client's multiprocess mode each process has a file in
PROMETHEUS_MULTIPROC_DIR (settings.py), so that the counts of ended workers remain.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from django.conf import settings
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

MILLISECONDS = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000)
HELP = {
    "Submitted": "Jobs submitted",
    "Finished": "Jobs finished",
    "Failed": "Jobs failed",
    "Duplicates": "Duplicate events, whose work was already done",
    "Milliseconds": "Time to convert an image",
    "BytesIn": "Bytes of the originals of finished jobs",
    "BytesOut": "Bytes of results",
    "SlowPages": "Pages that took more than ten seconds",
}


def emit(by: dict[str, str] | None, **values: float) -> None:
    labels = by or {}
    for name, value in values.items():
        metric = _metric(name, tuple(sorted(labels)))
        found = metric.labels(**labels) if labels else metric
        if isinstance(found, Histogram):
            found.observe(value)
        else:
            found.inc(value)


def forget() -> None:
    """Reset the counters of ended processes and this one. Called when a server starts, before it counts."""
    folder = Path(settings.CONVERTER_METRICS_DIR)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in folder.glob("*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid == str(os.getpid()) or not _is_running(pid):
            file.unlink()


def text(*more: Collector) -> bytes:
    """Return this machine's metrics and those of `more` in Prometheus' text format."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, settings.CONVERTER_METRICS_DIR)  # type: ignore[no-untyped-call]
    for collector in more:
        registry.register(collector)
    return generate_latest(registry)


def _is_running(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        return True
    return True


@cache
def _metric(name: str, labels: tuple[str, ...]) -> Counter | Histogram:
    plain = "imagesite_" + re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    if name == "Milliseconds":
        return Histogram(plain, HELP[name], labels, buckets=MILLISECONDS, registry=None)
    return Counter(plain, HELP.get(name, name), labels, registry=None)
