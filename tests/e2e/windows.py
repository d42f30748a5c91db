"""Windows of the browser that tests open one after another, each like new."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

PATIENCE = 60_000
"""Milliseconds that anything may take: a busy machine is no fault."""


class Window:
    """A browser context that is emptied after each use.

    A new one would start another process for its pages, which takes a second of processor time; a page that stays
    open keeps the process.
    """

    def __init__(self, browser: Browser, home: str, options: dict[str, Any]) -> None:
        self.options = options
        self.context: BrowserContext = browser.new_context(base_url=home, **options)
        self.context.set_default_timeout(PATIENCE)
        self._home = home
        self._anchor: Page = self.context.new_page()
        self._anchor.goto("/healthz")
        self._wire: CDPSession = self.context.new_cdp_session(self._anchor)

    def new_page(self) -> Page:
        """Open a page as a script of the site would, which starts no process for it even while it is blank."""
        with self.context.expect_page() as opened:
            self._anchor.evaluate("() => { open(); }")
        return opened.value

    def empty(self) -> None:
        """Close what was opened, and forget what was stored: cookies, caches and the rest."""
        for page in self.context.pages:
            if page != self._anchor:
                page.close()
        self._wire.send("Storage.clearDataForOrigin", {"origin": self._home, "storageTypes": "all"})
        self._wire.send("Network.clearBrowserCache")
        self.context.clear_cookies()


class Windows:
    """The windows of one browser."""

    def __init__(self, browser: Browser, home: str) -> None:
        self._browser, self._home = browser, home
        self._free: list[Window] = []

    def open(self, **options: Any) -> Window:
        """Return an empty window with these options of a browser context.

        If not told, nothing in it moves by itself, and there is no service worker.
        """
        options = {"service_workers": "block", "reduced_motion": "reduce", **options}
        for window in self._free:
            if window.options == options:
                self._free.remove(window)
                return window
        return Window(self._browser, self._home, options)

    def close(self, window: Window) -> None:
        window.empty()
        self._free.append(window)
