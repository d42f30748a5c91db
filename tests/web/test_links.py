from __future__ import annotations

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from converter import engine
from converter.web import links
from tests.web.conftest import text

pytestmark = pytest.mark.django_db(transaction=True)

RECIPE = {"format": "webp", "quality": 70, "watermark": {"text": "© Zoë"}}


def test_a_link_carries_the_recipe(page: Client) -> None:
    token = links.write(RECIPE)
    shown = text(page.get(f"/r/{token}/"))
    assert "WebP, quality 70, watermark “© Zoë”" in shown
    assert page.get(f"/convert/?link={token}").context["outputs"].forms[0]["quality"].value() == 70
    assert page.get(f"/recipes/new/?link={token}").context["output"]["quality"].value() == 70


def test_a_link_asks_for_a_login(client: Client) -> None:
    assert client.get(f"/r/{links.write(RECIPE)}/").status_code == 302


@pytest.mark.parametrize("token", ["nonsense", "x", "eJw", "é", "A" * 3000])
def test_what_is_no_link_is_404(page: Client, token: str) -> None:
    assert page.get(f"/r/{token}/").status_code == 404
    assert page.get("/convert/", {"link": token}).status_code == 404
    assert page.get("/recipes/new/", {"link": token}).status_code == 200


def test_a_link_to_what_is_no_longer_offered_says_so(page: Client) -> None:
    response = page.get(f"/r/{links.write({'format': 'gone'})}/")
    assert response.status_code == 410
    assert "no longer offered" in text(response)


def test_a_bomb_is_no_link(page: Client) -> None:
    bomb = links.write({"format": "webp", "background": " " * 10_000_000})
    assert page.get(f"/r/{bomb}/").status_code == 404


@given(st.text(max_size=60))
def test_nothing_else_is_ever_raised(token: str) -> None:
    with pytest.raises((ValueError, engine.InvalidRecipe)):
        links.read(token)
