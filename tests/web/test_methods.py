"""A page says which methods it accepts before its CSRF token and login are checked (RFC 9110, 15.5.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from converter.methods import methods_of
from tests.conftest import text

pytestmark = pytest.mark.django_db

NOTHING = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def strict(alice: Any) -> Client:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    return client


@pytest.mark.parametrize(
    "path", ["/", "/formats/", "/help/", "/batches/", "/s/abc/", "/api/", "/accounts/password/reset/done/"]
)
def test_a_page_without_a_form_refuses_a_form(client: Client, strict: Client, path: str) -> None:
    stranger = Client(enforce_csrf_checks=True)
    for browser in (stranger, strict):
        for method in ("POST", "PUT", "DELETE"):
            response = browser.generic(method, path)
            assert response.status_code == 405, method
            assert {"GET", "HEAD"} <= set(response["Allow"].split(", "))


def test_a_page_with_a_form_still_checks_its_token(strict: Client) -> None:
    assert strict.post("/convert/").status_code == 403
    assert strict.post(f"/batches/{NOTHING}/cancel/").status_code == 403
    assert strict.put("/convert/").status_code == 405


def test_a_button_opened_as_a_page_says_so(strict: Client, client: Client) -> None:
    for browser in (strict, client):
        response = browser.get(f"/batches/{NOTHING}/cancel/")
        assert response.status_code == 405
        assert response["Allow"] == "POST"
        assert "Go back to its page and press the button there" in text(response)


def test_a_page_sent_a_form_does_not_speak_of_buttons(strict: Client) -> None:
    said = text(strict.post("/formats/"))
    assert "does not accept what was sent to it" in said
    assert "press the button" not in said
    assert "opened directly" not in said


def test_every_page_notes_its_methods() -> None:
    silent = {
        route
        for route, view in _views(get_resolver())
        if methods_of(view) is None and not route.startswith(("admin/", "api/v1/"))
    }
    # The first and last answer themselves, with a problem; a choice of language needs no token.
    assert silent == {"api/<path:path>", "language/", "mcp"}


def _views(resolver: URLResolver, before: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in resolver.url_patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern.callback
        else:
            yield from _views(pattern, route)
