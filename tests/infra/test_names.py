"""The longest PROJECT that names can be made of, and one letter more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import boto3
import moto
import pytest
from zappa.core import Zappa

from infra.deploy import up, walk
from infra.preflight import Preflight
from tests.infra.test_deploy import KEYS, PYTHON, Programs, Site, programs


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Preflight, "python", lambda self: self.interpreter)
    with moto.mock_aws():
        yield


@pytest.mark.long
@pytest.mark.parametrize("project", ["imagesite-eu-west", "imagesite-eu-one"])
def test_a_name_of_more_than_sixteen_letters_ends_before_anything_is_made(
    tmp_path: Path, project: str, capsys: pytest.CaptureFixture[str]
) -> None:
    site = Site(
        project,
        "eu-west-1",
        ask=False,
        run=Programs(),
        builds=tmp_path,
        python=PYTHON,
        fetch=lambda url: KEYS,
    )
    whole = len(project) == 16
    assert walk(up(site)[: 3 if whole else None]) == (0 if whole else 1)
    assert ("2 to 16 lower-case letters" in capsys.readouterr().out) == (not whole)
    assert programs(site).asked == []
    buckets = boto3.client("s3", region_name="eu-west-1").list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == ([site.state_bucket] if whole else [])


def test_the_rule_of_the_clock_begins_with_the_workers_name_for_the_longest_project() -> None:
    """Zappa hashes the name where the rule's has 64 letters, and the deployer may touch no rule of another name."""
    for project, begins in (("imagesite-eu-one", True), ("imagesite-eu-west", False)):
        worker = f"{project}-production-worker"
        rule = Zappa(load_credentials=False).get_scheduled_event_name(
            {}, "converter.events.clock.sweep", worker
        )
        assert rule.startswith(worker) == begins
