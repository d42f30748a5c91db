"""Visitors use the site without an account."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.conftest import make_photo
from tests.e2e.page_checks import look
from tests.e2e.site import NAMES, convert, photo, sign_up

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]


def test_the_landing_page_shows_the_result_before_anything_is_kept(visit: Visit) -> None:
    page = visit(known=False)
    page.goto("/")
    assert not [cookie for cookie in page.context.cookies() if cookie.get("name") == "session"]
    page.locator("#id_images").set_input_files([photo("a.jpg", make_photo(800, 600))])
    expect(page.locator("[data-try-note]")).to_contain_text("smaller")
    look(page, "landing with an image")


def test_the_history_is_kept_by_signing_up(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit(known=False)
    page.goto("/")
    convert(page, photos)
    batch = page.url
    page.get_by_role("link", name="Keep this history with a free account").click()
    page.get_by_label("E-mail address").fill(f"kept{next(NAMES)}@example.org")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url(batch)
    expect(page.get_by_text("now in your history.")).to_be_visible()
    page.get_by_role("link", name="History").first.click()
    expect(page.locator("main").get_by_role("link", name=re.compile("photo"))).not_to_have_count(0)


@pytest.mark.slow
def test_images_are_found_again_after_the_page_was_closed(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit(known=False)
    page.goto("/")
    convert(page, photos)
    batch = page.url
    page.goto("/")
    look(page, "landing of a guest")
    page.get_by_role("link", name="Your images from").click()
    page.wait_for_url(batch)


def test_strangers_do_not_see_what_guests_made(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit(known=False)
    page.goto("/")
    convert(page, photos[:1])
    other = visit(known=False)
    answer = other.goto(page.url)
    assert answer
    assert "/accounts/login/" in other.url
    sign_up(other)
    answer = other.goto(page.url)
    assert answer
    assert answer.status == 404


@pytest.mark.slow
def test_it_works_without_scripts(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit(known=False, scripts=False)
    page.goto("/")
    page.locator("#id_images").set_input_files(photos)
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()


def test_a_user_logged_out_elsewhere_does_not_continue_as_a_guest(
    visit: Visit, photos: list[FilePayload]
) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photos)
    page.context.clear_cookies(name="session")
    page.locator("[data-submit]").click()
    expect(page.get_by_text("You are logged out. Log in again in another tab")).to_be_visible()
