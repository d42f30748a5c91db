"""Chosen images are still there after a look at other pages of the site."""

from __future__ import annotations

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.e2e.page_checks import look, stand_still
from tests.e2e.site import HEIC, Visit, expect_a_warning_about_leaving, follow, photo, wait_until_done

pytestmark = pytest.mark.browser


def choose(page: Page, files: list[FilePayload]) -> None:
    """Choose files and wait until the site has them all."""
    page.locator("#id_images").set_input_files(files)
    page.wait_for_function(
        "count => performance.getEntriesByType('resource').filter(({name}) => name.endsWith('/uploads')).length === count",
        arg=len(files),
    )
    expect(page.locator(".try .compare.is-tried")).to_be_visible()


def test_chosen_images_are_offered_after_a_look_at_other_pages(
    visit: Visit, photos: list[FilePayload]
) -> None:
    page = visit()
    choose(page, photos)
    follow(page.get_by_role("link", name="History"))
    follow(page.get_by_role("link", name="Recipes"))
    follow(page.get_by_role("link", name="Convert", exact=True))
    follow(page.get_by_role("link", name="Continue with your 3 images"))
    expect(page.locator(".file-row")).to_have_count(3)
    expect(page.locator(".file-thumb").last).to_have_attribute("data-kind", "JPG")
    page.locator("[data-submit]").click()
    wait_until_done(page)
    expect(page.locator(".job")).to_have_count(3)
    page.goto("/convert/")
    expect(page.locator("[data-chosen]")).to_be_hidden()


@pytest.mark.parametrize("width", ["phone", pytest.param("desktop", marks=pytest.mark.slow)])
def test_a_guest_finds_the_image_again_and_again(visit: Visit, width: str) -> None:
    page = visit(known=False, width=width)
    page.goto("/")
    choose(page, [photo("IMG_1.heic", HEIC.read_bytes(), "image/heic")])
    for _ in range(2):
        follow(page.get_by_role("link", name="Help"))
        page.go_back(wait_until="load")
        follow(page.get_by_role("link", name="Imagesite home"))
        stand_still(page, "/")
        look(page, "continue with chosen images")
        follow(page.get_by_role("link", name="Continue with your image"))
        expect(page.locator("[data-submit]")).to_have_text("Convert to JPEG")
        expect(page.locator(".try .compare.is-tried")).to_be_visible()


def test_an_image_is_offered_after_leaving_with_another_that_is_not_announced(
    visit: Visit, photos: list[FilePayload]
) -> None:
    page = visit()
    choose(page, photos[:1])
    page.route("**/uploads/forms", lambda route: None)  # never answered
    page.locator("#id_images").set_input_files(photos[1:2])
    expect(page.locator(".file-row")).to_have_count(2)
    page.on("dialog", lambda dialog: dialog.accept())
    follow(page.get_by_role("link", name="Recipes"))
    follow(page.get_by_role("link", name="Convert", exact=True))
    expect(page.get_by_role("link", name="Continue with your image")).to_be_visible()


def test_after_coming_back_leaving_the_site_forgets_the_images(
    visit: Visit, photos: list[FilePayload]
) -> None:
    page = visit()
    choose(page, photos[:1])
    # Test browsers have no back/forward cache.
    page.evaluate(
        """() => {
          const passed = (type) => dispatchEvent(new PageTransitionEvent(type, {persisted: true}));
          navigation.addEventListener("navigate", (event) => { passed("pagehide"); event.preventDefault(); }, {once: true});
        }"""
    )
    page.get_by_role("link", name="Recipes").click()
    page.wait_for_function("() => sessionStorage.getItem('chosen')")
    page.evaluate(
        """() => {
          for (const type of ["pageshow", "pagehide"]) dispatchEvent(new PageTransitionEvent(type, {persisted: true}));
        }"""
    )
    assert page.evaluate("() => sessionStorage.getItem('chosen')") is None


def test_a_recipe_is_used_for_images_chosen_before(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    choose(page, photos[:2])
    follow(page.get_by_role("link", name="Recipes"))
    follow(page.get_by_role("link", name="Use For e-mail"))
    follow(page.get_by_role("link", name="Continue with your 2 images"))
    expect(page.locator("[data-submit]")).to_have_text("Convert 2 to JPEG")


@pytest.mark.parametrize("looks", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_after_log_out_nothing_is_offered(visit: Visit, photos: list[FilePayload], looks: bool) -> None:
    page = visit()
    choose(page, photos[:1])
    if looks:
        follow(page.get_by_role("link", name="History"))
    page.get_by_label("Your account").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/")
    page.wait_for_load_state()
    assert page.evaluate("sessionStorage.getItem('chosen')") is None


def test_leaving_with_files_that_have_not_arrived_is_warned_about(
    visit: Visit, photos: list[FilePayload]
) -> None:
    page = visit()
    held: list[Route] = []
    page.route("**/uploads", lambda route: held.append(route))
    with page.expect_request("**/uploads"):
        page.locator("#id_images").set_input_files(photos[:1])
    page.locator("#id_outputs-0-format").click()
    expect_a_warning_about_leaving(page)
