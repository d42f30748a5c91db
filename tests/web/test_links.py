from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from converter import engine
from converter.models import Recipe, RecipeLink
from converter.web import links
from tests.conftest import text

pytestmark = pytest.mark.django_db(transaction=True)

RECIPE = {"format": "webp", "quality": 70, "watermark": {"text": "© Zoë"}}
SENTENCE = "WebP, quality 70, watermark “© Zoë”"


def carried(recipe: Mapping[str, Any]) -> str:
    """Return a link in the old format."""
    return base64.urlsafe_b64encode(zlib.compress(json.dumps(recipe).encode())).decode().rstrip("=")


@pytest.fixture
def saved(alice: Any) -> Recipe:
    return Recipe.objects.create(owner=alice, name="mine", recipe=RECIPE)


@pytest.fixture
def token(alice: Any) -> str:
    return links.make(alice, engine.Recipe.parse(RECIPE))


def test_a_saved_recipe_has_a_short_link_that_stays_the_same(page: Client, saved: Recipe) -> None:
    first, second = (page.get(f"/recipes/{saved.pk}/link/")["Location"] for _ in range(2))
    assert first == second == f"/r/{engine.Recipe.parse(RECIPE).hash[:16]}/"
    shown = text(page.get(first))
    assert re.findall(r'id="address"[^>]*>([^<]+)<', shown) == [f"http://testserver{first}"]


@pytest.mark.long
def test_a_link_gives_others_the_recipe(strangers_page: Client, token: str) -> None:
    assert SENTENCE in text(strangers_page.get(f"/r/{token}/"))
    form = strangers_page.get(f"/convert/?link={token}").context["outputs"].forms[0]
    assert form["quality"].value() == 70
    assert strangers_page.get(f"/recipes/new/?link={token}").context["output"]["quality"].value() == 70


def test_a_link_stays_as_it_was_when_the_recipe_is_changed_or_deleted(
    page: Client, strangers_page: Client, saved: Recipe
) -> None:
    path = page.get(f"/recipes/{saved.pk}/link/")["Location"]
    page.post(f"/recipes/{saved.pk}/", {"name": "mine", "recipe-format": "gif"})
    assert SENTENCE in text(strangers_page.get(path))
    assert page.get(f"/recipes/{saved.pk}/link/")["Location"] != path
    page.post(f"/recipes/{saved.pk}/delete/")
    assert SENTENCE in text(strangers_page.get(path))


def test_a_link_lasts_while_one_of_those_who_gave_it_has_an_account(
    page: Client, alice: Any, bob: Any, token: str
) -> None:
    assert links.make(bob, engine.Recipe.parse(RECIPE)) == token
    bob.delete()
    assert page.get(f"/r/{token}/").status_code == 200
    RecipeLink.objects.filter(owner=alice).delete()
    assert page.get(f"/r/{token}/").status_code == 404


def test_a_stranger_makes_no_link_of_it(strangers_page: Client, saved: Recipe) -> None:
    assert strangers_page.get(f"/recipes/{saved.pk}/link/").status_code == 404
    assert not RecipeLink.objects.exists()


def test_a_recipe_that_is_no_longer_offered_gets_no_link(page: Client, saved: Recipe) -> None:
    Recipe.objects.update(recipe={"format": "gone"})
    assert page.get(f"/recipes/{saved.pk}/link/")["Location"] == f"/recipes/{saved.pk}/"
    assert not RecipeLink.objects.exists()


def test_a_link_asks_for_a_login(client: Client, token: str) -> None:
    assert client.get(f"/r/{token}/").status_code == 302


def test_a_link_in_the_old_format_still_works(page: Client) -> None:
    assert SENTENCE in text(page.get(f"/r/{carried(RECIPE)}/"))


@pytest.mark.parametrize("token", ["nonsense", "x", "eJw", "é", "A" * 3000, "0" * 16, "\0"])
def test_an_invalid_link_is_404(page: Client, token: str) -> None:
    assert page.get(f"/r/{token}/").status_code == 404
    assert page.get("/convert/", {"link": token}).status_code == 404
    assert page.get("/recipes/new/", {"link": token}).status_code == 200


@pytest.mark.parametrize("carries", [True, False])
def test_a_link_to_an_unavailable_recipe_says_so(page: Client, token: str, carries: bool) -> None:
    RecipeLink.objects.update(recipe={"format": "gone"})
    response = page.get(f"/r/{carried({'format': 'gone'}) if carries else token}/")
    assert response.status_code == 410
    assert "no longer available" in text(response)


def test_a_bomb_is_no_link(page: Client) -> None:
    bomb = carried({"format": "webp", "background": " " * 10_000_000})
    assert page.get(f"/r/{bomb}/").status_code == 414
    assert page.get("/convert/", {"link": bomb[:3000]}).status_code == 404


def test_brackets_nested_too_deeply_are_no_link(page: Client) -> None:
    nested = base64.urlsafe_b64encode(zlib.compress(b"[" * 4000)).decode()
    assert page.get(f"/r/{nested}/").status_code == 404


@pytest.mark.parametrize("text", ["a\ud800", "a\0"])
def test_text_that_no_page_can_show_is_no_link(page: Client, text: str) -> None:
    link = carried({"format": "webp", "watermark": {"text": text}})
    assert page.get(f"/r/{link}/").status_code == 404
    assert page.get("/convert/", {"link": link}).status_code == 404


@pytest.mark.long
@given(st.text(max_size=60))
def test_no_other_exception_is_raised(token: str) -> None:
    with pytest.raises((ValueError, engine.InvalidRecipe)):
        links.read(token)
