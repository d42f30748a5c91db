from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from converter import engine, jobs, storage
from converter.models import Preferences, Recipe
from imagesite.accounts.models import ApiToken, User

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def text(response: Any) -> str:
    content: str = response.content.decode()
    return content


@pytest.fixture
def page(alice: Any) -> Client:
    client = Client()
    client.force_login(alice)
    return client


def test_somebody_signs_up_and_is_in(client: Client) -> None:
    form = {"email": "New@Example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/accounts/signup/", form).url == "/convert/"  # type: ignore[attr-defined]
    assert User.objects.get().email == "new@example.org"
    assert client.get("/convert/").status_code == 200


def test_sign_up_leads_on_to_where_one_came_from(client: Client) -> None:
    form = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD, "next": "/recipes/"}
    assert client.post("/accounts/signup/", form).url == "/recipes/"  # type: ignore[attr-defined]


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_sign_up_never_leads_elsewhere(client: Client, elsewhere: str) -> None:
    form = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD, "next": elsewhere}
    assert client.post("/accounts/signup/", form).url == "/convert/"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"email": "ALICE@example.org"}, "There is an account with this address"),
        ({"email": "nonsense"}, "valid email"),
        ({"password1": "1234", "password2": "1234"}, "too short"),
        ({"password2": "another one entirely"}, "match"),
    ],
)
def test_a_bad_sign_up_says_why(client: Client, alice: Any, form: dict[str, str], says: str) -> None:
    whole = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD, **form}
    response = client.post("/accounts/signup/", whole)
    assert response.status_code == 422
    assert says in text(response)


def test_who_is_in_needs_no_sign_up(page: Client) -> None:
    assert page.get("/accounts/signup/").url == "/convert/"  # type: ignore[attr-defined]


def test_log_in_and_out(client: Client, alice: Any) -> None:
    response = client.post(
        "/accounts/login/?next=/recipes/", {"username": "Alice@Example.org", "password": PASSWORD}
    )
    assert response.url == "/recipes/"  # type: ignore[attr-defined]
    assert client.post("/accounts/logout/").url == "/"  # type: ignore[attr-defined]
    assert client.get("/convert/").status_code == 302


def test_a_wrong_password_says_so(client: Client, alice: Any) -> None:
    response = client.post("/accounts/login/", {"username": alice.email, "password": "wrong"})
    assert "No account fits" in text(response)


def test_a_closed_page_says_to_log_in_first(client: Client) -> None:
    response = client.get("/convert/", follow=True)
    assert "Please log in to go on." in text(response)


def test_the_password_is_changed(page: Client, alice: Any) -> None:
    new = "a new and longer one"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert "Your password is changed." in text(page.post("/accounts/password/", form, follow=True))
    alice.refresh_from_db()
    assert alice.check_password(new)


def test_a_forgotten_password_is_reset_by_mail(client: Client, alice: Any) -> None:
    assert "Look at your mail" in text(
        client.post("/accounts/password/reset/", {"email": alice.email}, follow=True)
    )
    message = mail.outbox[0]
    assert isinstance(message, mail.EmailMultiAlternatives)
    link = re.search(r"http://testserver(\S+)", str(message.body))
    assert link
    page, kind = message.alternatives[0]
    assert kind == "text/html"
    assert f'href="{link[0]}"' in page
    assert "<img" not in page
    form = client.get(link[1], follow=True)
    assert "Choose a new password" in text(form)
    new = "a new and longer one"
    done = client.post(form.request["PATH_INFO"], {"new_password1": new, "new_password2": new}, follow=True)
    assert "The password is changed" in text(done)
    assert "no longer works" in text(client.get(link[1], follow=True))
    assert client.login(username=alice.email, password=new)


def test_an_unknown_address_learns_nothing(client: Client) -> None:
    response = client.post("/accounts/password/reset/", {"email": "nobody@example.org"}, follow=True)
    assert "Look at your mail" in text(response)
    assert not mail.outbox


def offered(response: Any) -> list[str]:
    return [label for _, label in response.context["form"]["retention"].field.choices]


def test_how_long_files_are_kept_is_chosen(page: Client, alice: Any) -> None:
    shown = page.get("/accounts/")
    assert offered(shown) == ["1 hour", "24 hours", "3 days", "7 days"]
    assert re.findall(r'value="([\d.]+)"[^>]* checked', text(shown)) == [f"{24 * 3600:.1f}"]
    shown = page.post("/accounts/", {"retention": f"{3 * 24 * 3600:.1f}"}, follow=True)
    assert "Your choice is saved." in text(shown)
    assert re.findall(r'value="([\d.]+)"[^>]* checked', text(shown)) == [f"{3 * 24 * 3600:.1f}"]
    assert Preferences.objects.get().kept_for == timedelta(days=3)


