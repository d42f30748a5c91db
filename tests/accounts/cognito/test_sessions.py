"""Sessions follow the pool: tokens are refreshed, and sessions end when the pool ends them."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.test import Client

from imagesite.accounts.cognito import backend
from imagesite.accounts.cognito import client as cognito
from imagesite.accounts.cognito.errors import CognitoError, CognitoUnavailable
from imagesite.accounts.models import User
from tests.accounts.cognito.people import NEW, PAGE, PASSWORD, grow_old, is_in, log_in
from tests.cloud import cognito as mock

pytestmark = [pytest.mark.django_db, pytest.mark.system, pytest.mark.usefixtures("site")]


def test_staff_status_follows_the_group(client: Client, pool: Any, carol: str, settings: Any) -> None:
    who = {"UserPoolId": settings.COGNITO_USER_POOL_ID, "Username": carol, "GroupName": "staff"}
    pool.admin_add_user_to_group(**who)
    log_in(client, carol)
    assert client.get("/admin/").status_code == 200
    pool.admin_remove_user_from_group(**who)
    grow_old(client)
    assert client.get("/admin/", follow=True).status_code == 403
    assert not User.objects.get().is_staff


def test_the_row_is_keyed_by_sub_and_not_by_address(
    client: Client, pool: Any, carol: str, settings: Any
) -> None:
    log_in(client, carol)
    old = User.objects.get()
    client.post("/accounts/logout/")
    pool.admin_delete_user(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=carol)
    cognito.sign_up(carol, PASSWORD)
    cognito.confirm_sign_up(carol, mock.CODE)
    log_in(client, carol)
    old.refresh_from_db()
    new = User.objects.get(email=carol)
    assert new.pk != old.pk
    assert not old.is_active
    assert client.session["_auth_user_id"] == str(new.pk)


def test_a_row_made_elsewhere_is_not_taken_over_by_its_address(client: Client, carol: str) -> None:
    User.objects.create_superuser(carol, "anything")
    log_in(client, carol)
    assert not User.objects.get(email=carol).is_staff


def test_an_account_closed_here_stays_closed(client: Client, carol: str) -> None:
    log_in(client, carol)
    User.objects.update(is_active=False)
    assert not is_in(client)
    page = log_in(client, carol)
    assert (page.status_code, "This account is closed" in page.content.decode()) == (422, True)


def test_tokens_are_renewed_automatically(client: Client, carol: str) -> None:
    log_in(client, carol)
    before = client.session[backend.SESSION_KEY]
    grow_old(client)
    assert is_in(client)
    after = client.session[backend.SESSION_KEY]
    assert after["until"] > time.time()
    assert after["refresh"] == before["refresh"]


def test_fresh_tokens_are_not_renewed(client: Client, carol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    log_in(client, carol)
    monkeypatch.setattr(cognito, "refresh", None)
    assert is_in(client)


def test_a_disabled_user_loses_access_when_the_token_expires(
    client: Client, pool: Any, carol: str, settings: Any
) -> None:
    log_in(client, carol)
    pool.admin_disable_user(UserPoolId=settings.COGNITO_USER_POOL_ID, Username=carol)
    grow_old(client)
    assert not is_in(client)
    assert backend.SESSION_KEY not in client.session


def test_log_out_everywhere_ends_the_other_sessions(carol: str) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        log_in(client, carol)
    here.post("/accounts/logout/everywhere/")
    assert not is_in(here)
    grow_old(there)
    assert not is_in(there)


def test_both_ways_to_log_out_forget_chosen_images(client: Client, carol: str) -> None:
    log_in(client, carol)
    page = client.get("/accounts/").content.decode()
    forms = re.findall(r'<form [^>]*action="(/accounts/logout/[^"]*)" data-log-out>', page)
    assert forms == ["/accounts/logout/", "/accounts/logout/everywhere/"]


@pytest.mark.parametrize(
    ("page", "entered"),
    [
        ("second-factor", {}),
        ("second-factor", {"code": "123456"}),
        ("password", {"old": PASSWORD, "password": NEW}),
        ("logout/everywhere", {"any": "thing"}),
        ("delete", {"email": "carol@example.org"}),
    ],
)
def test_a_user_logged_out_elsewhere_is_redirected_to_the_log_in(
    carol: str, page: str, entered: dict[str, str]
) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        log_in(client, carol)
    here.post("/accounts/logout/everywhere/")
    path = f"/accounts/{page}/"
    answer = there.post(path, entered) if entered else there.get(path)
    assert answer.headers["Location"] == "/accounts/login/"
    assert "Your session has expired" in there.get("/accounts/login/").content.decode()


def test_a_session_that_the_pool_did_not_begin_is_ended(client: Client, alice: Any) -> None:
    client.force_login(alice, backend="imagesite.accounts.cognito.backend.CognitoBackend")
    assert not is_in(client)


@pytest.mark.parametrize("fault", [CognitoUnavailable("gone"), CognitoError("too_many_attempts")])
def test_a_pool_that_does_not_answer_ends_no_session(
    client: Client, carol: str, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    log_in(client, carol)
    grow_old(client)

    def fail(token: str) -> None:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(cognito, "refresh", fail)
        answer = client.get(PAGE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert is_in(client)
