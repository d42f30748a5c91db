"""The account pages with a Cognito user pool: sign up, log in, change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from imagesite.accounts.attempts import ADDRESS
from imagesite.accounts.cognito import backend, jwt
from imagesite.accounts.cognito import client as cognito
from imagesite.accounts.cognito.errors import CognitoError, CognitoUnavailable, text
from imagesite.accounts.models import User
from tests.accounts.cognito.people import NEW, PAGE, PASSWORD, grow_old, is_in, log_in
from tests.cloud import cognito as mock

pytestmark = [pytest.mark.django_db, pytest.mark.system, pytest.mark.usefixtures("site")]


def test_it_works(client: Client) -> None:
    person = {"email": "Erin@example.org", "password": PASSWORD}
    assert client.post("/accounts/signup/", person).headers["Location"] == "/accounts/signup/confirm/"
    page = client.get("/accounts/signup/confirm/")
    assert 'value="erin@example.org"' in page.content.decode()
    code = {"email": "erin@example.org", "code": " 123 456 "}
    assert client.post("/accounts/signup/confirm/", code).headers["Location"] == "/accounts/login/"
    assert 'value="erin@example.org"' in client.get("/accounts/login/").content.decode()
    assert log_in(client, "ERIN@example.org").headers["Location"] == "/convert/"
    user = User.objects.get()
    assert (user.email, user.is_staff, user.has_usable_password()) == ("erin@example.org", False, False)
    assert user.sub
    assert is_in(client)
    out = client.post("/accounts/logout/")
    assert out.headers["Location"] == "/"
    assert out.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert not is_in(client)


def test_a_closed_user_pool_is_reported_as_closed_sign_up(client: Client, pool: Any, settings: Any) -> None:
    only_admins = {"AllowAdminCreateUserOnly": True}
    pool.update_user_pool(UserPoolId=settings.COGNITO_USER_POOL_ID, AdminCreateUserConfig=only_admins)
    person = {"email": "erin@example.org", "password": PASSWORD}
    page = client.post("/accounts/signup/", person)
    assert page.status_code == 403
    assert "Sign-up is closed" in page.text


def test_a_wrong_password_is_reported_only_at_the_form(client: Client, carol: str) -> None:
    pages = [log_in(client, email, "a guess") for email in (carol, "nobody@example.org")]
    assert [page.status_code for page in pages] == [422, 422]
    errors = [page.context["form"].non_field_errors() for page in pages]
    assert errors[0] == errors[1] == [text("wrong_credentials")]


def test_guesses_are_delayed_before_cognito_is_called(
    client: Client, carol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse(email: str, password: str) -> None:
        asked.append(email)
        raise CognitoError("wrong_credentials")

    monkeypatch.setattr(cognito, "log_in", refuse)
    assert [log_in(client, carol, "a guess").status_code for _ in range(12)] == [422] * 10 + [429] * 2
    assert len(asked) == 10


def test_codes_are_not_guessed(client: Client, carol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise CognitoError("wrong_code")

    monkeypatch.setattr(cognito, "reset_password", refuse)
    form = {"email": carol, "code": "123456", "password": NEW}
    answers = [client.post("/accounts/password/reset/code/", form).status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]


def test_an_error_of_cognito_does_not_count_as_a_guess(
    client: Client, carol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: object) -> None:
        raise CognitoUnavailable

    monkeypatch.setattr(cognito, "log_in", away)
    assert {log_in(client, carol, "a guess").status_code for _ in range(12)} == {302}


def test_log_in_leads_on_to_the_page_that_asked(client: Client, carol: str) -> None:
    assert log_in(client, carol, next="/recipes/").headers["Location"] == "/recipes/"


def test_log_in_redirects_to_no_other_site(client: Client, carol: str) -> None:
    assert log_in(client, carol, next="https://evil.example/").headers["Location"] == "/convert/"


def test_the_session_gets_a_new_key_and_keeps_the_tokens(client: Client, carol: str) -> None:
    client.get("/accounts/login/")
    log_in(client, carol, "a guess")
    before = client.session.session_key
    page = log_in(client, carol)
    assert client.session.session_key != before
    refresh = client.session[backend.SESSION_KEY]["refresh"]
    assert refresh
    assert refresh not in str(page.cookies)
    assert set(client.session[backend.SESSION_KEY]) == {"access", "refresh", "until"}


def test_an_unconfirmed_user_is_redirected_to_confirm(client: Client) -> None:
    cognito.sign_up("erin@example.org", PASSWORD)
    assert log_in(client, "erin@example.org").headers["Location"] == "/accounts/signup/confirm/"
    again = client.post("/accounts/signup/resend/", {"email": "erin@example.org"})
    assert again.headers["Location"] == "/accounts/signup/confirm/"


def test_one_address_cannot_use_up_mails_and_users_of_the_pool(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sign-up sends a mail, of which Cognito's own mailer sends 50 a day, and counts as an active user:
    docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
    """
    asked: list[str] = []
    monkeypatch.setattr(cognito, "sign_up", lambda email, password: asked.append(email))
    answers = [
        client.post("/accounts/signup/", {"email": f"{number}@example.org", "password": PASSWORD}).status_code
        for number in range(ADDRESS.burst + 1)
    ]
    assert answers == [302] * ADDRESS.burst + [429]
    assert len(asked) == ADDRESS.burst


