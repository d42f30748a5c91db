"""The Back button after log-out, with the back/forward cache enabled (Playwright disables it by default)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser

from tests.browser import ARGUMENTS, program
from tests.e2e.site import Site, log_in
from tests.e2e.windows import PATIENCE

pytestmark = pytest.mark.browser

PERSON = re.compile(r"known\d+@example\.org")


@pytest.mark.slow
def test_back_after_log_out_shows_nothing_of_the_person(site: Site, browser: Browser) -> None:
    as_people_have_it = browser.browser_type.launch(
        executable_path=program(), args=ARGUMENTS, ignore_default_args=["--disable-back-forward-cache"]
    )
    with as_people_have_it:
        page = as_people_have_it.new_page(base_url=site.url)
        page.set_default_timeout(PATIENCE)
        log_in(page, site, site.sessions.pop())
        for path in ("/batches/", "/convert/", "/accounts/"):
            page.goto(path)
            assert PERSON.search(page.content())
        page.go_back()
        assert PERSON.search(page.content())
        page.locator("form[action='/accounts/logout/']").first.evaluate("form => form.requestSubmit()")
        page.wait_for_url(f"{site.url}/")
        for _ in range(2):
            page.go_back(wait_until="load")
            assert not PERSON.search(page.content()), page.url
