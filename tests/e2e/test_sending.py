"""Choosing and sending files, also with an interrupted network."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlparse

import pytest
from playwright.sync_api import FilePayload, Request, Route, expect

from tests.conftest import make_photo
from tests.e2e.site import Visit, convert, expect_a_warning_about_leaving, photo, wait_until_done

pytestmark = pytest.mark.browser


def test_refused_files_are_reported_before_they_are_sent(visit: Visit, tmp_path: Path) -> None:
    page = visit()
    for name, content in {"good.jpg": make_photo(), "empty.jpg": b"", "letter.txt": b"Dear"}.items():
        (tmp_path / name).write_bytes(content)
    page.locator("#id_images").set_input_files(
        [tmp_path / name for name in ("good.jpg", "empty.jpg", "letter.txt")]
    )
    page.locator("#id_images").set_input_files([tmp_path / "good.jpg"])
    expect(page.locator(".file-row.is-bad")).to_have_count(3)
    expect(page.get_by_text("This file is empty.")).to_be_visible()
    expect(page.get_by_text("We can't read this file as an image.")).to_be_visible()
    expect(page.get_by_text("This file is already in the list.")).to_be_visible()
    expect(page.get_by_text("1 image,")).to_be_visible()
    page.get_by_role("button", name="Remove empty.jpg").click()
    expect(page.get_by_text("This file is empty.")).to_have_count(0)
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")
    expect(page.locator(".job")).to_have_count(1)


def test_choosing_nothing_is_reported(visit: Visit) -> None:
    page = visit()
    page.locator("[data-submit]").click()
    expect(page.get_by_text("Choose at least one image first.")).to_be_visible()


def test_an_upload_that_breaks_off_is_sent_again(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.route("**/uploads", lambda route: route.abort())
    page.locator("#id_images").set_input_files(photos[:1])
    page.locator("[data-submit]").click()
    expect(page.get_by_text("Upload failed: connection lost.")).to_be_visible()
    page.unroute("**/uploads")
    page.locator(".file-row.is-bad").get_by_role("button", name="Retry").click()
    page.wait_for_url("**/batches/*/")
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()


def test_files_are_sent_while_the_options_are_chosen(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    sent: list[Request] = []
    page.on("requestfinished", lambda request: sent.append(request))
    page.locator("#id_images").set_input_files(photos)
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    page.wait_for_function(
        "count => performance.getEntriesByType('resource').filter(({name}) => name.endsWith('/uploads')).length === count",
        arg=3,
    )
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()
    expect(page.locator(".job")).to_have_count(3)
    assert [urlparse(request.url).path for request in sent].count("/uploads") == 3


def test_a_file_that_is_removed_is_deleted_at_the_site(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photos[:1])
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    with page.expect_response(lambda response: response.request.method == "DELETE") as answer:
        page.get_by_role("button", name="Remove photo 0.jpg").click()
    assert answer.value.status == 204


def test_files_of_a_page_that_is_left_are_deleted_at_the_site(
    visit: Visit, photos: list[FilePayload]
) -> None:
    page = visit()
    with page.expect_response("**/uploads/forms") as answer:
        page.locator("#id_images").set_input_files(photos[:1])
    upload = answer.value.json()["uploads"][0]["id"]
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    page.goto("/formats/")  # requests made while a page is being left are not observable
    page.wait_for_function(
        "async address => (await fetch(address)).status === 404", arg=f"/api/v1/uploads/{upload}/metadata"
    )


@pytest.mark.slow
def test_a_refused_file_is_not_announced_again_after_each_change(
    visit: Visit, photos: list[FilePayload]
) -> None:
    page = visit()
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=429, json={"code": "quota_exceeded", "params": {"kind": "bytes", "most": 1000}})

    page.route("**/uploads/forms", refuse)
    page.locator("#id_images").set_input_files(photos[:1])
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    before = len(asked)
    for side in ("100", "90", "80"):
        width = page.locator("[name='outputs-0-resize.width']")
        width.fill(side)
        with page.expect_response("**/api/v1/convert"):
            width.press("Tab")
    assert len(asked) == before
    page.locator("[data-submit]").click()
    expect(page.get_by_text("Your files would need more than")).to_be_visible()
    assert len(asked) == before + 1


@pytest.mark.slow
def test_a_retry_is_waited_for_when_the_others_are_done(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    held: list[Route] = []
    page.route("**/uploads", lambda route: held.append(route))
    page.locator("#id_images").set_input_files(photos)
    page.locator("[data-submit]").click()
    while len(held) < 3:
        page.wait_for_timeout(10)
    held[0].abort()
    with page.expect_request("**/uploads"):
        page.locator(".file-row.is-bad").get_by_role("button", name="Retry").click()
    held[1].continue_()
    held[2].continue_()
    expect(page.locator(".file-row.is-sent")).to_have_count(2)
    held[3].continue_()
    page.wait_for_url("**/batches/*/")
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()


@pytest.mark.slow
def test_uploads_resume_when_the_network_is_back(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.route("**/uploads", lambda route: route.abort())
    page.locator("#id_images").set_input_files(photos)
    page.locator("[data-submit]").click()
    expect(page.get_by_role("button", name="Retry all")).to_be_visible()
    expect(page.locator(".file-row.is-bad")).to_have_count(3)
    page.unroute("**/uploads")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_url("**/batches/*/")
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()


def test_a_lost_response_creates_no_second_batch(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    lost: list[int] = []

    def lose_once(route: Route) -> None:
        answer = route.fetch()
        if lost:
            route.fulfill(response=answer)
        else:
            lost.append(answer.status)
            route.abort()

    page.route("**/api/v1/batches", lose_once)
    page.locator("#id_images").set_input_files(photos[:1])
    page.locator("[data-submit]").click()
    expect(page.get_by_text("Can't reach the site.")).to_be_visible()
    page.locator("[data-submit]").dblclick()
    wait_until_done(page)
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()
    assert lost == [201]
    page.goto("/batches/")
    expect(page.locator(".entry")).to_have_count(1)


@pytest.mark.slow
def test_a_form_that_expired_is_renewed(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    refused: list[Route] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route)
            route.fulfill(status=403, json={"code": "form_expired"})

    page.route("**/uploads", refuse_once)
    convert(page, photos)
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()
    assert refused


def test_leaving_while_sending_is_warned_about(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    held: list[Route] = []
    page.route("**/uploads", lambda route: held.append(route))
    page.locator("#id_images").set_input_files([photos[0]])
    page.locator("[data-submit]").click()
    expect(page.get_by_role("progressbar", name="photo 0.jpg")).to_be_visible()
    expect_a_warning_about_leaving(page)
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.wait_for_url("**/batches/*/")
    expect(page.locator(".job.is-cancelled")).to_have_count(1)


def test_a_paste_and_a_drop(visit: Visit) -> None:
    page = visit()
    give = """([type, name]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(100)], name, {type: "image/png"}));
        const event = type === "paste"
            ? new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true})
            : new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true});
        document.body.dispatchEvent(event);
    }"""
    page.evaluate(give, ["paste", "pasted.png"])
    page.evaluate(give, ["drop", "dropped.png"])
    expect(page.get_by_text("pasted.png")).to_be_visible()
    expect(page.get_by_text("dropped.png")).to_be_visible()


def test_the_camera_of_a_phone(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit(width="phone", has_touch=True, is_mobile=True)
    expect(page.get_by_text("Take a photo")).to_be_visible()
    for nothing_for_a_phone in ("Drop images or folders here", "Choose a folder", "or paste an image"):
        expect(page.get_by_text(nothing_for_a_phone)).to_be_hidden()
    for shot in photos[:2]:
        page.locator("#id_camera").set_input_files(shot)
    expect(page.locator(".file-row")).to_have_count(2)


def test_a_folder(visit: Visit, tmp_path: Path) -> None:
    page = visit()
    (tmp_path / "inner").mkdir()
    (tmp_path / "one.jpg").write_bytes(make_photo())
    (tmp_path / "inner" / "two.jpg").write_bytes(make_photo(60, 40))
    page.locator("#id_folder").set_input_files(tmp_path)
    expect(page.locator(".file-row")).to_have_count(2)


@pytest.mark.slow
def test_an_upload_left_behind_is_sent_from_its_page(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.route("**/uploads", lambda route: route.abort())
    page.locator("#id_images").set_input_files([photos[0]])
    page.locator("[data-submit]").click()
    page.get_by_role("link", name="Skip them").click()
    expect(page.get_by_text("Waiting for uploads.")).to_be_visible()
    page.get_by_role("link", name="Upload again").click()
    page.locator("#id_file").set_input_files(photos[0])
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("link", name="Download WebP")).to_be_visible()


@pytest.mark.slow
def test_limits_are_reported_before_anything_is_sent(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.route(
        "**/convert/",
        lambda route: route.fulfill(
            response=(answer := route.fetch()),
            body=re.sub(
                'data-max-bytes="[0-9]+" data-max-files="[0-9]+"',
                'data-max-bytes="100000" data-max-files="2"',
                answer.text(),
            ),
        ),
    )
    page.goto("/convert/")
    large = photo("large.bmp", b"x" * 100_001, "image/bmp")
    page.locator("#id_images").set_input_files([large, *photos])
    expect(page.get_by_text("Larger than the 100 KB limit.")).to_be_visible()
    expect(page.get_by_text("A batch can have up to 2 images.")).to_be_visible()
    expect(page.locator(".file-row:not(.is-bad)")).to_have_count(2)


def test_pictures_of_one_name_in_two_folders_are_two(visit: Visit, tmp_path: Path) -> None:
    page = visit()
    for year, height in (("2023", 40), ("2024", 41)):
        (tmp_path / year).mkdir()
        path = tmp_path / year / "IMG_0001.bmp"
        path.write_bytes(make_photo(40, height, "BMP")[: 40 * 40 * 3])
        os.utime(path, (1_700_000_000, 1_700_000_000))
    page.locator("#id_folder").set_input_files(tmp_path)
    expect(page.locator(".file-row:not(.is-bad)")).to_have_count(2)
    page.locator("#id_folder").set_input_files(tmp_path)
    expect(page.get_by_text("This file is already in the list.")).to_have_count(2)
