"""After `make deploy-code`, an alarm of errors brings the previous code back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
import moto
import pytest

from infra.deployment import Deployment
from infra.errors import DeployError
from infra.watch import ALARMS, Watch


class Site(Deployment):
    deployed = True

    def has_function(self, stage: str) -> bool:
        return self.deployed


class Zappa:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, command: Sequence[str], folder: Path, env: Mapping[str, str], capture: bool) -> str:
        self.asked.append(" ".join(command[1:3]))
        return ""


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
        yield Watch(Site("imagesite", "eu-west-1", run=Zappa(), builds=tmp_path), seconds=0.2, pause=0.01)


def cloudwatch() -> Any:
    return boto3.client("cloudwatch", region_name="eu-west-1")


def ring(alarm: str) -> None:
    cloudwatch().set_alarm_state(AlarmName=f"imagesite-{alarm}", StateValue="ALARM", StateReason="a test")


def asked(watch: Watch) -> list[str]:
    assert isinstance(watch.site.run, Zappa)
    return watch.site.run.asked


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_that_goes_off_brings_the_previous_code_back(watch: Watch, alarm: str) -> None:
    watch.note()
    ring(alarm)
    with pytest.raises(DeployError, match=f"imagesite-{alarm} went off, and the previous code is back"):
        watch.watch()
    assert asked(watch) == ["rollback production", "rollback production_worker"]


def test_quiet_minutes_leave_the_new_code(watch: Watch) -> None:
    watch.note()
    ring("failed-queue")  # of events of an hour ago, maybe
    watch.watch()
    assert asked(watch) == []


def test_an_alarm_that_was_on_before_is_not_the_new_codes(watch: Watch) -> None:
    ring("web-errors")
    watch.note()
    watch.watch()
    assert asked(watch) == []


def test_a_first_deploy_has_nothing_to_go_back_to(watch: Watch) -> None:
    assert isinstance(watch.site, Site)
    watch.site.deployed = False
    watch.note()
    ring("web-errors")
    watch.watch()
    assert asked(watch) == []


def test_the_alarms_it_watches_are_made_in_the_small_profile_too() -> None:
    text = (Path(__file__).resolve().parents[2] / "infra" / "alarms.tf").read_text()
    essential = text.partition("essential_alarms = [")[2].partition("]")[0]
    assert all(f'"{alarm}"' in essential for alarm in ALARMS)
