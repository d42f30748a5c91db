from __future__ import annotations

import html
import re
from typing import Any

import pytest
from django.test import Client

from converter import engine
from converter.web.views.about import RECIPES
from tests.conftest import text

pytestmark = pytest.mark.django_db


def code(shown: str, name: str) -> str:
    found = re.search(rf'<code id="{name}"[^>]*>(.*?)</code>', shown, re.DOTALL)
    assert found
    return html.unescape(found[1])


def test_the_guide_is_open_to_all_and_names_this_site(client: Client) -> None:
    shown = text(client.get("/api/"))
    for name in ("code-curl", "code-python", "code-javascript"):
        assert "http://testserver/api/v1/convert" in code(shown, name)
    assert 'href="/api/docs"' in shown


def test_the_guide_names_all_reasons_for_a_job_instead_of_an_image(client: Client) -> None:
    shown = text(client.get("/api/"))
    for reason in ("longer than 25 seconds", "too large for one response", "server is busy"):
        assert reason in shown


def test_the_guide_is_one_link_away_from_every_page(client: Client) -> None:
    assert 'href="/api/"' in text(client.get("/formats/"))
    assert client.get("/api").headers["Location"] == "/api/"


def test_a_new_token_comes_with_the_line_of_the_guide(page: Client) -> None:
    given = text(page.post("/accounts/tokens/", {"name": "first", "scope": "write", "days": "30"}))
    line = code(text(page.get("/api/")), "code-curl")
    assert "$TOKEN" in line
    assert code(given, "first-call") == line.replace("$TOKEN", code(given, "secret"))


@pytest.mark.parametrize("recipe", [recipe for _, recipe in RECIPES], ids=str)
def test_every_recipe_of_the_guide_is_valid(recipe: dict[str, Any]) -> None:
    assert engine.Recipe.parse(recipe).canonical()


def test_the_reference_stands_in_the_frame_of_the_site(client: Client) -> None:
    shown = text(client.get("/api/docs"))
    assert 'class="brand"' in shown
    assert 'id="reference-settings"' in shown


def test_an_unknown_url_of_the_api_is_still_a_problem(client: Client) -> None:
    response = client.get("/api/nothing")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
