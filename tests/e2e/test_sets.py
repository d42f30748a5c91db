"""Sets for developers: formats × widths, file names, their HTML."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.conftest import make_photo
from tests.e2e.page_checks import look
from tests.e2e.site import Visit, photo, wait_until_done

pytestmark = pytest.mark.browser


@pytest.mark.slow
def test_a_folder_keeps_its_folders_and_a_pattern_names_the_files(visit: Visit, tmp_path: Path) -> None:
    for name in ("trip/day1/a.jpg", "trip/day2/a.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(make_photo(40, 30))
    page = visit()
    page.locator("#id_folder").set_input_files(tmp_path / "trip")
    expect(page.locator(".file-row:not(.is-bad)")).to_have_count(2)
    page.get_by_label("File names").fill("{nmae}")
    page.locator("[data-submit]").click()
    expect(page.locator("[data-names] .error")).to_contain_text("Unknown part {nmae}.")
    page.get_by_label("File names").fill("{name}-{width}")
    page.locator("[data-submit]").click()
    wait_until_done(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all (ZIP)").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert {"trip/day1/a-40.webp", "trip/day2/a-40.webp"} <= set(archive.namelist())


@pytest.mark.slow
def test_invalid_widths_are_reported_immediately(visit: Visit) -> None:
    page = visit()
    page.get_by_text("Formats × widths").click()
    widths, make = page.get_by_label("Widths in pixels"), page.locator("[data-matrix-make]")
    error = page.locator("[data-matrix] .error")
    for wrong, told in [
        ("480, wide", "Enter whole numbers"),
        ("70000", "Enter whole numbers"),
        ("", "Enter whole numbers"),
        ("1,2,3,4,5,6,7,8,9,10,11", "this would make 33"),
    ]:
        widths.fill(wrong)
        make.click()
        expect(error).to_contain_text(told)
        expect(widths).to_be_focused()
        expect(widths).to_have_attribute("aria-invalid", "true")
    widths.fill("100")
    expect(error).to_be_empty()
    for name in ("JPEG", "WebP", "AVIF"):
        page.locator("[data-matrix]").get_by_label(name, exact=True).uncheck()
    make.click()
    expect(error).to_contain_text("Choose at least one format")
    page.locator("[data-matrix]").get_by_label("PNG").check()
    make.click()
    expect(page.locator("[data-output-says]")).to_contain_text("PNG · 100 px")


@pytest.mark.slow
def test_many_outputs_are_accessible(visit: Visit) -> None:
    page = visit()
    page.get_by_text("Formats × widths").click()
    look(page, "convert matrix")
    page.get_by_role("button", name="Make 9 outputs").click()
    expect(page.locator("[data-output]")).to_have_count(9)
    page.locator("[data-output-fold] > summary").nth(3).click()
    look(page, "convert nine outputs")


@pytest.mark.slow
def test_a_set_is_saved_as_a_recipe_and_used_again(visit: Visit) -> None:
    page = visit()
    page.get_by_text("Formats × widths").click()
    for name in ("AVIF", "WebP"):
        page.locator("[data-matrix]").get_by_label(name, exact=True).uncheck()
    page.locator("[data-matrix]").get_by_label("PNG").check()
    page.get_by_label("Widths in pixels").fill("20, 30")
    page.get_by_role("button", name="Make 4 outputs").click()
    expect(page.locator("[data-output]")).to_have_count(4)
    page.get_by_text("Save as recipe").click()
    page.get_by_label("Name", exact=True).fill("Tiny set")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-saved]")).to_have_text("“Tiny set” saved as a recipe.")

    page.goto("/convert/")
    page.get_by_role("link", name="Tiny set").click()
    expect(page.locator("[data-output]")).to_have_count(4)
    page.locator("#id_images").set_input_files([photo("a.jpg", make_photo(40, 30))])
    page.locator("[data-submit]").click()
    wait_until_done(page)
    expect(page.locator(".job.is-finished")).to_have_count(4)
    names = [link.get_attribute("data-result") for link in page.locator("[data-result]").all()]
    assert {"a-20.jpg", "a-30.jpg", "a-20.png", "a-30.png"} <= set(names)