@pytest.mark.parametrize("seconds", ["1", f"{30 * 24 * 3600:.1f}", "nonsense", "nan"])
def test_a_time_that_is_not_offered_is_refused(page: Client, seconds: str) -> None:
    response = page.post("/accounts/", {"retention": seconds})
    assert response.status_code == 422
    assert "Select a valid choice." in text(response)
    assert not Preferences.objects.exists()


def test_the_sites_bounds_and_its_own_time_are_what_is_offered(page: Client, settings: Any) -> None:
    settings.CONVERTER_RETENTION = timedelta(hours=12)
    settings.CONVERTER_MAX_RETENTION = timedelta(hours=36)
    assert offered(page.get("/accounts/")) == ["1 hour", "12 hours", "24 hours"]


def test_a_token_is_shown_once(page: Client, alice: Any) -> None:
    response = page.post("/accounts/tokens/", {"name": "backup", "scope": "read", "days": "30"})
    [secret] = re.findall(r'id="secret"[^>]*>(img_[\w-]+)<', text(response))
    token = ApiToken.objects.get()
    assert token.digest == ApiToken.digest_of(secret)
    assert (token.owner, token.scope) == (alice, "read")
    assert token.expires_at
    assert secret not in text(page.get("/accounts/tokens/"))
    assert "no-store" in response["Cache-Control"]


def test_a_token_may_work_for_ever(page: Client) -> None:
    page.post("/accounts/tokens/", {"name": "backup", "scope": "write", "days": ""})
    assert ApiToken.objects.get().expires_at is None


def test_a_revoked_token_is_listed_as_such(page: Client, alice: Any) -> None:
    token, _ = ApiToken.issue(alice, "backup")
    assert "no longer works" in text(page.post(f"/accounts/tokens/{token.pk}/revoke/", follow=True))
    assert not ApiToken.objects.usable().exists()
    assert "revoked on" in text(page.get("/accounts/tokens/"))


def test_a_stranger_cannot_revoke(page: Client, bob: Any) -> None:
    token, _ = ApiToken.issue(bob, "his")
    assert page.post(f"/accounts/tokens/{token.pk}/revoke/").status_code == 404
    assert ApiToken.objects.usable().exists()


@pytest.mark.parametrize("path", ["", "tokens/", "password/"])
def test_what_is_private_asks_for_a_login(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code == 302


@pytest.mark.parametrize(
    "path", ["login/", "signup/", "password/reset/", "password/reset/sent/", "password/reset/done/"]
)
def test_what_must_be_open_is(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code == 200


def test_somebody_takes_their_data(page: Client, alice: Any, bob: Any) -> None:
    Recipe.objects.create(owner=alice, name="mine", recipe={"format": "webp"})
    Recipe.objects.create(owner=bob, name="his", recipe={"format": "webp"})
    response = page.get("/accounts/data/")
    assert response["Content-Disposition"] == 'attachment; filename="my-data.json"'
    data = response.json()
    assert data["account"]["email"] == alice.email
    assert [recipe["name"] for recipe in data["recipes"]] == ["mine"]
    assert "password" not in text(response)
    assert "digest" not in text(response)


def test_an_account_is_deleted_with_all_that_is_in_it(
    page: Client, alice: Any, bob: Any, folders: Path
) -> None:
    for owner in (alice, bob):
        upload = jobs.keep_image(owner, jobs.NewFile("mark.png", 4))
        stored = storage.uploads.put(upload.key, io.BytesIO(b"1234"), filename="", content_type="")
        jobs.receive(upload.key, stored)
        jobs.submit(
            owner, outputs=[engine.Recipe.parse({"format": "webp"})], files=[jobs.NewFile("a.jpg", 5)]
        )
    assert "for good" in text(page.get("/accounts/delete/"))
    assert page.post("/accounts/delete/", {"email": bob.email}).status_code == 422
    response = page.post("/accounts/delete/", {"email": alice.email.upper()}, follow=True)
    assert "Your account is deleted" in text(response)
    assert list(User.objects.all()) == [bob]
    assert [path.name for path in folders.rglob("*") if path.is_file()] == ["mark.png"]
    assert page.get("/convert/").status_code == 302
