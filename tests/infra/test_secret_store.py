"""The keys of a site, and how they are rotated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import moto
import pytest
from cryptography.hazmat.primitives import serialization

from infra.deploy import rotate, up, walk
from infra.preflight import Preflight
from tests.infra.test_deploy import KEYS, PYTHON, Programs, Site, programs

pytestmark = pytest.mark.long


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Preflight, "python", lambda self: self.interpreter)
    with moto.mock_aws():
        yield Site(
            "imagesite",
            "eu-west-1",
            ask=False,
            run=Programs(),
            status_of=lambda url: 200,
            fetch=lambda url: KEYS,
            infra=tmp_path / "infra",
            builds=tmp_path,
            python=PYTHON,
        )


def told(site: Site) -> tuple[list[str], list[str], list[str], str]:
    """Return Terraform's input: origin secrets, public link keys, web keys, the private link key."""
    env = programs(site).env
    values = json.loads(env["TF_VAR_secrets"])
    public = json.loads(env["TF_VAR_cloudfront_public_keys"])
    origin = json.loads(env["TF_VAR_origin_secrets"])
    assert values["origin_secrets"] == ",".join(origin)
    return origin, public, values["web_secret_keys"].split(","), values["cloudfront_private_key"]


def test_keys_change_in_three_steps_and_none_is_used_before_it_is_known(site: Site) -> None:
    assert walk(up(site)) == 0
    origin, public, web, private = told(site)
    seen = [[origin, public, web]]
    privates = [private]
    for _ in range(3):
        assert walk(rotate(site)) == 0
        origin, public, web, private = told(site)
        seen.append([origin, public, web])
        privates.append(private)
    for first, known, used, left in zip(*seen, strict=True):
        (old,), (*_, new) = first, known
        assert (known, used, left) == ([old, new], [new, old], [new])
    assert privates[0] == privates[1] != privates[2] == privates[3]
    assert public_half(privates[3]) == seen[3][1][0]
    assert programs(site).env["TF_VAR_secrets_version"] == "4"


@pytest.mark.parametrize("broken", ["terraform apply", "zappa deploy"])
def test_a_rotation_that_stopped_is_finished_before_the_next_step(site: Site, broken: str) -> None:
    """The message says to run the same command again, which must not use a key that the functions do not know."""
    assert walk(up(site)) == 0
    programs(site).broken = broken
    assert walk(rotate(site)) == 1
    programs(site).broken = ""
    assert walk(rotate(site)) == 0
    origin, public, _, _ = told(site)
    assert walk(rotate(site)) == 0
    assert told(site)[:2] == (origin[::-1], public[::-1])


def test_a_rotation_waits_for_a_first_complete_deploy(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    programs(site).broken = "zappa deploy"
    assert walk(up(site)) == 1
    programs(site).broken = ""
    assert walk(rotate(site)) == 0
    assert "not deployed completely" in capsys.readouterr().out
    assert len(told(site)[0]) == 1


def public_half(private: str) -> str:
    key = serialization.load_pem_private_key(private.encode(), None).public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(serialization.Encoding.PEM, form).decode()


def test_keys_change_only_where_there_are_some(site: Site) -> None:
    assert walk(rotate(site)) == 1
    assert programs(site).asked == []
