"""The session or a form expires while files are chosen or sent, and following the page's advice works."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.site import Visit, sign_up, wait_until_done

pytestmark = pytest.mark.browser

DATA_IS_DEAR = "Object.defineProperty(Navigator.prototype, 'connection', {get: () => ({saveData: true})});"


@pytest.mark.slow
def test_convert_continues_after_logging_in_again_in_another_tab(
    visit: Visit, photos: list[dict[str, Any]]
) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photos)  # type: ignore[arg-type]
    page.context.clear_cookies(name="session")
    page.locator("[data-submit]").click()
    expect(page.get_by_text("You are logged out. Log in again in another tab")).to_be_visible()

    sign_up(page.context.new_page())
    page.locator("[data-submit]").click()
    wait_until_done(page)
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()


def test_a_user_logged_out_while_sending_is_told_and_can_continue(
    visit: Visit, photos: list[dict[str, Any]]
) -> None:
    page = visit()
    session = next(cookie for cookie in page.context.cookies() if cookie["name"] == "session")

    def end_session(route: Any) -> None:
        page.context.clear_cookies(name="session")
        route.fulfill(status=403, json={"code": "form_expired"})

    page.add_init_script(DATA_IS_DEAR)  # disables uploading ahead
    page.reload()
    page.route("**/uploads", end_session)
    page.locator("#id_images").set_input_files(photos[:1])  # type: ignore[arg-type]
    page.locator("[data-submit]").click()
    expect(page.get_by_text("Upload failed: you are logged out.")).to_be_visible()

    page.unroute("**/uploads")
    page.context.add_cookies([session])  # type: ignore[list-item]
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")


def test_a_form_that_expires_again_and_again_is_not_called_a_broken_connection(
    visit: Visit, photos: list[dict[str, Any]]
) -> None:
    page = visit()
    page.route("**/uploads", lambda route: route.fulfill(status=403, json={"code": "form_expired"}))
    page.locator("#id_images").set_input_files(photos[:1])  # type: ignore[arg-type]
    page.locator("[data-submit]").click()
    expect(page.get_by_text("Upload failed: the upload form expired.")).to_be_visible()
