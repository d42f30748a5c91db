"""Windows used by one test after the other."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error

from tests.e2e.windows import Window, Windows

pytestmark = pytest.mark.browser


@pytest.fixture
def window(windows: Windows) -> Window:
    """Return a window that other tests do not ask for."""
    return windows.open(locale="fr-FR")


def test_an_emptied_window_is_used_again_online(windows: Windows, window: Window) -> None:
    page = window.new_page()
    page.goto("/healthz")
    page.evaluate("() => localStorage.setItem('left', 'behind')")
    window.context.set_offline(True)
    windows.close(window)
    assert windows.open(locale="fr-FR") is window
    page = window.new_page()
    page.goto("/healthz")
    assert page.evaluate("() => localStorage.length") == 0
    windows.close(window)


def test_a_window_with_a_simulated_clock_is_not_used_again(windows: Windows, window: Window) -> None:
    window.new_page().clock.install()
    windows.close(window)
    other = windows.open(locale="fr-FR")
    assert other is not window
    windows.close(other)


def test_a_window_whose_process_crashed_is_not_used_again(windows: Windows, window: Window) -> None:
    page = window.new_page()
    with page.expect_event("crash"), pytest.raises(Error):
        page.goto("chrome://crash")
    windows.close(window)
    other = windows.open(locale="fr-FR")
    assert other is not window
    windows.close(other)
