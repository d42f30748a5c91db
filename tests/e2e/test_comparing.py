"""The original and the result side by side, before and after sending."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, expect

from tests.conftest import make_photo
from tests.e2e.site import HEIC, Site, Visit, convert, follow, photo, wait_for_pictures

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_compare_by_keyboard_and_by_hand(visit: Visit) -> None:
    page = visit()
    page.locator("#id_outputs-0-format").select_option("tiff")
    convert(page, [photo("big.jpg", make_photo(1600, 1200))])
    page.get_by_role("link", name="Compare big.jpg").click()
    compare = page.locator(".compare.is-live")
    compare.wait_for()
    wait_for_pictures(page.locator(".compare-frame img"))
    places = page.locator(".compare-frame img").evaluate_all(
        "images => images.map((image) => JSON.stringify(image.getBoundingClientRect()))"
    )
    assert places[0] == places[1]
    slider = page.get_by_role("slider", name="How much of the original is shown")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("55")
    frame = page.locator("[data-frame]")
    assert frame.evaluate("frame => frame.style.getPropertyValue('--split')") == "55%"
    width = frame.evaluate("frame => frame.offsetWidth")
    frame.click(position={"x": width * 0.2, "y": 100})
    expect(slider).to_have_value("20")
    page.get_by_label("Actual size").check()
    assert frame.evaluate("frame => frame.offsetWidth") == 1600
    page.get_by_label("Show differences (5×)").check()
    expect(page.locator(".compare.is-difference")).to_be_visible()
    page.get_by_label("Background").select_option("black")
    expect(frame).to_have_class("compare-frame on-black")


def test_a_preview_before_it_is_sent(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photos[:1])
    note = page.locator("[data-try-note]")
    expect(note).to_contain_text("%")
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    page.get_by_label("Width", exact=True).fill("20")
    page.get_by_label("Width", exact=True).blur()
    after = page.locator(".try .compare-after img")
    page.wait_for_function("image => image.naturalWidth === 20", arg=after.element_handle())
    page.goto("/batches/")
    expect(page.get_by_role("heading", name="No conversions yet")).to_be_visible()


def test_a_preview_of_what_is_here_already(visit: Visit, site: Site, photos: list[FilePayload]) -> None:
    page = visit()
    convert(page, photos)
    batch = page.url
    follow(page.get_by_role("link", name="Convert again with new settings"))
    expect(page.get_by_text("3 images,")).to_be_visible()
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    expect(page.locator("[data-try-note]")).to_contain_text("%")
    page.get_by_label("Width", exact=True).fill("20")
    page.get_by_label("Width", exact=True).blur()
    after = page.locator(".try .compare-after img")
    page.wait_for_function("image => image.naturalWidth === 20", arg=after.element_handle())
    page.get_by_role("button", name="Show photo 2.jpg").click()
    page.wait_for_function(
        "() => document.querySelector('.try [data-before]')?.naturalWidth === 322"  # not the thumbnail
    )
    page.get_by_role("checkbox", name="Use photo 2.jpg").uncheck()
    expect(page.get_by_text("2 images,")).to_be_visible()
    page.get_by_role("checkbox", name="Use all").check()
    expect(page.get_by_text("3 images,")).to_be_visible()
    page.get_by_role("checkbox", name="Use all").uncheck()
    page.get_by_role("checkbox", name="Use photo 0.jpg").check()
    expect(page.get_by_text("1 image,")).to_be_visible()
    page.goto(batch)
    expect(page.locator(".job.is-finished")).to_have_count(3)
    page.goto("/batches/")
    expect(page.locator(".entry")).to_have_count(1)


def test_formats_that_browsers_cannot_show_are_compared_before_upload(visit: Visit) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photo("IMG_1.HEIC", HEIC.read_bytes(), "image/heic"))
    expect(page.locator(".try .compare.is-tried:not(.is-alone)")).to_be_visible()
    wait_for_pictures(page.locator(".try .compare-frame img"))
    expect(page.locator(".file-thumb")).to_have_attribute("data-kind", "HEIC")


def test_previews_that_are_not_possible_are_explained(visit: Visit) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photo("one.jpg", make_photo()))
    page.get_by_text("More options").click()
    pages = page.locator("[name='outputs-0-pages']")
    pages.fill("2")
    pages.blur()
    expect(page.locator("[data-try-note].is-bad")).to_contain_text("no page or frame 2")
    pages.fill("")
    pages.blur()
    expect(page.locator("[data-try-note]:not(.is-bad)")).to_contain_text("%")


def test_captions_do_not_hide_each_other_on_a_slim_picture(visit: Visit) -> None:
    page = visit(width="phone")
    page.locator("#id_images").set_input_files(photo("tall.jpg", make_photo(600, 1200)))
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    expect(page.locator(".try .compare-after figcaption")).to_contain_text("·")  # with its size
    before, after = page.locator(".try figcaption").evaluate_all(
        "captions => captions.map((caption) => caption.getBoundingClientRect().toJSON())"
    )
    assert before["bottom"] <= after["top"] or before["right"] <= after["left"]


def test_the_whole_original_is_shown_until_the_result_is_ready(
    visit: Visit, photos: list[FilePayload]
) -> None:
    page = visit()
    page.route("**/api/v1/convert", lambda route: None)
    page.locator("#id_images").set_input_files(photos[:1])
    original = page.locator(".try [data-before]")
    expect(original).to_be_visible()
    expect(original).to_have_css("clip-path", "none")


def test_a_preview_leaves_nothing_even_if_the_page_is_closed(
    visit: Visit, site: Site, photos: list[FilePayload]
) -> None:
    page = visit()
    with page.expect_request("**/api/v1/convert"):
        page.locator("#id_images").set_input_files(photos[:1])
    other = page.context.new_page()
    page.close()
    other.goto("/batches/")
    expect(other.get_by_role("heading", name="No conversions yet")).to_be_visible()


def test_a_photo_too_large_for_a_preview_is_previewed_as_a_smaller_copy(visit: Visit) -> None:
    page = visit()
    large = make_photo(3000, 2000, quality=95)
    page.route(
        "**/convert/",
        lambda route: route.fulfill(
            response=(answer := route.fetch()),
            body=answer.text().replace('data-one-shot="4000000"', f'data-one-shot="{len(large) - 1}"'),
        ),
    )
    page.goto("/convert/")
    page.locator("#id_images").set_input_files([photo("large.jpg", large)])
    expect(page.locator("[data-try-note]")).to_contain_text("about")
    after = page.locator(".try .compare-after img")
    page.wait_for_function("image => image.naturalWidth === 1600", arg=after.element_handle())


MIDDLE = """image => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1});
    canvas.getContext("2d").drawImage(image, image.naturalWidth / 2, image.naturalHeight / 2, 1, 1, 0, 0, 1, 1);
    return [...canvas.getContext("2d").getImageData(0, 0, 1, 1).data];
}"""


def test_the_requested_frame_of_a_file_too_large_for_a_preview_is_shown(visit: Visit) -> None:
    frames = [Image.new("RGB", (600, 400), color) for color in ("#d00000", "#00b000", "#0000d0")]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
    page = visit()
    page.route(
        "**/convert/",
        lambda route: route.fulfill(
            response=(answer := route.fetch()),
            body=answer.text().replace('data-one-shot="4000000"', 'data-one-shot="1000"'),
        ),
    )
    page.goto("/convert/")
    page.locator("#id_images").set_input_files([photo("large.gif", file.getvalue(), "image/gif")])
    expect(page.locator("[data-try-note]")).to_contain_text("%")
    page.locator("[name='outputs-0-format']").select_option("png")
    page.locator(".more").first.evaluate("details => { details.open = true; }")
    page.locator("[name='outputs-0-pages']").fill("2")
    page.locator("[name='outputs-0-pages']").blur()
    after = page.locator(".try .compare-after img")
    page.wait_for_function(f"image => ({MIDDLE})(image)[1] > 100", arg=after.element_handle())
    assert after.evaluate(MIDDLE) == [0, 0xB0, 0, 255]


@pytest.mark.parametrize("source", ["heic", "avif", "tiff"])
def test_formats_that_browsers_cannot_show_are_compared_by_touch(visit: Visit, source: str) -> None:
    content = HEIC.read_bytes() if source == "heic" else make_photo(400, 300, source.upper())
    page = visit(width="phone", has_touch=True)
    page.locator("#id_outputs-0-format").select_option("jp2")
    convert(page, [photo(f"a.{source}", content, f"image/{source}")])
    page.get_by_role("link", name=f"Compare a.{source}").click()
    page.locator(".compare.is-live").wait_for()
    frame = page.locator("[data-frame]")
    wait_for_pictures(frame.locator("img"))
    box = frame.bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    expect(page.get_by_role("slider", name="How much of the original is shown")).to_have_value("25")
