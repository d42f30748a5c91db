"""After `make deploy-code`, an error alarm causes a rollback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest

from infra.deployment import Deployment
from infra.errors import DeployError
from infra.watch import ALARMS, Watch

pytestmark = pytest.mark.long

SETTINGS = Path(__file__).resolve().parents[2] / "zappa_settings.json"


@dataclass
class Site(Deployment):
    deployed: bool = True
    rolled_back: int = 0
    patience_seconds: float = 0

    def has_function(self, stage: str) -> bool:
        return self.deployed

    def roll_back(self) -> None:
        self.rolled_back += 1


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Watch]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with moto.mock_aws():
        for alarm in (*ALARMS, "failed-queue"):
            cloudwatch().put_metric_alarm(
                AlarmName=f"imagesite-{alarm}", ComparisonOperator="GreaterThanThreshold", EvaluationPeriods=1
            )
        site = Site("imagesite", "eu-west-1", status_of=lambda url: 200, builds=tmp_path)
        site.build.mkdir()
        site.settings_file.write_text(SETTINGS.read_text())
        monkeypatch.setattr("infra.watch.WAKING", 0)
        yield Watch(site, seconds=0.2, pause=0.01)


def cloudwatch() -> Any:
    return boto3.client("cloudwatch", region_name="eu-west-1")


def ring(alarm: str) -> None:
    cloudwatch().set_alarm_state(AlarmName=f"imagesite-{alarm}", StateValue="ALARM", StateReason="a test")


def times_back(watch: Watch) -> int:
    assert isinstance(watch.site, Site)
    return watch.site.rolled_back


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_restores_the_previous_code(watch: Watch, alarm: str) -> None:
    watch.note()
    ring(alarm)
    with pytest.raises(DeployError, match=f"imagesite-{alarm} went off; the previous code was restored"):
        watch.watch()
    assert times_back(watch) == 1


def test_without_alarms_the_new_code_stays(watch: Watch) -> None:
    watch.note()
    ring("failed-queue")  # which may be about events of an hour ago
    watch.watch()
    assert times_back(watch) == 0


def test_an_alarm_from_before_the_deploy_is_ignored(watch: Watch) -> None:
    ring("web-errors")
    watch.note()
    watch.watch()
    assert times_back(watch) == 0


def test_an_alarm_that_ended_and_goes_off_again_counts(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = iter([{"imagesite-web-errors"}, {"imagesite-web-errors"}, set(), {"imagesite-web-errors"}])
    monkeypatch.setattr(Watch, "on", lambda self: next(seen))
    watch.note()
    with pytest.raises(DeployError, match="web-errors went off"):
        watch.watch()
    assert times_back(watch) == 1


def test_a_site_that_stops_responding_gets_the_previous_code_back(watch: Watch) -> None:
    watch.note()
    watch.site.status_of = lambda url: 502
    with pytest.raises(DeployError, match="/healthz answers 502; the previous code was restored"):
        watch.wait_for_answer()
    assert times_back(watch) == 1


def test_a_site_that_did_not_respond_before_keeps_the_new_code(watch: Watch) -> None:
    watch.site.status_of = lambda url: 503
    watch.note()
    with pytest.raises(DeployError, match="answers 503$"):
        watch.wait_for_answer()
    assert times_back(watch) == 0


def test_a_first_deploy_has_nothing_to_go_back_to(watch: Watch) -> None:
    assert isinstance(watch.site, Site)
    watch.site.deployed = False
    watch.note()
    ring("web-errors")
    watch.watch()
    assert times_back(watch) == 0


def test_the_alarms_it_watches_are_made_in_the_small_profile_too() -> None:
    text = (Path(__file__).resolve().parents[2] / "infra" / "alarms.tf").read_text()
    essential = text.partition("essential_alarms = [")[2].partition("]")[0]
    assert all(f'"{alarm}"' in essential for alarm in ALARMS)
