"""Programs call the API with tokens of the pool, or with the site's own."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from imagesite.accounts.cognito import backend
from imagesite.accounts.cognito import client as cognito
from imagesite.accounts.cognito.errors import CognitoError, CognitoUnavailable
from imagesite.accounts.models import ApiToken, User
from tests.accounts.cognito.people import PASSWORD, log_in

pytestmark = [pytest.mark.django_db, pytest.mark.system, pytest.mark.usefixtures("site")]


def call(client: Client, token: str) -> int:
    return client.get("/api/v1/batches", headers={"Authorization": f"Bearer {token}"}).status_code


def test_an_access_token_of_the_pool_works_on_the_api(client: Client, carol: str) -> None:
    tokens = cognito.log_in(carol, PASSWORD)
    assert isinstance(tokens, cognito.Tokens)
    assert call(client, tokens.access) == 200
    assert User.objects.get().email == carol
    assert call(client, tokens.access) == 200
    assert User.objects.count() == 1


def test_other_tokens_do_not_work_on_the_api(client: Client, carol: str) -> None:
    tokens = cognito.log_in(carol, PASSWORD)
    assert isinstance(tokens, cognito.Tokens)
    for token in (tokens.id, tokens.refresh, tokens.access[:-3], "a.b.c"):
        assert call(client, token) == 401
    assert not User.objects.exists()


def test_a_disabled_persons_own_tokens_end_too(client: Client, pool: Any, carol: str, settings: Any) -> None:
    log_in(client, carol)
    _, secret = ApiToken.issue(User.objects.get(), "script")
    program = Client()
    assert call(program, secret) == 200
    pool.admin_disable_user(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=carol)
    cache.clear()  # the pool's answers are cached for ten minutes
    assert call(program, secret) == 401


def test_a_token_of_a_user_missing_from_the_pool_is_invalid(client: Client, alice: Any) -> None:
    _, secret = ApiToken.issue(alice, "script")
    assert call(client, secret) == 401


@pytest.mark.parametrize("fault", [CognitoUnavailable("gone"), CognitoError("too_many_attempts")])
def test_the_api_reports_an_unavailable_pool(
    client: Client, carol: str, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    log_in(client, carol)
    _, secret = ApiToken.issue(User.objects.get(), "script")
    access = client.session[backend.SESSION_KEY]["access"]

    def fail(*args: object, **kwargs: object) -> None:
        raise fault

    monkeypatch.setattr(cognito, "is_enabled", fail)
    monkeypatch.setattr(cognito, "email_of", fail)
    cache.clear()
    User.objects.update(sub="another")  # so that the access token's user is new
    assert call(Client(), secret) == 503
    assert call(Client(), access) == 503
