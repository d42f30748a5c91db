"""Several images joined into one PDF: chosen, ordered, converted and checked."""

from __future__ import annotations

import io
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, expect

from tests.conftest import make_photo
from tests.e2e.page_checks import look
from tests.e2e.site import Visit, follow, photo, wait_until_done

pytestmark = pytest.mark.browser

COLORS = {"red.png": "red", "green.png": "lime", "blue.png": "blue"}


def scan(name: str, color: str, size: tuple[int, int] = (90, 120)) -> FilePayload:
    data = io.BytesIO()
    Image.new("RGB", size, color).save(data, "PNG")
    return photo(name, data.getvalue(), "image/png")


def choose(page: Page, names: list[str]) -> None:
    page.locator("#id_images").set_input_files([scan(name, COLORS[name]) for name in names])
    page.locator("[name='outputs-0-format']").select_option("pdf")
    expect(page.get_by_label("One PDF with all images")).to_be_checked()


def pages_of(path: Path) -> list[str]:
    """Return the colour of each page, as rendered by poppler."""
    found = []
    for number in (1, 2, 3):
        args = ["pdftoppm", "-r", "20", "-f", str(number), "-l", str(number), str(path)]
        drawn = Image.open(io.BytesIO(subprocess.run(args, capture_output=True, check=True).stdout))
        pixel = drawn.convert("RGB").getpixel((drawn.width // 2, drawn.height // 2))
        assert isinstance(pixel, tuple)
        found.append(("red", "green", "blue")[pixel.index(max(pixel))])
    return found


def test_images_become_one_pdf_in_the_order_that_they_were_put_in(visit: Visit) -> None:
    """Choosing files counts as two clicks, anything else as one."""
    page = visit()
    page.set_viewport_size({"width": 1440, "height": 1300})  # so that the whole list is visible
    begun = time.monotonic()
    choose(page, ["red.png", "green.png", "blue.png"])  # 3
    up = page.get_by_role("button", name="Move blue.png up")
    expect(up).to_be_visible()
    up.focus()
    page.keyboard.press("Enter")
    expect(up).to_be_focused()
    page.keyboard.press("Enter")
    names = page.locator("[data-rows] .file-name")
    expect(names).to_have_text(["blue.png", "red.png", "green.png"])
    expect(page.locator("[data-moved]")).to_have_text("blue.png: 1 of 3")
    rows = page.locator("[data-rows] .file-row")
    rows.nth(2).drag_to(rows.nth(0), target_position={"x": 60, "y": 4})
    expect(page.locator("[data-moved]")).to_have_text("green.png: 1 of 3")
    expect(names).to_have_text(["green.png", "blue.png", "red.png"])
    expect(page.locator("[data-submit]")).to_have_text("Join 3 images into one PDF")
    page.locator("[data-submit]").click()  # 4, without ordering
    wait_until_done(page)
    expect(page.locator("h1")).to_contain_text("3 images, 1 result")
    expect(page.locator(".sheets li")).to_have_count(3)
    look(page, "document")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PDF").click()  # 5
    assert download.value.suggested_filename == "green.pdf"
    assert pages_of(download.value.path()) == ["green", "blue", "red"]
    print(f"images to one PDF: 5 clicks, {time.monotonic() - begun:.1f} s")


@pytest.mark.slow
def test_a_document_is_made_again_in_another_order(visit: Visit) -> None:
    page = visit()
    choose(page, ["green.png", "blue.png", "red.png"])
    look(page, "document to be made")
    page.locator("[data-submit]").click()
    wait_until_done(page)
    follow(page.get_by_role("link", name="Details"))
    expect(page.locator(".sheets li")).to_have_count(3)
    look(page, "pages of a document")
    follow(page.get_by_role("link", name="Convert again"))
    expect(page.locator(".file-row .file-name").first).to_have_text("green.png")
    expect(page.get_by_label("One PDF with all images")).to_be_checked()
    page.get_by_role("button", name="Move green.png down").click()
    page.locator("[data-submit]").click()
    wait_until_done(page)
    expect(page.locator(".image-name")).to_have_text("blue.pdf")


@pytest.mark.slow
def test_a_document_continues_without_a_bad_image(visit: Visit) -> None:
    page = visit()
    bad = photo(
        "bad.jpg", make_photo(400, 300)[:3000]
    )  # not marked in advance: browsers draw the intact part
    page.locator("#id_images").set_input_files([scan("a.png", "red"), bad, scan("c.png", "blue")])
    page.locator("[name='outputs-0-format']").select_option("pdf")
    page.locator("[data-submit]").click()
    wait_until_done(page)
    expect(page.locator(".job-error")).to_contain_text("bad.jpg: ")
    look(page, "document with a bad image")
    follow(page.get_by_role("link", name="Convert without it"))
    expect(page.locator(".file-row .file-name")).to_have_text(["a.png", "c.png"])
    page.locator("[data-submit]").click()
    wait_until_done(page)
    expect(page.locator(".image-what .job-line")).to_have_text("2 images · 2 pages")


@pytest.mark.slow
def test_the_choice_is_offered_only_where_it_makes_sense(visit: Visit) -> None:
    page = visit()
    box = page.get_by_label("One PDF with all images")
    expect(box).to_be_hidden()
    page.locator("#id_images").set_input_files([scan("a.png", "red"), scan("b.png", "blue")])
    expect(box).to_be_hidden()
    page.locator("[name='outputs-0-format']").select_option("pdf")
    expect(box).to_be_visible()
    box.uncheck()
    expect(page.get_by_role("button", name="Move a.png up")).to_be_hidden()
    page.locator("[data-submit]").click()
    wait_until_done(page)
    expect(page.locator(".image-jobs .job")).to_have_count(2)


@pytest.mark.slow
def test_a_document_needs_no_script(visit: Visit) -> None:
    page = visit(scripts=False)
    page.locator("#id_images").set_input_files([scan(name, COLORS[name]) for name in COLORS])
    page.locator("[name='outputs-0-format']").select_option("pdf")
    page.get_by_role("button", name="Convert", exact=True).click()
    page.wait_for_url("**/batches/*/")
    expect(page.locator(".sheets li")).to_have_count(3)


@pytest.mark.slow
def test_each_page_of_a_scan_becomes_a_file(visit: Visit) -> None:
    page = visit()
    first, *others = [Image.new("RGB", (90, 120), color) for color in COLORS.values()]
    data = io.BytesIO()
    first.save(data, "TIFF", save_all=True, append_images=others)
    page.locator("#id_images").set_input_files(photo("scan.tif", data.getvalue(), "image/tiff"))
    page.locator("[name='outputs-0-format']").select_option("png")
    page.get_by_text("More options").first.click()
    page.locator("[name='outputs-0-pages']").fill("2-")
    page.locator("[name='outputs-0-frames']").select_option(label="Each as a file")
    page.get_by_role("button", name="Convert to PNG").click()
    wait_until_done(page)
    rows = page.locator(".image-jobs .job")
    expect(rows).to_have_count(2)
    expect(rows.nth(1)).to_contain_text("Pages selected: 3 of 3")
    look(page, "pages as files")
    with page.expect_download() as download:
        rows.nth(1).get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "scan-003.png"
    with Image.open(download.value.path()) as image:
        assert image.convert("RGB").getpixel((5, 5)) == (0, 0, 255)