def test_sign_up_does_not_reveal_who_has_an_account(client: Client, carol: str) -> None:
    answers = [
        client.post("/accounts/signup/", {"email": email, "password": PASSWORD})
        for email in (carol, "nobody@example.org")
    ]
    assert [(a.status_code, a.headers["Location"]) for a in answers] == [
        (302, "/accounts/signup/confirm/")
    ] * 2


def test_no_form_reveals_who_has_an_account(client: Client, carol: str) -> None:
    forms = {
        "signup": {"password": "weak"},
        "password/reset/code": {"code": "000000", "password": PASSWORD},
        "signup/confirm": {"code": "000000"},
        "login": {"password": "a guess"},
    }
    for page, entered in forms.items():
        told = []
        for email in (carol, "nobody@example.org"):
            for _ in range(mock.ATTEMPTS + 1):
                answer = client.post(f"/accounts/{page}/", {**entered, "email": email})
            told.append((answer.status_code, answer.context["form"].errors))
        assert told[0] == told[1]
        assert told[0][0] == 422


@pytest.mark.parametrize(
    "page", ["login", "signup", "signup/confirm", "password/reset", "password/reset/code"]
)
def test_logged_in_users_are_redirected_from_login_pages(client: Client, carol: str, page: str) -> None:
    log_in(client, carol)
    assert client.get(f"/accounts/{page}/").headers["Location"] == "/convert/"


@pytest.mark.parametrize("page", ["", "password/", "second-factor/", "tokens/"])
def test_strangers_are_asked_to_log_in(client: Client, page: str) -> None:
    assert client.get(f"/accounts/{page}").headers["Location"].startswith("/accounts/login/?next=")


def test_an_unavailable_pool_is_reported(client: Client, carol: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise CognitoUnavailable("gone")

    monkeypatch.setattr(cognito, "log_in", fail)
    page = client.post("/accounts/login/", {"email": carol, "password": PASSWORD}, follow=True)
    assert "is not responding" in page.content.decode()


def test_new_keys_of_the_pool_are_a_temporary_fault(
    client: Client, carol: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log_in(client, carol)
    grow_old(client)
    with monkeypatch.context() as changed:
        changed.setattr(jwt, "_keys", jwt.KeyCache())
        changed.setattr(jwt, "fetch_keys", list)
        assert client.get(PAGE).status_code == 503
        page = log_in(Client(), carol)
        assert page.headers["Location"] == "/accounts/login/"
        assert "has just issued are not valid" in caplog.text
    assert is_in(client)


def test_a_password_is_reset_with_the_mailed_code(client: Client, carol: str) -> None:
    assert client.post("/accounts/password/reset/", {"email": carol}).status_code == 302
    entered = {"email": carol, "code": "000000", "password": NEW}
    assert client.post("/accounts/password/reset/code/", entered).status_code == 422
    assert client.post("/accounts/password/reset/code/", {**entered, "code": mock.CODE}).status_code == 302
    assert log_in(client, carol, NEW).status_code == 302


def test_a_password_is_changed(client: Client, carol: str) -> None:
    log_in(client, carol)
    page = client.post("/accounts/password/", {"old": "a guess", "password": NEW})
    assert (page.status_code, "Your current password is wrong" in page.content.decode()) == (422, True)
    assert client.post("/accounts/password/", {"old": PASSWORD, "password": NEW}).status_code == 302
    client.post("/accounts/logout/")
    assert log_in(client, carol, NEW).status_code == 302


def test_a_changed_password_ends_the_other_sessions_and_not_this_one(carol: str) -> None:
    here, there = Client(), Client()
    for client in (here, there):
        log_in(client, carol)
    answer = here.post("/accounts/password/", {"old": PASSWORD, "password": NEW})
    assert answer.headers["Location"] == PAGE
    for client in (here, there):
        grow_old(client)
    assert is_in(here)
    assert not is_in(there)


def test_changing_the_password_needs_the_second_factor(client: Client, carol: str) -> None:
    log_in(client, carol)
    client.get("/accounts/second-factor/")
    client.post("/accounts/second-factor/", {"code": mock.totp(datetime.now(UTC))})
    answer = client.post("/accounts/password/", {"old": PASSWORD, "password": NEW})
    assert answer.headers["Location"] == "/accounts/login/challenge/"
    assert not is_in(client)
    code = {"code": mock.totp(datetime.now(UTC))}
    assert client.post("/accounts/login/challenge/", code).headers["Location"] == PAGE
    assert is_in(client)


def test_an_account_is_deleted_here_and_in_the_pool(client: Client, carol: str) -> None:
    log_in(client, carol)
    assert client.post("/accounts/delete/", {"email": "bob@example.org"}).status_code == 422
    assert is_in(client)
    assert client.post("/accounts/delete/", {"email": carol}).headers["Location"] == "/"
    assert not User.objects.exists()
    assert log_in(client, carol).status_code == 422
    assert not User.objects.exists()


def test_a_pool_that_does_not_answer_deletes_nothing(
    client: Client, carol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(access: str) -> None:
        raise CognitoUnavailable("gone")

    log_in(client, carol)
    with monkeypatch.context() as patch:
        patch.setattr(cognito, "delete_account", fail)
        page = client.post("/accounts/delete/", {"email": carol}, follow=True)
    assert "Something went wrong" in page.content.decode()
    assert is_in(client)
