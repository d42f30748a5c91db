"""The account pages with a Cognito user pool."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.test import Client

from imagesite.accounts.cognito import backend, jwt
from imagesite.accounts.cognito import client as cognito
from imagesite.accounts.cognito.errors import CognitoError, CognitoUnavailable, text
from imagesite.accounts.models import ApiToken, User
from tests.accounts.cognito.conftest import PASSWORD
from tests.cloud import cognito as mock

pytestmark = [pytest.mark.django_db, pytest.mark.system]

NEW = "Another horse 2 battery"
PAGE = "/accounts/"


@pytest.fixture(autouse=True)
def site(pool: Any, settings: Any) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.accounts.cognito.site_urls"
    settings.AUTHENTICATION_BACKENDS = ["imagesite.accounts.cognito.backend.CognitoBackend"]
    settings.TOKEN_VERIFIERS = [
        "imagesite.accounts.cognito.api_tokens.own_token",
        "imagesite.accounts.cognito.api_tokens.cognito_token",
    ]
    middleware = list(settings.MIDDLEWARE)
    place = middleware.index("django.contrib.auth.middleware.LoginRequiredMiddleware")
    settings.MIDDLEWARE = [
        *middleware[:place],
        "imagesite.accounts.cognito.middleware.CognitoMiddleware",
        *middleware[place:],
    ]
    cache.clear()
    yield
    cache.clear()


def log_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/accounts/login/", {"email": email, "password": password, **more})


def is_in(client: Client) -> bool:
    return client.get(PAGE).status_code == 200


def grow_old(client: Client) -> None:
    """Let the access token run out."""
    session = client.session
    session[backend.SESSION_KEY] = {**session[backend.SESSION_KEY], "until": time.time() - 1}
    session.save()


# --- Sign up, log in, log out -------------------------------------------------------------------------------


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
    assert client.post("/accounts/logout/").headers["Location"] == "/"
    assert not is_in(client)


def test_a_wrong_password_is_said_at_the_form_and_no_more(client: Client, carol: str) -> None:
    pages = [log_in(client, email, "a guess") for email in (carol, "nobody@example.org")]
    assert [page.status_code for page in pages] == [422, 422]
    errors = [page.context["form"].non_field_errors() for page in pages]
    assert errors[0] == errors[1] == [text("wrong_credentials")]


def test_log_in_leads_on_to_the_page_that_asked(client: Client, carol: str) -> None:
    assert log_in(client, carol, next="/recipes/").headers["Location"] == "/recipes/"


def test_log_in_leads_to_no_other_site(client: Client, carol: str) -> None:
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


def test_who_has_not_confirmed_is_sent_to_do_so(client: Client) -> None:
    cognito.sign_up("erin@example.org", PASSWORD)
    assert log_in(client, "erin@example.org").headers["Location"] == "/accounts/signup/confirm/"
    again = client.post("/accounts/signup/resend/", {"email": "erin@example.org"})
    assert again.headers["Location"] == "/accounts/signup/confirm/"


def test_sign_up_does_not_tell_who_has_an_account(client: Client, carol: str) -> None:
    answers = [
        client.post("/accounts/signup/", {"email": email, "password": PASSWORD})
        for email in (carol, "nobody@example.org")
    ]
    assert [(a.status_code, a.headers["Location"]) for a in answers] == [
        (302, "/accounts/signup/confirm/")
    ] * 2


def test_no_form_tells_who_has_an_account(client: Client, carol: str) -> None:
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
def test_whoever_is_in_needs_no_page_for_strangers(client: Client, carol: str, page: str) -> None:
    log_in(client, carol)
    assert client.get(f"/accounts/{page}/").headers["Location"] == "/convert/"


@pytest.mark.parametrize("page", ["", "password/", "second-factor/", "tokens/"])
def test_strangers_are_asked_to_log_in(client: Client, page: str) -> None:
    assert client.get(f"/accounts/{page}").headers["Location"].startswith("/accounts/login/?next=")


def test_a_pool_that_does_not_answer_is_said_plainly(
    client: Client, carol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object) -> None:
        raise CognitoUnavailable("gone")

    monkeypatch.setattr(cognito, "log_in", fail)
    page = client.post("/accounts/login/", {"email": carol, "password": PASSWORD}, follow=True)
    assert "is not responding" in page.content.decode()


def test_keys_of_the_pool_that_have_just_changed_are_a_fault_that_passes(
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
        assert "has just issued do not verify" in caplog.text
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


def test_whoever_changes_the_password_and_has_a_second_factor_is_asked_for_it(
    client: Client, carol: str
) -> None:
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


# --- Challenges ---------------------------------------------------------------------------------------------


def test_a_second_factor_is_set_up_asked_for_and_dropped(client: Client, carol: str) -> None:
    log_in(client, carol)
    page = client.get("/accounts/second-factor/").content.decode()
    assert mock.TOTP_SECRET in page
    assert 'src="data:image/svg+xml' in page
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


def test_whom_staff_made_chooses_a_password(client: Client, pool: Any, settings: Any) -> None:
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


def test_a_challenge_nobody_asked_leads_to_the_log_in(client: Client) -> None:
    assert client.get("/accounts/login/challenge/").headers["Location"] == "/accounts/login/"


# --- The row of a person ------------------------------------------------------------------------------------


def test_staff_come_from_the_group_and_go_with_it(
    client: Client, pool: Any, carol: str, settings: Any
) -> None:
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


# --- Sessions -----------------------------------------------------------------------------------------------


def test_tokens_are_renewed_unseen(client: Client, carol: str) -> None:
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


def test_a_disabled_person_is_out_when_the_token_ends(
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
def test_whoever_was_logged_out_elsewhere_is_sent_to_the_log_in_by_what_needs_the_pool(
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


# --- Programs -----------------------------------------------------------------------------------------------


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
    cache.clear()  # the ten minutes for which an answer is believed
    assert call(program, secret) == 401


def test_a_token_of_somebody_whom_the_pool_does_not_know_ends(client: Client, alice: Any) -> None:
    _, secret = ApiToken.issue(alice, "script")
    assert call(client, secret) == 401


@pytest.mark.parametrize("fault", [CognitoUnavailable("gone"), CognitoError("too_many_attempts")])
def test_programs_are_told_when_the_pool_does_not_answer(
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
    User.objects.update(sub="another")  # so that the access token is a first visit
    assert call(Client(), secret) == 503
    assert call(Client(), access) == 503


# --- Staff --------------------------------------------------------------------------------------------------


@pytest.fixture
def staff(pool: Any, settings: Any) -> Client:
    cognito.sign_up("dave@example.org", PASSWORD)
    cognito.confirm_sign_up("dave@example.org", mock.CODE)
    pool.admin_add_user_to_group(
        UserPoolId=settings.COGNITO_USER_POOL_ID, Username="dave@example.org", GroupName="staff"
    )
    client = Client()
    log_in(client, "dave@example.org")
    return client


def test_staff_take_a_lost_second_factor_away(staff: Client, carol: str) -> None:
    person = Client()
    log_in(person, carol)
    person.get("/accounts/second-factor/")
    person.post("/accounts/second-factor/", {"code": mock.totp(datetime.now(UTC))})
    person.post("/accounts/logout/")
    carols = User.objects.get(email=carol)
    staff.post(
        "/admin/accounts/user/", {"action": "remove_second_factor", "_selected_action": [str(carols.pk)]}
    )
    assert log_in(person, carol).headers["Location"] == "/convert/"


def test_whom_staff_delete_is_gone_from_the_pool_too(staff: Client, carol: str) -> None:
    person = Client()
    log_in(person, carol)
    carols = User.objects.get(email=carol)
    assert carols.sub
    assert cognito.is_enabled(carols.sub)
    staff.post(f"/admin/accounts/user/{carols.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(email=carol).exists()
    assert not cognito.is_enabled(carols.sub)
    assert not is_in(person)


def test_somebody_gone_from_the_pool_is_deleted_here(staff: Client) -> None:
    gone = User.objects.create(email="gone@example.org", sub="gone")
    staff.post(f"/admin/accounts/user/{gone.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=gone.pk).exists()


def test_the_admin_has_no_log_in_of_its_own(client: Client) -> None:
    answer = client.get("/admin/", follow=True)
    where = urlsplit(answer.redirect_chain[-1][0])
    assert where.path == "/accounts/login/"
    assert parse_qs(where.query)["next"] == ["/admin/"]
