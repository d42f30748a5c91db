"""Information about the site for visitors, search engines and link previews."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from converter.models import Batch, Job
from tests.conftest import text

pytestmark = pytest.mark.django_db(transaction=True)
OPEN = ("/", "/formats/", "/help/", "/privacy/", "/terms/")


@pytest.mark.parametrize("path", OPEN)
def test_an_open_page_describes_itself_to_search_engines_and_chats(client: Client, path: str) -> None:
    shown = text(client.get(f"{path}?from=elsewhere"))
    described = re.findall(r'<meta name="description" content="([^"]{20,})">', shown)
    assert re.findall(r'property="og:description" content="([^"]+)"', shown) == described or path == "/"
    assert f'<link rel="canonical" href="http://testserver{path}">' in shown
    assert re.search(r'property="og:title" content="[^"]+"', shown)
    assert shown.count('name="theme-color"') == 2


def test_pages_of_a_person_have_no_canonical_address(page: Client, batch: Batch) -> None:
    assert "canonical" not in text(page.get(f"/batches/{batch.pk}/"))


@pytest.mark.parametrize("path", OPEN)
def test_every_page_leads_to_help_privacy_and_terms(client: Client, path: str) -> None:
    shown = text(client.get(path))
    assert all(f'href="/{name}/"' in shown for name in ("help", "privacy", "terms"))


def test_the_pages_name_the_limits_as_they_are_set(client: Client, settings: Any) -> None:
    settings.CONVERTER_MAX_FILES, settings.CONVERTER_GUEST_JOBS_AN_HOUR = 33, 44
    shown = text(client.get("/help/"))
    assert "33 images at once" in shown
    assert "Without an account, 44 conversions an hour." in shown
    settings.CONVERTER_GUESTS = False
    assert "Without an account" not in text(client.get("/help/"))
    assert "Without an account" not in text(client.get("/privacy/"))


def test_a_contact_is_shown_if_there_is_one(client: Client, settings: Any) -> None:
    assert "mailto:" not in text(client.get("/help/"))
    settings.CONVERTER_CONTACT_EMAIL = "help@example.org"
    for path in ("/help/", "/privacy/", "/terms/"):
        assert "mailto:help@example.org" in text(client.get(path))


def test_a_time_has_its_zone_and_is_readable_for_the_script(page: Client, job: Job) -> None:
    Batch.objects.update(expires_at="2026-01-02T03:04:05Z")
    shown = text(page.get(f"/jobs/{job.pk}/"))
    assert re.search(r'<time datetime="2026-01-02T03:04:05\+00:00" data-local>[^<]+ UTC</time>', shown)
