"""Who may sign up, and whom a proxy logs in."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from imagesite.accounts.models import Invitation, User
from tests.conftest import text

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"
FORM = {"email": "new@example.org", "password1": PASSWORD}


@pytest.fixture
def _by_invitation(settings: Any) -> None:
    settings.SIGN_UP = "invitation"


def invited(*words: str) -> str:
    """Return the path of a new invitation."""
    printed = io.StringIO()
    call_command("invite", *words, stdout=printed)
    link = urlsplit(printed.getvalue().strip())
    assert link.scheme
    return link.path


@pytest.mark.parametrize("policy", ["invitation", "closed"])
def test_nobody_signs_up_without_an_invitation(client: Client, settings: Any, policy: str) -> None:
    settings.SIGN_UP = policy
    response = client.post("/accounts/signup/", FORM)
    assert response.status_code == 403
    assert "Sign-up is closed" in text(response)
    assert not User.objects.exists()
    for page in ("/", "/accounts/login/", "/formats/"):
        assert "/accounts/signup/" not in text(client.get(page)), page


@pytest.mark.usefixtures("_by_invitation")
def test_an_invitation_is_valid_once(client: Client) -> None:
    path = invited()
    assert client.get(path).status_code == 200
    assert client.post(path, FORM).url == "/convert/"  # type: ignore[attr-defined]
    assert Invitation.objects.get().used_by == User.objects.get()
    second = Client().post(path, {**FORM, "email": "second@example.org"})
    assert second.status_code == 403
    assert "no longer valid" in text(second)
    assert User.objects.count() == 1


@pytest.mark.usefixtures("_by_invitation")
def test_of_two_users_of_an_invitation_at_once_one_succeeds(
    client: Client, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = invited()
    found = Invitation.objects.get()
    monkeypatch.setattr(Invitation, "find", lambda token: found)
    assert found.use(alice)
    assert client.post(path, FORM).status_code == 403
    assert not User.objects.filter(email="new@example.org").exists()


@pytest.mark.usefixtures("_by_invitation")
def test_an_invitation_ends(client: Client) -> None:
    path = invited("--days", "2")
    assert Invitation.objects.get().expires_at - timezone.now() > timedelta(days=1.9)
    Invitation.objects.update(expires_at=timezone.now())
    assert client.post(path, FORM).status_code == 403


@pytest.mark.usefixtures("_by_invitation")
def test_an_invitation_for_an_address_is_for_no_other(client: Client) -> None:
    path = invited("Friend@example.org")
    assert "friend@example.org" in text(client.get(path))
    assert client.post(path, FORM).url == "/convert/"  # type: ignore[attr-defined]
    assert User.objects.get().email == "friend@example.org"


def test_an_invitation_of_before_does_not_open_a_closed_site(client: Client, settings: Any) -> None:
    settings.SIGN_UP = "closed"
    assert client.post(invited(), FORM).status_code == 403


@pytest.mark.parametrize("words", [["nonsense"], ["--days", "0"], ["--days", "1000"]])
def test_a_bad_invitation_says_why(words: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("invite", *words)


@pytest.mark.usefixtures("_by_invitation")
def test_staff_make_invitations_in_the_admin(client: Client, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_superuser("staff@example.org", PASSWORD))
    page = text(client.post("/admin/accounts/invitation/add/", {"email": "friend@example.org"}, follow=True))
    assert "shown only now" in page
    path = page.split("http://testserver", 1)[1].split("/”")[0].split("<")[0].split()[0]
    invitation = Invitation.objects.get()
    assert invitation.invited_by
    assert invitation.digest not in page
    client.logout()
    assert client.post(path, FORM).url == "/convert/"  # type: ignore[attr-defined]


def test_the_admin_offers_none_where_they_open_nothing(client: Client, django_user_model: Any) -> None:
    client.force_login(django_user_model.objects.create_superuser("staff@example.org", PASSWORD))
    assert client.get("/admin/accounts/invitation/add/").status_code == 403


# --- A proxy that logs people in ------------------------------------------------------------------------------


@pytest.fixture
def _proxy(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from imagesite.accounts.local import backend

    monkeypatch.setattr(backend.ProxyMiddleware, "header", "HTTP_REMOTE_EMAIL")
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "imagesite.accounts.local.backend.ProxyBackend",
    ]
    place = settings.MIDDLEWARE.index("imagesite.accounts.middleware.LoginMiddleware")
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE[:place],
        "imagesite.accounts.local.backend.ProxyMiddleware",
        *settings.MIDDLEWARE[place:],
    ]


@pytest.mark.usefixtures("_proxy")
def test_the_user_named_by_the_proxy_is_logged_in(client: Client, alice: User) -> None:
    assert client.get("/batches/", headers={"Remote-Email": "Alice@example.org"}).status_code == 200
    assert client.session["_auth_user_id"] == str(alice.pk)
    assert client.get("/batches/").status_code == 302


@pytest.mark.usefixtures("_proxy")
def test_a_new_user_named_by_the_proxy_gets_an_account(client: Client) -> None:
    assert client.get("/batches/", headers={"Remote-Email": "New@example.org"}).status_code == 200
    user = User.objects.get()
    assert (user.email, user.has_usable_password()) == ("new@example.org", False)


@pytest.mark.usefixtures("_proxy")
@pytest.mark.parametrize("name", ["nobody", "alice@example.org, bob@example.org", ""])
def test_an_invalid_address_is_no_user(client: Client, alice: User, name: str) -> None:
    assert client.get("/batches/", headers={"Remote-Email": name}).status_code == 302
    assert User.objects.count() == 1


@pytest.mark.usefixtures("_proxy")
def test_a_blocked_account_stays_blocked_behind_a_proxy(client: Client, alice: User) -> None:
    User.objects.update(is_active=False)
    assert client.get("/batches/", headers={"Remote-Email": "alice@example.org"}).status_code == 302
