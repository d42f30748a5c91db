"""The watermark on the preview: dragging, keyboard, showing and removing its logo; and the colour picker."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.conftest import make_photo
from tests.e2e.page_checks import look
from tests.e2e.site import Visit, photo, wait_for_pictures

pytestmark = [pytest.mark.slow, pytest.mark.browser]

POSITION = "#id_outputs-0-watermark\\.position"
FILE = "[name=outputs-0-watermark_file]"


def logo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (60, 30), "#e01010").save(file, "PNG")
    return file.getvalue()


def begin(visit: Visit, width: str = "desktop") -> Page:
    """Open the page with a photo and a logo on its preview."""
    page = visit(width=width)
    page.locator("#id_images").set_input_files(photo("a.jpg", make_photo(600, 400)))
    page.locator(".more").first.evaluate("details => { details.open = true; }")
    with page.expect_response(lambda answer: "watermark" in answer.headers.get("job-report", "")):
        page.locator(FILE).set_input_files(photo("logo.png", logo(), "image/png"))
    expect(page.locator("[data-try-bar]")).to_be_hidden()  # no more changes pending
    expect(page.locator("[data-mark]")).to_be_visible()
    return page


def boxes(page: Page) -> list[dict[str, float]]:
    """Return the simultaneous positions of the watermark and of the image."""
    found: list[dict[str, float]] = page.evaluate(
        """() => ["[data-mark]", ".try [data-frame]"].map((one) => document.querySelector(one).getBoundingClientRect().toJSON())"""
    )
    return found


def parts(page: Page) -> list[float]:
    """Return left, top, right and bottom of the watermark on the image, as fractions of the sides."""
    mark, frame = boxes(page)
    left, top = (mark["x"] - frame["x"]) / frame["width"], (mark["y"] - frame["y"]) / frame["height"]
    return [left, top, left + mark["width"] / frame["width"], top + mark["height"] / frame["height"]]


def drag_to(page: Page, across: float, down: float) -> None:
    mark, frame = boxes(page)
    page.mouse.move(mark["x"] + mark["width"] / 2, mark["y"] + mark["height"] / 2)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] / 2, frame["y"] + frame["height"] / 2)
    page.mouse.move(frame["x"] + frame["width"] * across, frame["y"] + frame["height"] * down)
    page.mouse.up()


def test_the_watermark_is_dragged_to_its_place(visit: Visit) -> None:
    page = begin(visit)
    assert parts(page) == pytest.approx([0.7867, 0.83, 0.9867, 0.98], abs=0.02)
    line = page.locator(".try [data-range]")
    drag_to(page, 0.9, 0.4)
    expect(page.locator(POSITION)).to_have_value("right")
    assert parts(page)[2] == pytest.approx(0.9867, abs=0.02)
    expect(line).to_have_value("50")  # it did not move
    # On the original's side, the dividing line moves away: only the result shows the watermark.
    for across, down, place in [(0.5, 0.5, "center"), (0.1, 0.1, "top_left")]:
        drag_to(page, across, down)
        expect(page.locator(POSITION)).to_have_value(place)
        assert float(line.input_value()) / 100 <= parts(page)[0]
    line.fill("60")  # set by the user, it may cross the watermark
    page.get_by_label("Margin (%)").fill("3")
    page.get_by_label("Margin (%)").blur()
    expect(line).to_have_value("60")


def test_the_whole_result_is_seen_while_the_watermark_is_dragged(visit: Visit) -> None:
    page = begin(visit)
    mark, frame = page.locator("[data-mark]"), page.locator(".try [data-frame]")
    box = mark.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] - 20, box["y"] - 10)
    assert frame.evaluate("frame => frame.style.getPropertyValue('--split')") == "0%"
    assert "url(" in mark.evaluate("mark => mark.style.backgroundImage")
    page.mouse.up()
    assert frame.evaluate("frame => frame.style.getPropertyValue('--split')") != "0%"
    assert mark.evaluate("mark => mark.style.backgroundImage") == ""


def test_keys_move_it(visit: Visit) -> None:
    page = begin(visit)
    page.locator("[data-mark]").focus()
    for key, place in [
        ("ArrowLeft", "bottom"),
        ("ArrowUp", "center"),
        ("ArrowLeft", "left"),
        ("ArrowLeft", "left"),
    ]:
        page.keyboard.press(key)
        expect(page.locator(POSITION)).to_have_value(place)
    expect(page.locator("[data-mark]")).to_be_focused()


CORNER = """image => {
    const canvas = Object.assign(document.createElement("canvas"), {width: 6, height: 4});
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0, 6, 4);
    return [...context.getImageData(0, 0, 1, 1).data];
}"""
"""Return the colour of the top left corner of an image."""


def test_the_preview_shows_the_watermark_at_its_position(visit: Visit) -> None:
    page = begin(visit)
    after = page.locator(".try .compare-after img")
    first, before = after.get_attribute("src"), after.evaluate(CORNER)
    drag_to(page, 0.1, 0.1)
    expect(after).not_to_have_attribute("src", first or "")
    wait_for_pictures(after)
    assert after.evaluate(CORNER)[0] > before[0] + 40  # it is red


def test_the_logo_is_shown_and_removed(visit: Visit) -> None:
    page = begin(visit)
    thumbnail = page.get_by_role("img", name="Logo")
    expect(thumbnail).to_be_visible()
    assert thumbnail.evaluate("image => image.decode().then(() => image.naturalWidth)") == 60
    look(page, "convert with a logo")
    page.get_by_role("button", name="Remove logo").click()
    expect(thumbnail).to_be_hidden()
    expect(page.locator("[data-mark]")).to_have_count(0)
    expect(page.locator("[name='outputs-0-watermark.image']")).to_have_value("")


def test_margin_and_size_are_in_percent(visit: Visit) -> None:
    page = begin(visit)
    page.get_by_label("Margin (%)").fill("25")
    page.get_by_label("Size (% of image width)").fill("40")
    page.get_by_label("Size (% of image width)").blur()
    # A quarter of 400 pixels is a sixth of 600.
    assert parts(page) == pytest.approx([0.4333, 0.45, 0.8333, 0.75], abs=0.02)


def test_a_colour_is_picked_or_typed(visit: Visit) -> None:
    page = visit(at="/recipes/new/")
    page.locator(".more").first.evaluate("details => { details.open = true; }")
    text, picker = page.get_by_label("Background"), page.get_by_label("Pick a colour")
    picker.fill("#336699")
    expect(text).to_have_value("#336699")
    text.fill("#ff8800")
    expect(picker).to_have_value("#ff8800")
    text.fill("transparent")
    expect(picker).to_have_value("#ff8800")
    look(page, "recipe colours")
