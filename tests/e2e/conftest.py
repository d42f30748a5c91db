"""A real browser against the real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page

from tests.browser import chromium
from tests.conftest import make_photo
from tests.e2e.site import SIZES, Site, log_in, photo


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever needs the site is a test in the browser, also when the mark was forgotten."""
    for item in items:
        if "site" in getattr(item, "fixturenames", ()):
            item.add_marker("browser")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")) as site:
        yield site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open the site as somebody new who is logged in; `visit(scripts=False, width="phone", known=False)`.

    A script that breaks, a request elsewhere, or anything the content policy stops, fails the test.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def visit(*, scripts: bool = True, width: str = "desktop", known: bool = True, **options: Any) -> Page:
        wide, high = SIZES[width]
        context = browser.new_context(
            base_url=site.url,
            viewport={"width": wide, "height": high},
            java_script_enabled=scripts,
            **options,
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if "Content Security" in line.text else None)
        page.on(
            "request",
            lambda request: faults.append(request.url) if _elsewhere(request.url, site.url) else None,
        )
        if known:
            log_in(page, site, site.sessions.pop())
            page.goto("/convert/")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert faults == []


def _elsewhere(url: str, home: str) -> bool:
    return not url.startswith((home, "data:", "blob:"))


@pytest.fixture
def photos() -> list[FilePayload]:
    """Three photos, ready to be chosen."""
    return [photo(f"photo {n}.jpg", make_photo(320 + n, 240)) for n in range(3)]
