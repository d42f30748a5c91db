from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from imagesite.accounts import tokens
from imagesite.accounts.models import ApiToken

pytestmark = pytest.mark.django_db


def made(*arguments: str) -> str:
    out = io.StringIO()
    call_command("create_api_token", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_token_alone(alice: Any) -> None:
    text = made("alice@example.org")
    secret = text.strip()
    assert text == f"{secret}\n"
    caller = tokens.caller_of(secret)
    assert caller is not None
    assert (caller.user, caller.may_write) == (alice, True)
    token = ApiToken.objects.get()
    assert token.expires_at is None
    assert secret.startswith(token.start)


def test_the_command_applies_its_options(alice: Any) -> None:
    secret = made("ALICE@example.org", "--name", "ci", "--read-only", "--days", "2").strip()
    caller = tokens.caller_of(secret)
    assert caller is not None
    assert not caller.may_write
    token = ApiToken.objects.get()
    assert token.name == "ci"
    assert token.expires_at is not None
    assert abs(token.expires_at - timezone.now() - timedelta(days=2)) < timedelta(minutes=1)


def test_the_command_says_how_to_get_an_account() -> None:
    with pytest.raises(CommandError, match="Sign up on the site first"):
        made("nobody@example.org")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nobody@example.org"],
        ["alice@example.org", "--days", "0"],
        ["alice@example.org", "--days", "99999999999"],
        ["alice@example.org", "--name", ""],
        ["alice@example.org", "--name", "\u200b"],
        ["alice@example.org", "--name", "x" * 81],
    ],
)
def test_the_command_says_what_is_wrong(alice: Any, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        made(*arguments)
    assert not ApiToken.objects.exists()


def test_the_secret_is_not_kept(alice: Any) -> None:
    token, secret = ApiToken.issue(alice, "test")
    assert secret not in [str(value) for value in ApiToken.objects.values_list().get()]
    assert ApiToken.digest_of(secret) == token.digest


def test_the_last_use_is_noted_to_the_minute(alice: Any, django_assert_num_queries: Any) -> None:
    token, secret = ApiToken.issue(alice, "test")
    before = timezone.now()
    tokens.caller_of(secret)
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert token.last_used_at >= before
    with django_assert_num_queries(1):
        tokens.caller_of(secret)
    ApiToken.objects.update(last_used_at=before - timedelta(minutes=2))
    tokens.caller_of(secret)
    token.refresh_from_db()
    assert token.last_used_at >= before


@pytest.mark.parametrize("secret", ["", "img_", "img_nonsense", "x" * 10_000, "img_\x00"])
def test_an_invalid_token_identifies_nobody(secret: str) -> None:
    assert tokens.caller_of(secret) is None
