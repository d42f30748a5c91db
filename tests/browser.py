"""Chromium, as Debian or Google package it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@contextmanager
def chromium(without: Sequence[str] = ()) -> Iterator[Browser]:
    """Start it.

    Raises FileNotFoundError when it is not installed.
    """
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if not path:
        raise FileNotFoundError("The browser tests need Chromium. On Debian or Ubuntu: apt install chromium")
    arguments = ["--no-sandbox", "--disable-background-networking", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=arguments, ignore_default_args=list(without)
        )
        try:
            yield browser
        finally:
            browser.close()
