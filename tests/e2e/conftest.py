"""A real browser against the real server: its own process, its own pool of workers, SQLite and a folder."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.conftest import make_photo

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
NAMES = itertools.count()
SIZES = {"phone": (360, 740), "desktop": (1440, 900)}


class Site:
    """The server of this run, and a way to act in its database."""

    def __init__(self, data: Path) -> None:
        self.environment = {
            **os.environ,
            "DATA_DIR": str(data),
            "DJANGO_SETTINGS_MODULE": "imagesite.settings",
        }
        self.manage("migrate", "--verbosity", "0")
        self.manage("collectstatic", "--no-input", "--verbosity", "0")
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", "0"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        self.url = found[0]

    def manage(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def python(self, source: str) -> str:
        """Run statements beside the server, on the same data."""
        return self.manage("shell", "--no-imports", "-c", source)

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        assert self.process.stdout
        self.process.stdout.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    yield site
    site.end()


def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    found = next(filter(None, map(shutil.which, names)), None)
    if not found:
        pytest.fail(
            "The browser tests need Chromium. Install it (Debian: apt-get install chromium), then run again."
        )
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open the site as somebody new; `visit(scripts=False, width="phone", known=False)`.

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
            sign_up(page)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert faults == []


def _elsewhere(url: str, home: str) -> bool:
    return not url.startswith((home, "data:", "blob:"))


def sign_up(page: Page) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("E-mail address").fill(f"person{next(NAMES)}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Make my account").click()
    page.wait_for_url("**/convert/")


@pytest.fixture
def photos() -> list[dict[str, Any]]:
    """Three photos, ready to be chosen."""
    return [photo(f"photo {n}.jpg", make_photo(320 + n, 240)) for n in range(3)]


def photo(name: str, content: bytes, kind: str = "image/jpeg") -> dict[str, Any]:
    return {"name": name, "mimeType": kind, "buffer": content}


def convert(page: Page, files: list[dict[str, Any]]) -> None:
    """Send the files with the options as they are, and wait for the batch to be done."""
    page.locator("#id_images").set_input_files(files)  # type: ignore[arg-type]
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url("**/batches/*/")
    page.locator("#batch:not([hx-get])").wait_for()
