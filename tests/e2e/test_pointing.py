"""Setting the focal point on the preview by click and keyboard; for one image and for all."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.e2e.page_checks import look
from tests.e2e.site import Site, Visit, follow, photo, recipes, wait_until_done

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def stripes(width: int = 600, height: int = 200) -> bytes:
    """Return an image whose left third is red, and the rest blue."""
    image = Image.new("RGB", (width, height), "#0000ff")
    image.paste("#ff0000", (0, 0, width // 3, height))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def fill(page: Page, gravity: str | None = None) -> None:
    for name in ("width", "height"):
        page.locator(f"[name='outputs-0-resize.{name}']").fill("100")
    page.locator("[name='outputs-0-resize.mode']").select_option("fill")
    if gravity:
        page.get_by_text("More options").click()
        page.locator("[name='outputs-0-resize.gravity']").select_option(gravity)


def start(page: Page) -> Locator:
    button = page.locator("[data-point-start]")
    expect(button).to_be_enabled()
    button.click()
    dot = page.locator("[data-point-dot]")
    expect(dot).to_be_visible()
    return dot


def click_at(page: Page, x: float, y: float) -> None:
    frame = page.locator("[data-point-frame]")
    box = frame.bounding_box()
    assert box
    frame.click(position={"x": x * box["width"], "y": y * box["height"]})


def test_a_click_says_what_filling_keeps(visit: Visit, site: Site) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photo("stripes.png", stripes(), "image/png"))
    expect(page.locator(".file-note")).to_contain_text("600×200")
    expect(page.locator("[data-point-start]")).to_be_hidden()  # no output uses the fill mode yet
    fill(page, gravity="smart")
    start(page)
    click_at(page, 1 / 6, 0.5)
    page.get_by_role("button", name="Apply focal point").click()
    expect(page.locator("[data-point-start]")).to_have_text("Focal point: 17% across, 50% down")
    after = page.locator(".try .compare-after img")
    # It is as wide as the previous preview: only its colour shows that it is the new one.
    page.wait_for_function(
        """image => {
            const canvas = Object.assign(document.createElement("canvas"), {width: 100, height: 100});
            const pen = canvas.getContext("2d");
            pen.drawImage(image, 0, 0);
            const [red, , blue] = pen.getImageData(95, 50, 1, 1).data;
            return image.naturalWidth === 100 && red > 200 && blue < 60;
        }""",
        arg=after.element_handle(),
    )
    page.locator("[data-submit]").click()
    (recipe,) = recipes(page, site)
    assert recipe["focal_point"]["x"] == pytest.approx(1 / 6, abs=0.01)
    assert recipe["focal_point"]["y"] == pytest.approx(0.5, abs=0.01)
    assert "gravity" not in recipe["resize"]


def test_one_image_has_a_point_of_its_own_and_keeps_it(visit: Visit, site: Site) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(
        [photo(f"{n}.png", stripes(60 + n, 40), "image/png") for n in range(2)]
    )
    fill(page)
    dot = start(page)
    expect(dot).to_be_focused()
    expect(page.locator("[data-point-place]")).to_have_text("Focal point: 50% across, 50% down")
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("ArrowLeft")
    for _ in range(6):
        page.keyboard.press("Shift+ArrowDown")
    expect(page.locator("[data-point-place]")).to_have_text("Focal point: 39% across, 100% down")
    look(page, "convert pointing")
    page.get_by_role("button", name="Apply focal point").click()
    page.locator("[data-submit]").click()
    assert [recipe.get("focal_point") for recipe in recipes(page, site)] == [{"x": 0.39, "y": 1}, None]
    wait_until_done(page)
    follow(page.get_by_role("link", name="Convert again with new settings"))
    expect(page.locator("[data-point-start]")).to_have_text("Focal point: 39% across, 100% down")


def test_a_point_for_all_is_cancelled_removed_and_typed(visit: Visit) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(
        [photo(f"{n}.png", stripes(60 + n, 40), "image/png") for n in range(2)]
    )
    fill(page)
    button = page.locator("[data-point-start]")
    start(page)
    page.get_by_label("Same point for all images").check()
    page.get_by_role("button", name="Apply focal point").click()
    page.get_by_role("button", name="Show 1.png").click()
    expect(button).to_have_text("Focal point: 50% across, 50% down")
    start(page).press("ArrowUp")
    page.locator("[data-point-dot]").press("Escape")
    expect(page.locator("[data-point-dot]")).to_have_count(0)
    expect(button).to_have_text("Focal point: 50% across, 50% down")
    start(page)
    page.get_by_role("button", name="No focal point").click()
    expect(button).to_have_text("Focal point")
    page.get_by_text("More options").click()
    for name, value in {"x": "10", "y": "20"}.items():
        page.locator(f"[name='outputs-0-focal_point.{name}']").fill(value)
    start(page).press("ArrowRight")
    expect(page.locator("[data-point-place]")).to_have_text("Focal point: 11% across, 20% down")
    expect(page.locator("[name='outputs-0-focal_point.x']")).to_have_value("")
