"""A real browser against the real server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.browser import chromium
from tests.conftest import Once, make_photo
from tests.e2e.site import SIZES, Site, Visit, bring_people, log_in, photo
from tests.e2e.windows import PATIENCE, Window, Windows
from tests.server import Server

expect.set_options(timeout=PATIENCE)


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """Mark and group the tests of this folder: Playwright blocks event loops in other tests of its process.

    The tests are divided between two processes, each with its own server and browser.
    """
    for number, item in enumerate(filter(_is_here, items)):
        item.add_marker("browser")
        item.add_marker(pytest.mark.flaky(reruns=1))  # see tests/conftest.py
        item.add_marker(pytest.mark.xdist_group(f"browser-{number % 2}"))
    yield
    items.sort(key=_is_here)


def _is_here(item: pytest.Item) -> bool:
    return item.path.parent == Path(__file__).parent


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Add to a failure what the server logged during the test."""
    site = getattr(item, "funcargs", {}).get("site")
    log = site.log if site else Path(os.devnull)
    seen = log.stat().st_size
    try:
        yield
    except Exception as error:
        if said := log.read_bytes()[seen:].decode():
            error.add_note(f"The server logged:\n{said}")
        raise


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, once: Once, new_site: Path) -> Iterator[Site]:
    with_people = once("site-with-people", lambda folder: bring_people(Server(folder, like=new_site)))
    with Site(tmp_path_factory.mktemp("site"), like=with_people) as site:
        yield site


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="package")
def windows(site: Site, browser: Browser) -> Windows:
    return Windows(browser, site.url)


@pytest.fixture
def visit(site: Site, windows: Windows) -> Iterator[Visit]:
    """Open the site as a new, logged-in user: `visit(at="/recipes/", scripts=False, width="phone", known=False)`.

    The test fails on script errors, requests to other hosts and violations of the content security policy.
    """
    opened: list[Window] = []
    faults: list[str] = []

    def visit(
        *, at: str = "", scripts: bool = True, width: str = "desktop", known: bool = True, **options: Any
    ) -> Page:
        window = windows.open(java_script_enabled=scripts, **options)
        opened.append(window)
        page = window.new_page()
        wide, high = SIZES[width]
        page.set_viewport_size({"width": wide, "height": high})
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("crash", lambda page: faults.append(f"{page.url} crashed"))
        page.on("console", lambda line: faults.append(line.text) if "Content Security" in line.text else None)
        page.on(
            "request",
            lambda request: faults.append(request.url) if _elsewhere(request.url, site.url) else None,
        )
        if known:
            log_in(page, site, site.sessions.pop())
        if known or at:
            page.goto(at or "/convert/")
        return page

    yield visit
    for window in opened:
        windows.close(window)
    assert faults == []


def _elsewhere(url: str, home: str) -> bool:
    return not url.startswith((home, "data:", "blob:"))


@pytest.fixture
def photos() -> list[FilePayload]:
    """Return three photos for a file input."""
    return [photo(f"photo {n}.jpg", make_photo(320 + n, 240)) for n in range(3)]
