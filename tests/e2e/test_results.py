"""Viewing and downloading results."""

from __future__ import annotations

import re
import zipfile

import pytest
from playwright.sync_api import Download, FilePayload, Page, expect

from tests.conftest import make_photo
from tests.e2e.page_checks import look
from tests.e2e.site import Site, Visit, convert, follow, photo

SHARE_SHEET = """
    navigator.canShare = ({files}) => files.length > 0;
    navigator.share = async ({files}) => { window.shared = await Promise.all(files.map(async (file) => [file.name, file.type, (await file.arrayBuffer()).byteLength])); };
"""

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_cards_show_results_and_the_originals_on_request(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.get_by_label("Width", exact=True).fill("40")
    convert(page, photos)
    shown = page.locator(".image-pic").first
    expect(shown.locator(".is-result")).to_be_visible()
    page.wait_for_function(
        "image => image.naturalWidth === 40", arg=shown.locator(".is-result").element_handle()
    )
    expect(shown.locator(".is-original")).to_be_hidden()
    page.get_by_label("Show originals").check()
    expect(shown.locator(".is-result")).to_be_hidden()
    expect(shown.locator(".is-original")).to_be_visible()


def test_the_end_is_told_to_screen_readers_once_in_a_place_that_stays(visit: Visit, site: Site) -> None:
    page = visit()
    page.clock.install()
    convert(page, [photo("a.jpg", make_photo(320, 200))])
    job = page.locator(".job").get_attribute("id").removeprefix("job-")  # type: ignore[union-attr]
    for address in (page.url, f"/jobs/{job}/"):
        site.set("converter_job", job, status="processing")
        page.goto(address)
        place = page.locator("main > [role=status]")
        place.evaluate("place => { window.place = place; }")
        expect(place).to_be_empty()
        site.set("converter_job", job, status="finished")
        expect(place).to_have_text(re.compile("[Dd]one"))
        said = place.inner_text()
        assert place.evaluate("place => place === window.place")
        page.clock.fast_forward(10_000)
        expect(place).to_be_empty()
        assert read_aloud(page).count(said) <= 1


def read_aloud(page: Page) -> list[str]:
    """Return the texts that a screen reader finds on the page."""
    nodes = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    return [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "StaticText"]


@pytest.mark.parametrize("known", [True, False])
def test_a_zip_downloads_without_another_page(visit: Visit, photos: list[FilePayload], known: bool) -> None:
    page = visit(at="/convert/" if known else "/", known=known)
    convert(page, photos)
    address = page.url
    with page.expect_download() as download:
        page.get_by_role("link", name="Download all (ZIP)").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert len(archive.namelist()) == 4
    assert page.url == address
    expect(page.get_by_role("link", name="Download all (ZIP)")).to_be_visible()


def shared(page: Page) -> str:
    """Share the whole batch on the page; return the link."""
    page.get_by_role("link", name="Share").click()
    page.get_by_role("button", name="Create link").click()
    return page.locator(".shares a").first.get_attribute("href") or ""


def test_a_stranger_downloads_everything_shared(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    convert(page, photos)
    link = shared(page)
    stranger = visit(at=link, known=False)
    with stranger.expect_download() as download:
        stranger.get_by_role("link", name="Download all (ZIP)").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == [f"photo {n}.webp" for n in range(3)]
    assert stranger.url.endswith(link)
    saved: list[Download] = []
    stranger.on("download", lambda download: saved.append(download))
    with stranger.expect_event("download", lambda _: len(saved) == 3):
        stranger.get_by_role("button", name="Save each file").click()
    assert [one.suggested_filename for one in saved] == [f"photo {n}.webp" for n in range(3)]
    stranger.set_viewport_size({"width": 320, "height": 700})
    look(stranger, "shared images")
    plain = visit(at=link, known=False, scripts=False)
    with plain.expect_download() as download:
        plain.get_by_role("link", name="Download all (ZIP)").click()
    assert download.value.suggested_filename.startswith("images-")


def test_a_phone_sends_what_is_shared_to_an_app(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    convert(page, photos)
    stranger = visit(known=False, width="phone")
    stranger.add_init_script(SHARE_SHEET)
    stranger.goto(shared(page))
    stranger.get_by_role("button", name="Share with an app").click()
    stranger.wait_for_function("() => window.shared !== undefined")
    assert [name for name, *_ in stranger.evaluate("window.shared")] == [f"photo {n}.webp" for n in range(3)]


def test_each_file_is_saved(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    convert(page, photos)
    saved: list[Download] = []
    page.on("download", lambda download: saved.append(download))
    with page.expect_event("download", lambda _: len(saved) == 3):
        page.get_by_role("button", name="Save each file").click()
    assert sorted(one.suggested_filename for one in saved) == [f"photo {n}.webp" for n in range(3)]


def test_a_phone_sends_results_to_an_app(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit(width="phone")
    page.add_init_script(SHARE_SHEET)
    convert(page, photos)
    page.get_by_role("button", name="Share with an app").click()
    page.wait_for_function("() => window.shared !== undefined")
    shared = page.evaluate("window.shared")
    assert [(name, kind) for name, kind, _ in shared] == [(f"photo {n}.webp", "image/webp") for n in range(3)]
    assert all(size > 100 for _, _, size in shared)


def test_arrow_keys_move_between_results(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    convert(page, photos)
    follow(page.get_by_role("link", name="Compare photo 1.jpg"))
    for key, name in [("ArrowRight", "photo 2.jpg"), ("ArrowLeft", "photo 1.jpg")]:
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name=name)).to_be_visible()
        page.wait_for_load_state()
    with page.expect_download() as download:
        page.keyboard.press("d")
    assert download.value.suggested_filename == "photo 1.webp"


def test_many_results_fit_a_compact_list(visit: Visit) -> None:
    page = visit()
    convert(page, [photo(f"holiday {n:02}.jpg", make_photo(120 + n, 90)) for n in range(12)])
    high = "document.documentElement.scrollHeight"
    before = page.evaluate(high)
    page.get_by_label("Compact list").check()
    assert page.evaluate(high) < before * 0.8
    look(page, "batch, compact")
