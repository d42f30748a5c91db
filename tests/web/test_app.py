"""The site as an app: what browsers learn about it, and that what they keep contains no personal data."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.test.utils import override_script_prefix
from PIL import Image

from converter.web.views import app
from tests.conftest import text
from tests.web.conftest import sent

pytestmark = pytest.mark.django_db


def site_of(client: Client) -> Any:
    """Return what the service worker is told about the site."""
    first, _, _ = text(client.get("/worker.js")).partition("\n")
    return json.loads(first.removeprefix("const site = ").removesuffix(";"))


def test_the_manifest_is_for_all(client: Client) -> None:
    assert '<link rel="manifest" href="/app.webmanifest">' in text(client.get("/help/"))
    answer = client.get("/app.webmanifest")
    assert answer.headers["Content-Type"] == "application/manifest+json"
    found = answer.json()
    assert (found["start_url"], found["scope"], found["display"]) == ("/", "/", "standalone")
    assert found["share_target"]["action"] == "/share/"
    assert {"image/*", ".heic"} <= set(found["share_target"]["params"]["files"][0]["accept"])


def test_the_icons_are_as_large_as_the_manifest_says() -> None:
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in app.ICONS}
    for icon in app.ICONS:
        with Image.open(str(finders.find(f"converter/img/{icon['src']}"))) as image:
            assert "x".join(map(str, image.size)) == icon["sizes"]


def test_the_logo_on_a_maskable_icon_is_in_its_safe_zone() -> None:
    """Only background is outside the circle of 40 % of the side: www.w3.org/TR/appmanifest, icon masks."""
    with Image.open(str(finders.find("converter/img/icon-maskable-512.png"))) as opened:
        image = opened.convert("RGB")
    background = image.getpixel((0, 0))
    for x in range(0, 512, 4):
        for y in range(0, 512, 4):
            if (x - 256) ** 2 + (y - 256) ** 2 > (0.4 * 512) ** 2:
                assert image.getpixel((x, y)) == background


def test_under_a_path_all_urls_are_under_that_path(client: Client) -> None:
    with override_script_prefix("/images/"):
        found, site = client.get("/app.webmanifest").json(), site_of(client)
    assert (found["id"], found["start_url"], found["scope"]) == ("/images/",) * 3
    assert found["share_target"]["action"] == "/images/share/"
    assert site["offline"] == "/images/offline/"
    assert site["share"] == "/images/share/"
    assert site["taker"] == "/images/convert/?shared"
    assert "/images/" in site["pages"]


def test_the_service_worker_caches_only_public_pages(page: Client, client: Client, alice: Any) -> None:
    site = site_of(page)
    assert site["kept"] == site_of(client)["kept"]
    for path in site["kept"][:1]:
        shown = text(page.get(path))
        assert shown == text(client.get(path))
        assert alice.email not in shown
    assert all(path.endswith(".css") for path in site["kept"][1:])


def test_another_offline_page_is_another_cache(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    before = site_of(client)["cache"]
    monkeypatch.setattr(app, "_offline_page", lambda: "another")
    assert site_of(client)["cache"] != before


def test_the_service_worker_is_checked_at_each_visit(client: Client) -> None:
    assert "no-store" in client.get("/worker.js").headers["Cache-Control"]


def test_files_that_the_service_worker_did_not_take_are_reported(client: Client) -> None:
    answer = Client(enforce_csrf_checks=True).post(
        "/share/", {"images": sent("a.jpg", io.BytesIO(b"x").read())}
    )
    assert (answer.status_code, answer.headers["Location"]) == (302, "/convert/?shared")
    assert client.get("/share/").status_code == 405


def test_when_turned_off_the_service_worker_removes_itself(client: Client, settings: Any) -> None:
    settings.CONVERTER_INSTALLABLE = False
    assert 'rel="manifest"' not in text(client.get("/help/"))
    assert "data-worker" not in text(client.get("/convert/"))
    assert client.get("/app.webmanifest").status_code == 404
    assert site_of(client)["isOff"]
