"""Chromium as packaged by Debian or Google."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


# All pages of a window share one process: starting another takes longer than most tests.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--process-per-site",
)


def program() -> str:
    """Return the path of Chromium.

    Raises FileNotFoundError if it is not installed.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        raise FileNotFoundError("The browser tests need Chromium. On Debian or Ubuntu: apt install chromium")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Playwright, which can run only once per process, and Chromium."""
    from playwright.sync_api import sync_playwright  # slow to import

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
