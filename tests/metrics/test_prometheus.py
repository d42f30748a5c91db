"""The metrics for Prometheus, parsed like Prometheus does."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from converter.metrics import prometheus
from tests.server import ROOT, Server
from tests.test_serve import eventually, submit

PEOPLE = """
from imagesite.accounts.models import ApiToken, User

print(ApiToken.issue(User.objects.create_user("alice@example.org"), "test")[1])
"""
DASHBOARD = ROOT / "deploy" / "grafana.json"


def test_there_are_no_metrics_unless_they_are_turned_on(client: Client) -> None:
    assert client.get("/metrics").status_code == 404


def test_a_starting_server_removes_the_metrics_of_previous_servers_but_not_of_workers(
    tmp_path: Path, settings: Any
) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir()
    settings.CONVERTER_METRICS_DIR = str(folder)
    ended = subprocess.Popen(["true"])
    ended.wait()
    for pid in (ended.pid, os.getpid(), os.getppid()):
        (folder / f"counter_{pid}.db").touch()
    prometheus.forget()
    assert [file.name for file in folder.iterdir()] == [f"counter_{os.getppid()}.db"]


def scraped(site: Server, token: str = "secret") -> dict[tuple[str, str], float]:
    """Return the samples by name and value of their first label."""
    answer = requests.get(f"{site.url}/metrics", headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert answer.ok, answer.text
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


@pytest.mark.slow
@pytest.mark.system
def test_prometheus_gets_the_metrics_of_the_server_and_its_workers(tmp_path: Path, new_site: Path) -> None:
    with Server(tmp_path, like=new_site) as site, requests.Session() as program:
        site.environment |= {"METRICS_TOKEN": "secret", "WORKERS": "2"}
        program.headers["Authorization"] = f"Bearer {site.python(PEOPLE)}"
        site.start()
        for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "secret"}):
            assert requests.get(f"{site.url}/metrics", headers=wrong, timeout=60).status_code == 401

        address = f"{site.url}/api/v1/batches/{submit(site, program, 2)}"
        assert eventually(90, lambda: program.get(address, timeout=60).json()["status"] == "finished")
        results = [job["result"] for job in program.get(address, timeout=60).json()["jobs"]]
        told = scraped(site)
        assert told["imagesite_submitted_total", ""] == 4
        assert told["imagesite_finished_total", "webp"] == 2
        assert told["imagesite_finished_total", "avif"] == 2
        assert told["imagesite_bytes_out_total", "avif"] == sum(
            result["size"] for result in results if result["format"] == "avif"
        )
        assert told["imagesite_milliseconds_count", "webp"] == 2
        assert told["imagesite_milliseconds_sum", "webp"] > 0
        assert told["imagesite_unfinished", "queued"] == 0
        assert told["imagesite_oldest_queued_seconds", ""] == 0

        # Counts of a worker survive its death.
        for worker in _workers(site):
            worker.send_signal(signal.SIGKILL)
        address = f"{site.url}/api/v1/batches/{submit(site, program, 1)}"
        assert eventually(90, lambda: scraped(site)["imagesite_finished_total", "webp"] == 3)

        # A restart counts from zero, as Prometheus expects.
        site.end()
        site.start()
        assert ("imagesite_submitted_total", "") not in scraped(site)


def _workers(site: Server) -> list[psutil.Process]:
    assert site.process
    children = psutil.Process(site.process.pid).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


def test_the_dashboard_uses_existing_metrics() -> None:
    board = json.loads(DASHBOARD.read_text())
    asked = {
        name
        for panel in board["panels"]
        for target in panel["targets"]
        for name in re.findall(r"imagesite_\w+", target["expr"])
    }
    there = {
        *(f"imagesite_{name}_total" for name in ("submitted", "finished", "failed", "duplicates", "slow_pages")),
        *("imagesite_bytes_in_total", "imagesite_bytes_out_total", "imagesite_milliseconds_bucket"),
        *("imagesite_unfinished", "imagesite_oldest_queued_seconds"),
    }  # fmt: skip
    assert asked == there
