"""What search engines are told. Judged by Python's own reader of robots.txt and by ElementTree."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.test.utils import override_script_prefix

from tests.conftest import text

pytestmark = pytest.mark.django_db

HOST = "https://images.example.com"
NAMES = {"map": "http://www.sitemaps.org/schemas/sitemap/0.9"}


@pytest.fixture(autouse=True)
def _host(settings: object) -> None:
    settings.ALLOWED_HOSTS = ["images.example.com"]  # type: ignore[attr-defined]


def robots_of(client: Client) -> RobotFileParser:
    answer = client.get("/robots.txt", secure=True, headers={"host": "images.example.com"})
    assert answer.headers["Content-Type"].startswith("text/plain")
    found = RobotFileParser()
    found.parse(text(answer).splitlines())
    return found


def listed(client: Client) -> Sequence[str]:
    answer = client.get("/sitemap.xml", secure=True, headers={"host": "images.example.com"})
    assert answer.headers["Content-Type"] == "application/xml"
    return [str(found.text) for found in ElementTree.fromstring(answer.content).iterfind(".//map:loc", NAMES)]


def test_every_page_of_the_sitemap_is_open_and_may_be_crawled(client: Client) -> None:
    robots = robots_of(client)
    pages = listed(client)
    assert f"{HOST}/" in pages
    assert f"{HOST}/formats/" in pages
    for page in pages:
        assert robots.can_fetch("Googlebot", page), page
        path = page.removeprefix(HOST)
        assert client.get(path, headers={"host": "images.example.com"}, secure=True).status_code == 200, path


def test_personal_pages_are_left_alone(client: Client) -> None:
    robots = robots_of(client)
    for path in ("/batches/", "/recipes/", "/accounts/login/", "/admin/"):
        assert not robots.can_fetch("Googlebot", HOST + path), path


def test_shared_pages_may_be_read_as_they_say_themselves_that_they_are_not_to_be_indexed(
    client: Client,
) -> None:
    assert robots_of(client).can_fetch("Googlebot", f"{HOST}/s/token/")


def test_the_sitemap_is_named_with_its_host(client: Client) -> None:
    assert robots_of(client).site_maps() == [f"{HOST}/sitemap.xml"]


def test_a_site_under_a_path_names_its_own_pages(client: Client) -> None:
    with override_script_prefix("/pictures/"):
        assert f"{HOST}/pictures/formats/" in listed(client)
