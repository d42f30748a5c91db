"""Browser windows that are reused between tests, emptied each time."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Error, Page

PATIENCE = 60_000
"""Timeout in milliseconds for everything; generous, because the machine may be busy."""

HAS_REAL_CLOCK = "() => /native code/.test(setTimeout)"


class Window:
    """A browser context that is emptied after each use.

    A new context would start another process for its pages, which takes a second of CPU time; a page that
    stays open keeps the process alive.
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
        """Open a page from a script of the site, so that even the blank page needs no new process."""
        with self.context.expect_page() as opened:
            self._anchor.evaluate("() => { open(); }")
        return opened.value

    def empty(self) -> None:
        """Close all opened pages, clear cookies, caches and other storage, and go online."""
        for page in self.context.pages:
            if page != self._anchor:
                page.close()
        self._wire.send("Storage.clearDataForOrigin", {"origin": self._home, "storageTypes": "all"})
        self._wire.send("Network.clearBrowserCache")
        self.context.clear_cookies()
        self.context.set_offline(False)

    def is_as_new(self) -> bool:
        """Return False if the process of the pages crashed, or if a test simulated the clock.

        Playwright simulates it, and `performance` with it, in all pages of a context and for good.
        """
        try:
            return bool(self._anchor.evaluate(HAS_REAL_CLOCK))
        except Error:
            return False


class Windows:
    """The windows of one browser."""

    def __init__(self, browser: Browser, home: str) -> None:
        self._browser, self._home = browser, home
        self._free: list[Window] = []

    def open(self, **options: Any) -> Window:
        """Return an empty window with these options of a browser context.

        By default, animations are reduced and service workers are blocked.
        """
        options = {"service_workers": "block", "reduced_motion": "reduce", **options}
        for window in self._free:
            if window.options == options:
                self._free.remove(window)
                return window
        return Window(self._browser, self._home, options)

    def close(self, window: Window) -> None:
        """Empty the window, and keep it for another test if nothing else is left of this one."""
        window.empty()
        if window.is_as_new():
            self._free.append(window)
        else:
            window.context.close()
