"""Log-in with a real OpenID Connect provider."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.test import Client

from imagesite.accounts.models import User
from tests.conftest import text
from tests.provider import provider

pytestmark = [pytest.mark.django_db, pytest.mark.system]

PEOPLE: dict[str, dict[str, object]] = {
    "new": {"email": "New@example.org", "email_verified": True},
    "alice at work": {"email": "alice@example.org", "email_verified": True},
    "another alice": {"email": "alice@example.org", "email_verified": True},
    "somebody": {"email": "alice@example.org", "email_verified": False},
    "vague": {"email": "alice@example.org"},
    "nameless": {},
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with provider(PEOPLE) as url:
        yield url


@pytest.fixture(autouse=True)
def _provider(settings: Any, issuer: str) -> None:
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET = issuer, "images", "secret"
    settings.OIDC_NAME = "Example ID"


def enter(client: Client, sub: str, next: str = "") -> Any:
    """Log in at the provider as `sub`, and return to the site."""
    return client.get(at_provider(client.get("/accounts/oidc/", {"next": next}).url, sub))  # type: ignore[attr-defined]


def at_provider(address: str, sub: str) -> str:
    answer = requests.post(address, {"sub": sub}, allow_redirects=False, timeout=60)
    back = urlsplit(answer.headers["Location"])
    assert back.path == "/accounts/oidc/callback/"
    return f"{back.path}?{back.query}"


def said(client: Client) -> str:
    return text(client.get("/accounts/login/"))


def test_the_login_page_offers_the_provider(client: Client, settings: Any) -> None:
    assert "Log in with Example ID" in said(client)
    settings.OIDC_ISSUER = ""
    assert "Log in with" not in said(client)
    assert client.get("/accounts/oidc/").status_code == 404


def test_the_provider_request_has_pkce_state_and_nonce(client: Client) -> None:
    asked = parse_qs(urlsplit(client.get("/accounts/oidc/").url).query)  # type: ignore[attr-defined]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["state"]
    assert asked["nonce"]
    assert asked["redirect_uri"] == ["http://testserver/accounts/oidc/callback/"]


def test_a_new_user_gets_an_account_and_keeps_it(client: Client) -> None:
    assert enter(client, "new", "/recipes/").url == "/recipes/"
    user = User.objects.get()
    assert (user.email, user.oidc_sub, user.has_usable_password()) == ("new@example.org", "new", False)
    assert client.get("/batches/").status_code == 200
    # The email address may change, the subject does not.
    User.objects.update(email="old@example.org")
    assert enter(Client(), "new").url == "/convert/"
    assert User.objects.count() == 1


def test_a_confirmed_address_logs_into_its_account(client: Client, alice: User) -> None:
    assert enter(client, "alice at work").url == "/convert/"
    assert client.session["_auth_user_id"] == str(alice.pk)
    enter(Client(), "another alice")
    alice.refresh_from_db()
    assert alice.oidc_sub == "alice at work"


@pytest.mark.parametrize(
    ("sub", "says"),
    [
        ("somebody", "has not confirmed"),
        ("vague", "has not confirmed"),
        ("nameless", "did not share your e-mail address"),
    ],
)
def test_an_address_that_is_not_confirmed_opens_no_account(
    client: Client, alice: User, sub: str, says: str
) -> None:
    assert enter(client, sub).url == "/accounts/login/"
    assert says in said(client)
    assert "_auth_user_id" not in client.session


def test_strangers_cannot_log_in_if_the_site_creates_no_accounts(client: Client, settings: Any) -> None:
    settings.OIDC_SIGN_UP = False
    assert enter(client, "new").url == "/accounts/login/"
    assert "You have no account here" in said(client)
    assert not User.objects.exists()


def test_a_blocked_account_stays_blocked(client: Client, alice: User) -> None:
    User.objects.update(is_active=False)
    assert enter(client, "alice at work").url == "/accounts/login/"
    assert "blocked" in said(client)


def test_a_response_is_valid_once_and_for_the_same_browser(client: Client) -> None:
    answer = at_provider(client.get("/accounts/oidc/").url, "new")  # type: ignore[attr-defined]
    assert Client().get(answer).url == "/accounts/login/"  # type: ignore[attr-defined]
    assert not User.objects.exists()
    assert client.get(answer).url == "/convert/"  # type: ignore[attr-defined]
    stranger = Client()
    assert stranger.get(answer).url == "/accounts/login/"  # type: ignore[attr-defined]
    assert "not completed" in said(stranger)


def test_the_provider_cannot_redirect_elsewhere(client: Client) -> None:
    assert enter(client, "new", "https://evil.example/").url == "/convert/"


def test_an_unavailable_provider_is_reported(client: Client, settings: Any) -> None:
    settings.OIDC_ISSUER = "http://127.0.0.1:9"
    assert client.get("/accounts/oidc/").url == "/accounts/login/"  # type: ignore[attr-defined]
    assert "Example ID is not available" in said(client)
