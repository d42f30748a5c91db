"""What the pool requires besides the password: the second factor, a new password."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from imagesite.accounts.cognito import client as cognito
from imagesite.accounts.cognito.errors import CognitoError
from tests.accounts.cognito.people import NEW, PASSWORD, is_in, log_in
from tests.cloud import cognito as mock

pytestmark = [pytest.mark.django_db, pytest.mark.system, pytest.mark.usefixtures("site")]


def test_a_second_factor_is_set_up_asked_for_and_dropped(client: Client, carol: str) -> None:
    log_in(client, carol)
    page = client.get("/accounts/second-factor/").content.decode()
    assert mock.TOTP_SECRET in page
    assert 'src="data:image/svg+xml' in page
    key_uri = f"otpauth://totp/Imagesite:carol%40example.org?secret={mock.TOTP_SECRET}&amp;issuer=Imagesite"
    assert f'href="{key_uri}"' in page  # a phone cannot scan its own screen
    assert client.post("/accounts/second-factor/", {"code": "000000"}).status_code == 422
    code = {"code": mock.totp(datetime.now(UTC))}
    assert client.post("/accounts/second-factor/", code).status_code == 302
    client.post("/accounts/logout/")

    assert log_in(client, carol, next="/recipes/").headers["Location"] == "/accounts/login/challenge/"
    assert not is_in(client)
    assert client.post("/accounts/login/challenge/", {"code": "000000"}).status_code == 422
    code = {"code": mock.totp(datetime.now(UTC))}
    assert client.post("/accounts/login/challenge/", code).headers["Location"] == "/recipes/"
    assert is_in(client)

    assert client.post("/accounts/second-factor/", {"password": "a guess"}).status_code == 422
    assert client.post("/accounts/second-factor/", {"password": PASSWORD}).status_code == 302
    client.post("/accounts/logout/")
    assert log_in(client, carol).headers["Location"] == "/convert/"


def test_a_user_created_by_staff_chooses_a_password(client: Client, pool: Any, settings: Any) -> None:
    pool.admin_create_user(
        UserPoolId=settings.COGNITO_USER_POOL_ID,
        Username="dave@example.org",
        TemporaryPassword=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": "dave@example.org"}],
    )
    assert log_in(client, "dave@example.org").headers["Location"] == "/accounts/login/challenge/"
    assert client.post("/accounts/login/challenge/", {"password": "weak"}).status_code == 422
    assert client.post("/accounts/login/challenge/", {"password": NEW}).status_code == 302
    assert is_in(client)


def test_a_pool_that_insists_shows_the_qr_code_at_log_in(
    client: Client, pool: Any, carol: str, settings: Any
) -> None:
    pool.set_user_pool_mfa_config(
        UserPoolId=settings.COGNITO_USER_POOL_ID,
        SoftwareTokenMfaConfiguration={"Enabled": True},
        MfaConfiguration="ON",
    )
    log_in(client, carol)
    assert mock.TOTP_SECRET in client.get("/accounts/login/challenge/").content.decode()
    code = {"code": mock.totp(datetime.now(UTC))}
    assert client.post("/accounts/login/challenge/", code).status_code == 302
    assert is_in(client)


def test_a_throttled_setup_at_log_in_asks_to_wait(
    client: Client, pool: Any, carol: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.set_user_pool_mfa_config(
        UserPoolId=settings.COGNITO_USER_POOL_ID,
        SoftwareTokenMfaConfiguration={"Enabled": True},
        MfaConfiguration="ON",
    )

    def fail(challenge: object) -> None:
        raise CognitoError("too_many_attempts")

    log_in(client, carol)
    monkeypatch.setattr(cognito, "begin_mfa_setup", fail)
    page = client.get("/accounts/login/challenge/", follow=True)
    assert page.redirect_chain == [("/accounts/login/", 302)]
    assert "Too many attempts. Wait 15 minutes" in page.content.decode()


def test_a_challenge_without_a_log_in_redirects_to_the_log_in(client: Client) -> None:
    assert client.get("/accounts/login/challenge/").headers["Location"] == "/accounts/login/"
