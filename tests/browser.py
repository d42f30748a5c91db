"""Chromium, as Debian or Google package it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


# All pages of a window share one process, which would take longer to start than most tests do.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--process-per-site",
)


def program() -> str:
    """Return where it is.

    Raises FileNotFoundError when it is not installed.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        raise FileNotFoundError("The browser tests need Chromium. On Debian or Ubuntu: apt install chromium")
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start it and Playwright, which runs once in a process."""
    from playwright.sync_api import sync_playwright  # takes long to import

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
