"""A tour of the site's features, with and without scripts, on a phone and on a desktop."""

from __future__ import annotations

import pytest
from playwright.sync_api import FilePayload, expect

from tests.conftest import make_photo
from tests.e2e.site import PICTURES, Visit, follow, photo, wait_until_done

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize("width", ["phone", "desktop"])
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
def test_a_walk(visit: Visit, photos: list[FilePayload], scripts: bool, width: str) -> None:
    page = visit(scripts=scripts, width=width)

    def keep(name: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / f"walk-{name}-{'scripts' if scripts else 'plain'}-{width}.png")

    def wait_for(words: str = "All done.") -> None:
        if scripts:
            wait_until_done(page)
        page.wait_for_url("**/batches/*/")
        expect(page.locator("#batch").get_by_text(words)).to_be_visible()  # the page polls or reloads itself

    # A custom recipe, used for two images, one of them broken.
    page.goto("/recipes/new/")
    page.get_by_label("Name").fill("Small")
    page.get_by_label("Width", exact=True).fill("64")
    page.get_by_role("button", name="Save").click()
    follow(page.get_by_role("link", name="Use Small"))
    expect(page.get_by_label("Width", exact=True)).to_have_value("64")
    broken = photo("cut.jpg", make_photo(400, 300)[:3000])
    page.locator("#id_images").set_input_files([photos[0], broken])
    page.locator("[data-submit]").click()
    wait_for("1 of 2 finished.")
    keep("partly-failed")
    expect(page.get_by_role("button", name="Retry failed")).to_have_count(0)  # a retry would always fail

    # Share, view as another visitor, end the share.
    page.get_by_role("link", name="Share").click()
    page.get_by_role("button", name="Create link").click()
    address = page.locator(".shares a").first.get_attribute("href")
    other = visit(at=address or "", scripts=scripts, width=width, known=False)
    with other.expect_download() as download:
        other.get_by_role("link", name="Download photo 0.webp").click()
    assert download.value.suggested_filename == "photo 0.webp"
    page.get_by_role("button", name="Stop sharing").click()
    expect(page.get_by_role("button", name="Stop sharing")).to_have_count(0)
    other.reload()
    expect(other.get_by_role("heading", name="This has expired")).to_be_visible()

    # Use the result as input with other formats; then repeat with other options.
    page.goto("/batches/")
    keep("history")
    page.get_by_role("link", name="photo 0.jpg", exact=True).click()
    page.wait_for_url("**/batches/*/")
    page.get_by_role("link", name="photo 0.jpg", exact=True).click()
    expect(page.locator(".compare-frame img")).to_have_count(2)
    keep("compare")
    follow(page.get_by_role("button", name="Convert this result"))
    page.get_by_role("button", name="Add another output").click()
    page.locator("#id_outputs-1-format").select_option("png")
    page.locator("[data-submit]").click()
    wait_for()
    expect(page.locator(".job.is-finished")).to_have_count(2)
    follow(page.get_by_role("link", name="Convert again with new settings"))
    page.get_by_role("button", name="Remove output 2").click()
    page.locator("#id_outputs-0-format").select_option("gif")
    page.locator("[data-submit]").click()
    wait_for()
    expect(page.locator(".job-line strong")).to_have_text("GIF")

    # Find again and delete all together.
    page.goto("/batches/")
    page.get_by_label("Name", exact=True).fill("cut")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator(".entry")).to_have_count(1)
    follow(page.get_by_role("link", name="Clear filter"))
    expect(page.locator(".entry")).to_have_count(3)
    for box in page.get_by_role("checkbox").all():
        box.check()
    page.get_by_role("button", name="Delete selected").click()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_text("3 batches deleted.")).to_be_visible()
