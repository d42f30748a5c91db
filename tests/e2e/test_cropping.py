"""Cropping on the preview by mouse, touch, keyboard and numbers; for one image and for all."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from converter.engine import raster
from tests.conftest import make_photo
from tests.e2e.page_checks import look
from tests.e2e.site import HEIC, Site, Visit, follow, photo, recipes, wait_until_done

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def quarters(width: int, height: int) -> bytes:
    """Return an image with red, green, blue and white quarters."""
    image = Image.new("RGB", (width, height), "#ff0000")
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 2, 0, width, height // 2), fill="#00ff00")
    draw.rectangle((0, height // 2, width // 2, height), fill="#0000ff")
    draw.rectangle((width // 2, height // 2, width, height), fill="#ffffff")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def start(page: Page) -> Locator:
    button = page.locator("[data-crop-start]")
    expect(button).to_be_enabled()
    button.click()
    box = page.locator("[data-crop-box]")
    expect(box).to_be_visible()
    return box


def start_again(page: Page) -> None:
    """Open the cropper on an image that is already cropped."""
    page.get_by_role("button", name="Cropped to 400×400").click()
    expect(page.locator("[data-crop-box]")).to_be_visible()


def numbers(page: Page) -> list[int]:
    return [
        int(page.locator(f"[data-crop-number={name}]").input_value())
        for name in ("x", "y", "width", "height")
    ]


def drag(page: Page, thing: Locator, dx: float, dy: float) -> None:
    box = thing.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y + dy / 2)
    page.mouse.move(x + dx, y + dy)
    page.mouse.up()


def test_a_corner_is_dragged_and_what_is_left_is_converted(visit: Visit, site: Site) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photo("quarters.png", quarters(600, 400), "image/png"))
    expect(page.locator(".file-note")).to_contain_text("600×400")
    start(page)
    assert numbers(page) == [0, 0, 600, 400]
    frame = page.locator("[data-crop-frame]").bounding_box()
    assert frame
    assert frame["width"] / frame["height"] == pytest.approx(1.5, abs=0.01)
    # Drag the top left corner a little beyond the centre: only white is left.
    drag(page, page.locator("[data-handle=nw]"), frame["width"] * 0.55, frame["height"] * 0.55)
    assert numbers(page) == pytest.approx([330, 220, 270, 180], abs=3)
    page.get_by_role("button", name="Apply crop").click()
    expect(page.locator("[data-crop-start]")).to_contain_text("Cropped to 2")
    after = page.locator(".try .compare-after img")
    page.wait_for_function(
        "image => image.naturalWidth < 290 && image.naturalWidth > 250", arg=after.element_handle()
    )
    color = after.evaluate("""image => {
        const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1});
        canvas.getContext("2d").drawImage(image, 0, 0, 1, 1);
        return [...canvas.getContext("2d").getImageData(0, 0, 1, 1).data];
    }""")
    assert min(color) > 245
    page.locator("[data-submit]").click()
    (recipe,) = recipes(page, site)
    assert list(recipe["crop"].values()) != []
    assert recipe["crop"]["x"] == pytest.approx(330, abs=3)


def test_a_ratio_is_kept_while_the_box_is_moved_by_keys(visit: Visit) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photo("quarters.png", quarters(600, 400), "image/png"))
    box = start(page)
    page.get_by_label("Aspect ratio").select_option("1:1")
    assert numbers(page) == [100, 0, 400, 400]
    box.focus()
    page.keyboard.press("-")
    assert numbers(page) == [105, 5, 390, 390]
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    assert numbers(page) == [102, 10, 390, 390]  # within the image
    drag(page, page.locator("[data-handle=se]"), -60, 0)
    x, y, width, height = numbers(page)
    assert (x, y) == (102, 10)
    assert width == height < 390
    page.get_by_label("Width of the crop").fill("100")
    page.keyboard.press("Enter")
    assert numbers(page) == [102, 10, 100, height]
    assert page.url.endswith("/convert/")  # nothing was submitted


def test_one_crop_is_for_all_and_another_for_one(visit: Visit, site: Site) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(
        [
            photo("wide.png", quarters(600, 400), "image/png"),
            photo("tall.png", quarters(200, 400), "image/png"),
            photo("own.png", quarters(300, 300), "image/png"),
        ]
    )
    start(page)
    page.get_by_label("Aspect ratio").select_option("1:1")
    page.get_by_role("button", name="Show tall.png").click()
    expect(page.locator("[data-crop-number=width]")).to_have_value("200")
    assert numbers(page) == [0, 100, 200, 200]
    page.get_by_role("button", name="Show own.png").click()
    expect(page.locator("[data-crop-number=width]")).to_have_value("300")
    page.get_by_label("Same for all images").uncheck()
    page.locator("[data-crop-number=width]").fill("30")
    page.locator("[data-crop-number=width]").blur()
    page.get_by_role("button", name="Apply crop").click()
    page.locator("[data-submit]").click()
    assert [recipe["crop"] for recipe in recipes(page, site)] == [
        {"x": 100, "y": 0, "width": 400, "height": 400},
        {"x": 0, "y": 100, "width": 200, "height": 200},
        {"x": 0, "y": 0, "width": 30, "height": 300},
    ]


def test_a_photo_that_browsers_do_not_show_is_measured_and_cropped(visit: Visit, site: Site) -> None:
    page = visit()
    page.locator("#id_images").set_input_files([photo("IMG_1.HEIC", HEIC.read_bytes(), "image/heic")])
    facts = raster.probe(HEIC.read_bytes())
    width, height = facts.width, facts.height
    expect(page.locator(".file-note")).to_contain_text(f"{width}×{height}")
    start(page)
    page.get_by_label("Aspect ratio").select_option("1:1")
    side = min(width, height)
    assert numbers(page)[2:] == [side, side]
    page.get_by_role("button", name="Apply crop").click()
    page.locator("[data-submit]").click()
    assert recipes(page, site)[0]["crop"]["width"] == side


@pytest.mark.parametrize("order", ["II", "MM"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_tiff_is_measured(visit: Visit, order: str, orientation: int) -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[274] = orientation
    image = Image.new("RGB", (40, 30))
    image.save(file, "TIFF", exif=exif)
    data = file.getvalue()
    assert data[:2] == b"II"
    if order == "MM":
        from PIL import TiffImagePlugin

        file = io.BytesIO()
        directory = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"MM")
        directory[256], directory[257], directory[274] = 40, 30, orientation
        file.write(b"MM\0*\0\0\0\x08")
        directory.save(file)
        data = file.getvalue()
    page = visit()
    page.locator("#id_images").set_input_files([photo("scan.tif", data, "image/tiff")])
    expect(page.locator(".file-note")).to_contain_text("40×30" if orientation == 1 else "30×40")


def test_a_crop_can_be_undone(visit: Visit, site: Site) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photo("quarters.png", quarters(600, 400), "image/png"))
    start(page)
    page.get_by_label("Aspect ratio").select_option("1:1")
    page.get_by_role("button", name="Apply crop").click()
    start_again(page)
    page.get_by_role("button", name="Whole image").click()
    expect(page.get_by_role("button", name="Crop", exact=True)).to_be_visible()
    page.locator("[data-submit]").click()
    assert "crop" not in recipes(page, site)[0]


@pytest.mark.parametrize("way", ["button", "key"])
def test_cropping_is_cancelled(visit: Visit, site: Site, way: str) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photo("quarters.png", quarters(600, 400), "image/png"))
    start(page)
    page.get_by_label("Aspect ratio").select_option("1:1")
    page.get_by_role("button", name="Apply crop").click()
    start_again(page)
    page.get_by_label("Width of the crop").fill("30")
    page.get_by_label("Width of the crop").blur()
    if way == "key":
        page.locator("[data-crop-box]").press("Escape")
    else:
        page.locator("[data-crop-tools]").get_by_role("button", name="Cancel").click()
    expect(page.locator("[data-crop-box]")).to_have_count(0)
    page.locator("[data-submit]").click()
    assert recipes(page, site)[0]["crop"] == {"x": 100, "y": 0, "width": 400, "height": 400}


def test_crop_and_convert_buttons_are_visible_on_a_phone(visit: Visit) -> None:
    page = visit(width="phone")
    page.locator("#id_images").set_input_files(photo("quarters.png", quarters(600, 400), "image/png"))
    start(page)
    page.wait_for_function("""() => {
        const bar = document.querySelector(".convert-go").getBoundingClientRect();
        const buttons = [...document.querySelectorAll("[data-crop-tools] button")].filter((one) => one.checkVisibility());
        return bar.bottom <= innerHeight && buttons.length === 3 && buttons.every((one) => one.getBoundingClientRect().bottom <= bar.top);
    }""")


def test_numbers_of_the_form_and_the_cropper_do_not_contradict(visit: Visit, site: Site) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photo("quarters.png", quarters(600, 400), "image/png"))
    page.get_by_text("More options").click()
    for name, value in {"x": "10", "y": "20", "width": "30", "height": "40"}.items():
        page.locator(f"[name='outputs-0-crop.{name}']").fill(value)
    start(page)
    assert numbers(page) == [10, 20, 30, 40]
    page.locator("[data-crop-box]").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("[name='outputs-0-crop.x']").input_value() == ""
    page.get_by_role("button", name="Apply crop").click()
    page.locator("[data-submit]").click()
    assert recipes(page, site)[0]["crop"] == {"x": 11, "y": 20, "width": 30, "height": 40}


def test_a_photo_is_cropped_by_touch(visit: Visit) -> None:
    page = visit(width="phone", has_touch=True, is_mobile=True)
    page.locator("#id_images").set_input_files(photo("quarters.png", quarters(600, 400), "image/png"))
    start(page)
    handle = page.locator("[data-handle=se]").bounding_box()
    assert handle
    assert min(handle["width"], handle["height"]) >= 44
    x, y = handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2
    wire = page.context.new_cdp_session(page)
    for kind, points in [
        ("touchStart", [{"x": x, "y": y}]),
        ("touchMove", [{"x": x - 40, "y": y - 30}]),
        ("touchMove", [{"x": x - 80, "y": y - 60}]),
        ("touchEnd", []),
    ]:
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert numbers(page)[2] < 500


def test_the_crop_of_one_image_is_kept_when_all_are_converted_again(visit: Visit, site: Site) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(
        [photo(f"{n}.png", quarters(60 + n, 40), "image/png") for n in range(2)]
    )
    start(page)
    page.get_by_label("Same for all images").uncheck()
    page.get_by_label("Aspect ratio").select_option("1:1")
    page.get_by_role("button", name="Apply crop").click()
    page.locator("[data-submit]").click()
    before = recipes(page, site)
    assert [recipe.get("crop", {}).get("width") for recipe in before] == [40, None]
    wait_until_done(page)
    follow(page.get_by_role("link", name="Convert again with new settings"))
    expect(page.locator("[data-crop-start]")).to_contain_text("Cropped to 40×40")
    page.locator("[data-submit]").click()
    page.wait_for_url(re.compile(r"/batches/[^/]+/$"))
    assert recipes(page, site) == before


def test_the_cropper_is_accessible(visit: Visit) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(
        [photo("a.jpg", make_photo(640, 480)), photo("b.jpg", make_photo(480, 640))]
    )
    start(page)
    page.get_by_label("Aspect ratio").select_option("1:1")
    look(page, "convert cropping")


def test_a_preset_is_replaced_by_another_or_by_typed_values(visit: Visit) -> None:
    page = visit()
    preset = page.get_by_label("Size preset")
    preset.select_option(label="Application photo: 600×800")
    expect(page.get_by_label("Maximum size (KB)")).to_have_value("200")
    preset.select_option(label="Story: 1080×1920")
    expect(page.get_by_label("Maximum size (KB)")).to_have_value("")
    expect(page.get_by_label("Width", exact=True)).to_have_value("1080")
    page.get_by_label("Width", exact=True).fill("900")
    page.get_by_label("Width", exact=True).blur()
    expect(preset).to_have_value("")
    expect(page.get_by_label("Height", exact=True)).to_have_value("1920")
