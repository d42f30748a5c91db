"""Which PROJECT names are possible."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import boto3
import botocore.session
import moto
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from slugify import slugify
from zappa.core import Zappa

from infra.deploy import up, walk
from infra.deployment import INFRA
from infra.errors import DeployError
from infra.preflight import RESERVED, Preflight
from infra.rollback import STAGES
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
    """Zappa hashes names of 64 characters or more, and the deployer may not change rules with other names."""
    for project, begins in (("imagesite-eu-one", True), ("imagesite-eu-west", False)):
        worker = f"{project}-production-worker"
        rule = Zappa(load_credentials=False).get_scheduled_event_name(
            {}, "converter.events.clock.sweep", worker
        )
        assert rule.startswith(worker) == begins


@pytest.mark.long
@given(st.from_regex(r"[a-z][a-z0-9-]{0,14}[a-z0-9]", fullmatch=True))
def test_zappa_names_the_functions_as_terraform_does(project: str) -> None:
    assume(not re.search(RESERVED, project))
    for stage in STAGES:
        assert slugify(f"{project}-{stage}") == f"{project}-{stage.replace('_', '-')}"


def test_two_hyphens_in_a_row_would_give_two_names_to_one_function() -> None:
    assert slugify("my--site-production") == "my-site-production"
    assert re.search(RESERVED, "my--site")


@pytest.mark.parametrize(
    "project", ["awsome", "ssm", "sg", "sg-site", "sthree-x", "amzn-s3-demo-x", "default", "my--x"]
)
def test_a_name_reserved_by_aws_is_refused(project: str) -> None:
    with pytest.raises(DeployError, match=f"PROJECT={project} is not valid: AWS reserves"):
        Preflight(project, "eu-west-1", {}, pytest.fail, PYTHON).name()


def test_ssm_says_which_beginnings_it_keeps() -> None:
    """The secrets of a site are stored under /PROJECT."""
    service = botocore.session.get_session().get_service_model("ssm")
    shape = service.operation_model("PutParameter").input_shape
    assert shape
    said = shape.members["Name"].documentation
    assert 'can\'t be prefixed with "<code>aws</code>" or "<code>ssm</code>"' in said


def test_terraform_refuses_the_same_names() -> None:
    assert f'regex("{RESERVED}", var.project)' in (INFRA / "variables.tf").read_text()
