from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from converter import engine, jobs, storage
from converter.jobs.submit import submit
from converter.models import Preferences, Recipe
from imagesite.accounts.models import ApiToken, User
from tests.conftest import text

pytestmark = pytest.mark.django_db


def offered(response: Any) -> list[str]:
    return [label for _, label in response.context["form"]["retention"].field.choices]


def test_how_long_files_are_kept_is_chosen(page: Client, alice: Any) -> None:
    shown = page.get("/accounts/")
    assert offered(shown) == ["1 hour", "24 hours", "3 days", "7 days"]
    assert re.findall(r'value="([\d.]+)"[^>]* checked', text(shown)) == [f"{24 * 3600:.1f}"]
    shown = page.post("/accounts/", {"retention": f"{3 * 24 * 3600:.1f}"}, follow=True)
    assert "Saved." in text(shown)
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


def test_a_token_has_a_name_that_can_be_seen(page: Client) -> None:
    for sent in ("\u3164", "back\u202eup"):
        page.post("/accounts/tokens/", {"name": sent, "scope": "read", "days": "30"})
    assert [token.name for token in ApiToken.objects.all()] == ["backup"]


def test_a_token_may_never_expire(page: Client) -> None:
    page.post("/accounts/tokens/", {"name": "backup", "scope": "write", "days": ""})
    assert ApiToken.objects.get().expires_at is None


def test_a_revoked_token_is_listed_as_such(page: Client, alice: Any) -> None:
    token, _ = ApiToken.issue(alice, "backup")
    assert "has been revoked" in text(page.post(f"/accounts/tokens/{token.pk}/revoke/", follow=True))
    assert not ApiToken.objects.usable().exists()
    assert "revoked on" in text(page.get("/accounts/tokens/"))


def test_a_stranger_cannot_revoke(page: Client, bob: Any) -> None:
    token, _ = ApiToken.issue(bob, "his")
    assert page.post(f"/accounts/tokens/{token.pk}/revoke/").status_code == 404
    assert ApiToken.objects.usable().exists()


@pytest.mark.parametrize("path", ["", "tokens/", "password/"])
def test_private_pages_need_a_login(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code == 302


def test_a_user_downloads_their_data(page: Client, alice: Any, bob: Any) -> None:
    Recipe.objects.create(owner=alice, name="mine", recipe={"format": "webp"})
    Recipe.objects.create(owner=bob, name="his", recipe={"format": "webp"})
    response = page.get("/accounts/data/")
    assert response["Content-Disposition"] == 'attachment; filename="my-data.json"'
    data = response.json()
    assert data["account"]["email"] == alice.email
    assert [recipe["name"] for recipe in data["recipes"]] == ["mine"]
    assert "password" not in text(response)
    assert "digest" not in text(response)


@pytest.mark.long
def test_an_account_is_deleted_with_all_that_is_in_it(
    page: Client, alice: Any, bob: Any, folders: Path
) -> None:
    for owner in (alice, bob):
        upload = jobs.keep_image(owner, jobs.NewFile("mark.png", 4))
        stored = storage.uploads.put(upload.key, io.BytesIO(b"1234"), filename="", content_type="")
        jobs.receive(upload.key, stored)
        submit(owner, outputs=[engine.Recipe.parse({"format": "webp"})], files=[jobs.NewFile("a.jpg", 5)])
    assert "cannot be undone" in text(page.get("/accounts/delete/"))
    assert page.post("/accounts/delete/", {"email": bob.email}).status_code == 422
    response = page.post("/accounts/delete/", {"email": alice.email.upper()}, follow=True)
    assert "Your account has been deleted" in text(response)
    assert list(User.objects.all()) == [bob]
    assert [path.name for path in folders.rglob("*") if path.is_file()] == ["mark.png"]
    assert page.get("/accounts/").status_code == 302


def test_all_tokens_of_a_user_are_revoked_and_no_others(page: Client, alice: Any, bob: Any) -> None:
    for owner in (alice, alice, bob):
        ApiToken.issue(owner, "script")
    shown = text(page.get("/accounts/password/"))
    assert "API tokens stay valid." in shown
    assert 'href="/accounts/tokens/"' in shown
    answer = page.post("/accounts/tokens/revoke/", follow=True)
    assert "2 tokens have been revoked." in text(answer)
    assert [token.owner for token in ApiToken.objects.usable()] == [bob]
