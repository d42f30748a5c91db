"""Files that cannot be converted are marked before conversion."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import make_photo
from tests.e2e.site import Visit, photo

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_files_that_are_no_images_are_marked_with_the_reason(visit: Visit) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(
        [
            photo("photo.jpg", make_photo(320, 240)),
            photo("notes.jpg", b"Dear diary, this is no picture. " * 20),
            photo("list.png", b"milk, bread, butter\n" * 20, "image/png"),
        ]
    )
    for name in ("notes.jpg", "list.png"):
        row = page.locator(".file-row", has_text=name)
        expect(row).to_have_class(re.compile("is-bad"))
        expect(row.locator(".file-note")).to_contain_text("not an image")
    expect(page.locator("[data-go-note]")).to_contain_text("2 can't be converted")
    expect(page.locator(".file-row", has_text="photo.jpg")).not_to_have_class(re.compile("is-bad"))
    page.get_by_role("button", name="Remove notes.jpg").click()
    expect(page.locator("[data-go-note]")).to_contain_text("1 can't be converted")


def test_damaged_files_are_marked_before_they_are_converted(visit: Visit) -> None:
    whole, scan = make_photo(640, 480), make_photo(300, 200, "TIFF")
    page = visit()
    page.locator("#id_images").set_input_files(
        [
            photo("cut.jpg", whole[: len(whole) // 2]),
            photo("photo.jpg", whole),
            photo("scan.tif", scan, "image/tiff"),
            photo("cut.tif", scan[: len(scan) // 2], "image/tiff"),
        ]
    )
    for name in ("cut.jpg", "cut.tif"):
        row = page.locator(".file-row", has_text=name)
        expect(row).to_have_class(re.compile("is-bad"))
        expect(row.locator(".file-note")).to_contain_text("The end of this file is missing.")
    expect(page.locator("[data-go-note]")).to_contain_text("2 can't be converted")
    expect(page.locator(".file-row.is-bad")).to_have_count(2)


def test_a_tiff_that_lost_the_directory_at_its_end_is_marked(visit: Visit) -> None:
    scan = make_photo(300, 200, "TIFF")
    assert scan.startswith(b"II*\0")
    page = visit()
    page.locator("#id_images").set_input_files(
        [
            photo("photo.jpg", make_photo(320, 240)),
            photo("cut.tif", scan[:4] + len(scan).to_bytes(4, "little") + scan[8:], "image/tiff"),
        ]
    )
    row = page.locator(".file-row", has_text="cut.tif")
    expect(row).to_have_class(re.compile("is-bad"))
    expect(row.locator(".file-note")).to_contain_text("The end of this file is missing.")


def test_the_image_in_sight_is_marked_too(visit: Visit) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(
        [photo("icon.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")]
    )
    expect(page.locator(".file-row")).to_have_class(re.compile("is-bad"))
    expect(page.locator(".file-note")).to_contain_text("SVG")
    expect(page.locator("[data-try]")).to_be_hidden()


@pytest.mark.parametrize("width", ["phone", "desktop"])
def test_of_many_images_the_list_shows_first_what_cannot_be_converted(visit: Visit, width: str) -> None:
    page = visit(width=width)
    page.locator("#id_images").set_input_files(
        [
            *(photo(f"photo {number}.jpg", make_photo(64 + number)) for number in range(8)),
            photo("icon.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        ]
    )
    expect(page.locator(".file-row.is-bad")).to_be_visible()
    bad, first, add, bar = (
        page.locator(part).first.evaluate("part => part.getBoundingClientRect().toJSON()")
        for part in (".file-row.is-bad", ".file-row", ".drop", ".convert-go")
    )
    assert bad["y"] <= first["y"]
    names = page.locator(".file-row .file-name")
    expect(names).to_have_text(["icon.svg", *(f"photo {number}.jpg" for number in range(8))])
    if width == "desktop":
        assert add["bottom"] <= bar["top"]
