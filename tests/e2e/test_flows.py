"""What people do on the site, from end to end."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Dialog, FilePayload, Page, Route, expect

from tests.conftest import make_photo
from tests.e2e.site import Site, convert, photo, sign_up
from tests.server import ROOT

pytestmark = pytest.mark.browser

Visit = Callable[..., Page]
HEIC = ROOT / "tests/engine/files/phone.heic"


@pytest.mark.parametrize("width", ["desktop", "phone"])
def test_from_sign_up_to_download(visit: Visit, photos: list[FilePayload], width: str) -> None:
    page = visit(width=width, known=False)
    sign_up(page)
    page.get_by_label("Width", exact=True).fill("100")
    page.get_by_role("button", name="Add another output").click()
    expect(page.get_by_role("heading", name="Output 2")).to_be_visible()
    convert(page, photos)
    expect(page.get_by_text("All done.")).to_be_visible()
    expect(page.locator(".job.is-finished")).to_have_count(6)

    with page.expect_download() as download:
        page.get_by_role("link", name="Download photo 0.webp").click()
    assert download.value.suggested_filename == "photo 0.webp"
    with Image.open(download.value.path()) as image:
        assert (image.format, image.width) == ("WEBP", 100)

    with page.expect_download() as download:
        page.get_by_role("link", name="Download all (ZIP)").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert len(archive.namelist()) == 7


@pytest.mark.parametrize("width", ["desktop", "phone"])
def test_the_same_without_scripts(visit: Visit, photos: list[FilePayload], width: str) -> None:
    page = visit(scripts=False, width=width, known=False)
    sign_up(page)
    page.get_by_role("button", name="Add another output").click()
    page.locator("#id_outputs-1-format").select_option("png")
    page.locator("#id_images").set_input_files(photos)
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")
    expect(page.get_by_text("All done.")).to_be_visible(timeout=20_000)  # the page loads itself again
    page.get_by_role("link", name="Compare photo 0.jpg").first.click()
    expect(page.locator(".compare-frame img")).to_have_count(2, timeout=20_000)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download WebP").click()
    with Image.open(download.value.path()) as image:
        assert image.format == "WEBP"


def test_what_cannot_be_taken_is_said_before_it_is_sent(visit: Visit, tmp_path: Path) -> None:
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


def test_nothing_chosen_is_said(visit: Visit) -> None:
    page = visit()
    page.locator("[data-submit]").click()
    expect(page.get_by_text("Choose at least one image first.")).to_be_visible()


def test_a_contradiction_is_shown_at_its_field(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.locator("#id_images").set_input_files([photos[0]])
    page.get_by_label("Quality", exact=True).fill("50")
    page.get_by_text("More options").click()
    page.get_by_label("Lossless").check()
    page.locator("[data-submit]").click()
    expect(page.locator("[data-field=quality] .error")).to_contain_text("Lossless keeps every pixel")
    page.get_by_label("Lossless").uncheck()
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")


def test_an_upload_that_breaks_off_is_sent_again(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    broken: list[Route] = []

    def break_once(route: Route) -> None:
        if broken:
            route.continue_()
        else:
            broken.append(route)
            route.abort()

    page.route("**/storage/uploads", break_once)
    page.locator("#id_images").set_input_files(photos)
    page.locator("[data-submit]").click()
    expect(page.get_by_text("Upload failed: connection lost.")).to_be_visible()
    page.locator(".file-row.is-bad").get_by_role("button", name="Retry").click()
    page.wait_for_url("**/batches/*/")
    expect(page.get_by_text("All done.")).to_be_visible(timeout=20_000)


def test_what_was_not_sent_is_sent_when_the_network_is_back(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.route("**/storage/uploads", lambda route: route.abort())
    page.locator("#id_images").set_input_files(photos)
    page.locator("[data-submit]").click()
    expect(page.get_by_role("button", name="Retry all")).to_be_visible()
    expect(page.locator(".file-row.is-bad")).to_have_count(3)
    page.unroute("**/storage/uploads")
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.wait_for_url("**/batches/*/")
    expect(page.get_by_text("All done.")).to_be_visible(timeout=20_000)


def test_a_lost_answer_makes_no_second_batch(visit: Visit, photos: list[FilePayload]) -> None:
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
    page.wait_for_url("**/batches/*/")
    expect(page.get_by_text("All done.")).to_be_visible(timeout=20_000)
    assert lost == [201]
    page.goto("/batches/")
    expect(page.locator(".entry")).to_have_count(1)


def test_a_form_that_expired_is_renewed(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    refused: list[Route] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route)
            route.fulfill(status=403, json={"code": "form_expired"})

    page.route("**/storage/uploads", refuse_once)
    convert(page, photos)
    expect(page.get_by_text("All done.")).to_be_visible()
    assert refused


def test_leaving_while_sending_is_warned_about(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    held: list[Route] = []
    page.route("**/storage/uploads", lambda route: held.append(route))
    page.locator("#id_images").set_input_files([photos[0]])
    page.locator("[data-submit]").click()
    expect(page.get_by_role("progressbar", name="photo 0.jpg")).to_be_visible()
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", stay)
    page.evaluate("setTimeout(() => location.assign('/recipes/'))")
    page.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    assert page.url.endswith("/convert/")
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


def test_partly_failed_then_tried_again(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    cut = photo("cut.jpg", make_photo(400, 300)[:3000])
    convert(page, [*photos[:1], cut])
    expect(page.get_by_text("1 of 2 finished.")).to_be_visible()
    expect(page.locator(".job.is-failed .job-error")).to_contain_text("Send it again")
    page.get_by_role("button", name="Retry failed").click()
    expect(page.get_by_text("Retrying 1 job.")).to_be_visible()
    page.locator("#batch:not([hx-get])").wait_for()
    page.locator(".job-error a").click()
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()


def test_compare_by_keyboard_and_by_hand(visit: Visit) -> None:
    page = visit()
    page.locator("#id_outputs-0-format").select_option("tiff")
    convert(page, [photo("big.jpg", make_photo(1600, 1200))])
    page.get_by_role("link", name="Compare big.jpg").click()
    compare = page.locator(".compare.is-live")
    compare.wait_for()
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
    loaded = frame.locator("img").evaluate_all(
        "images => images.map((image) => image.complete && image.naturalWidth)"
    )
    assert all(loaded), loaded


def tab_to(page: Page, words: str) -> None:
    """Press Tab until what has the focus begins with these words, by its text or its label."""
    focused = """() => {
        const one = document.activeElement;
        return (one.textContent.trim() || one.labels?.[0]?.textContent.trim()) ?? "";
    }"""
    seen = []
    for _ in range(80):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(focused))
        if seen[-1].startswith(words):
            return
    pytest.fail(f"Tab does not lead to {words!r}, only to {seen}")


def test_an_image_is_converted_by_keyboard_alone(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photos[:1])
    tab_to(page, "For e-mail")
    page.keyboard.press("Enter")
    expect(page.locator("#id_outputs-0-format")).to_have_value("jpeg")
    tab_to(page, "Convert")
    page.keyboard.press("Enter")
    page.wait_for_url("**/batches/*/")
    page.locator("#batch:not([hx-get])").wait_for()
    tab_to(page, "Compare")
    page.keyboard.press("Enter")
    page.locator(".compare.is-live").wait_for()
    tab_to(page, "How much of the original is shown")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("slider")).to_have_value("49")
    tab_to(page, "Download JPEG")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "photo 0.jpg"


def test_save_a_recipe_use_it_convert_again(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.get_by_label("Width", exact=True).fill("64")
    convert(page, photos[:1])
    page.get_by_role("link", name="photo 0.jpg").last.click()
    page.get_by_role("link", name="Save as recipe").click()
    page.get_by_label("Name").fill("Tiny")
    page.get_by_label("Quality", exact=True).fill("33")
    expect(page.get_by_text("WebP, quality 33, fit in 64 wide")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Use Tiny").click()
    expect(page.get_by_label("Width", exact=True)).to_have_value("64")
    page.goto("/batches/")
    page.get_by_role("link", name="photo 0.jpg").click()
    page.get_by_role("link", name="Convert again with new settings").click()
    page.locator("#id_outputs-0-format").select_option("png")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")
    expect(page.get_by_text("All done.")).to_be_visible(timeout=20_000)
    expect(page.locator(".job-line strong")).to_have_text("PNG")


def test_options_follow_the_format(visit: Visit) -> None:
    page = visit()
    expect(page.get_by_label("Quality", exact=True)).to_be_visible()
    page.locator("#id_outputs-0-format").select_option("png")
    expect(page.get_by_label("Quality", exact=True)).to_be_hidden()
    page.locator("#id_outputs-0-format").select_option("avif")
    expect(page.get_by_label("Quality", exact=True)).to_have_attribute("placeholder", "60")


def test_script_and_server_read_the_form_alike(visit: Visit, site: Site, photos: list[FilePayload]) -> None:
    recipes = []
    for scripts in (True, False):
        page = visit(scripts=scripts)
        if scripts:
            page.get_by_text("More options").click()
        else:
            page.locator("details.more > summary").click()
        for name, value in {"resize.width": "90", "background": "#aabbcc", "watermark.text": "me"}.items():
            page.locator(f"[id='id_outputs-0-{name}']").fill(value)
        page.locator("#id_outputs-0-rotate").select_option("90")
        page.locator("#id_outputs-0-metadata").select_option("strip_location")
        page.locator("[id='id_outputs-0-resize.mode']").select_option("pad")
        page.locator("[id='id_outputs-0-target_bytes']").fill("12.5")
        page.locator("#id_images").set_input_files([photos[0]])
        page.locator("[data-submit]").click()
        page.wait_for_url("**/batches/*/")
        pk = page.url.rstrip("/").rsplit("/", 1)[-1]
        recipes.append(
            site.python(f"from converter.models import Batch; print(Batch.objects.get(pk='{pk}').outputs)")
        )
    assert recipes[0] == recipes[1]
    assert "12500" in recipes[0]


def test_a_watermark_picture(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.get_by_text("More options").click()
    with page.expect_response("**/convert/watermark/"):
        page.get_by_label("Logo", exact=True).set_input_files(
            photo("mark.png", make_photo(20, 20, "PNG"), "image/png")
        )
    convert(page, photos[:1])
    expect(page.get_by_text("All done.")).to_be_visible()
    expect(page.get_by_text("Watermark added")).to_be_visible()


def test_an_upload_left_behind_is_sent_from_its_page(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.route("**/storage/uploads", lambda route: route.abort())
    page.locator("#id_images").set_input_files([photos[0]])
    page.locator("[data-submit]").click()
    page.get_by_role("link", name="Skip them").click()
    expect(page.get_by_text("Waiting for uploads.")).to_be_visible()
    page.get_by_role("link", name="Upload again").click()
    page.locator("#id_file").set_input_files(photos[0])
    page.get_by_role("button", name="Upload", exact=True).click()
    expect(page.get_by_role("link", name="Download WebP")).to_be_visible(timeout=20_000)


def test_a_token_of_the_page_works(visit: Visit, site: Site) -> None:
    page = visit()
    page.goto("/accounts/tokens/")
    page.get_by_label("Name").fill("script")
    page.get_by_role("button", name="Create token").click()
    secret = page.locator("#secret").text_content()
    answer = page.request.get("/api/v1/batches", headers={"Authorization": f"Bearer {secret}"})
    assert answer.json() == {"items": [], "next": None}
    page.get_by_role("button", name="Revoke script").click()
    answer = page.request.get("/api/v1/batches", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 401


def test_a_gif_keeps_moving_and_says_so(visit: Visit) -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (40, 30), color) for color in ("red", "green", "blue")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
    page = visit()
    convert(page, [photo("move.gif", file.getvalue(), "image/gif")])
    expect(page.get_by_text("All 3 frames kept")).to_be_visible()


def test_a_preview_before_it_is_sent(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photos[:1])
    note = page.locator("[data-try-note]")
    expect(note).to_contain_text("%")
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    with page.expect_response("**/api/v1/convert"):
        page.get_by_label("Width", exact=True).fill("20")
        page.get_by_label("Width", exact=True).blur()
    expect(page.locator("[data-try-bar]")).to_be_hidden()
    assert page.locator(".try .compare-after img").evaluate("image => image.naturalWidth") == 20
    page.goto("/batches/")
    expect(page.get_by_role("heading", name="No conversions yet")).to_be_visible()


def test_a_preview_of_what_is_here_already(visit: Visit, site: Site, photos: list[FilePayload]) -> None:
    page = visit()
    convert(page, photos)
    batch = page.url
    page.get_by_role("link", name="Convert again with new settings").click()
    expect(page.get_by_text("3 images,")).to_be_visible()
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    expect(page.locator("[data-try-note]")).to_contain_text("%")
    with page.expect_response("**/api/v1/convert") as answer:
        page.get_by_label("Width", exact=True).fill("20")
        page.get_by_label("Width", exact=True).blur()
    assert answer.value.status == 200
    after = page.locator(".try .compare-after img")
    page.wait_for_function("image => image.naturalWidth === 20", arg=after.element_handle())
    page.get_by_role("button", name="Show photo 2.jpg").click()
    page.wait_for_function(
        "() => document.querySelector('.try [data-before]')?.naturalWidth === 322"  # not the thumbnail's
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


def test_what_browsers_do_not_show_is_compared_before_it_is_sent(visit: Visit) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photo("IMG_1.HEIC", HEIC.read_bytes(), "image/heic"))
    expect(page.locator(".try .compare.is-tried:not(.is-alone)")).to_be_visible()
    sizes = page.locator(".try .compare-frame img").evaluate_all(
        "images => images.map((image) => image.naturalWidth)"
    )
    assert all(sizes), sizes
    expect(page.locator(".file-thumb")).to_have_attribute("data-kind", "HEIC")


def test_what_a_preview_cannot_do_is_said(visit: Visit) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photo("cut.jpg", make_photo(400, 300)[:3000]))
    note = page.locator("[data-try-note].is-bad")
    expect(note).to_contain_text("Send it again")
    page.locator("#id_images").set_input_files(photo("good.jpg", make_photo()))
    page.get_by_role("button", name="Remove cut.jpg").click()
    expect(page.locator("[data-try-note]:not(.is-bad)")).to_contain_text("%")


def test_what_the_api_says_is_said_in_german(visit: Visit) -> None:
    page = visit(locale="de-DE")
    page.locator("#id_images").set_input_files(photo("cut.jpg", make_photo(400, 300)[:3000]))
    expect(page.locator("[data-try-note].is-bad")).to_contain_text("Diese Datei endet")
    page.get_by_label("Qualität", exact=True).fill("500")
    page.locator("[data-submit]").click()
    expect(page.locator("[data-field=quality] .error")).to_contain_text("kleiner oder gleich 100")


def test_captions_do_not_hide_each_other_on_a_slim_picture(visit: Visit) -> None:
    page = visit(width="phone")
    page.locator("#id_images").set_input_files(photo("tall.jpg", make_photo(600, 1200)))
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    before, after = (
        page.locator(f".compare-{which} figcaption").bounding_box() for which in ("before", "after")
    )
    assert before
    assert after
    assert before["y"] + before["height"] <= after["y"] or before["x"] + before["width"] <= after["x"]


def test_the_whole_original_is_shown_until_there_is_a_result(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.route("**/api/v1/convert", lambda route: None)
    page.locator("#id_images").set_input_files(photos[:1])
    original = page.locator(".try [data-before]")
    expect(original).to_be_visible()
    expect(original).to_have_css("clip-path", "none")


def test_what_sticks_leaves_room_when_zoomed_in(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.set_viewport_size({"width": 640, "height": 360})  # 1280×720 at 200 %
    page.locator("#id_images").set_input_files(photos[:1])
    for part in (".top", ".convert-go"):
        expect(page.locator(part)).to_have_css("position", "static")


def test_all_entries_are_chosen_at_once(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    for file in photos[:2]:
        page.goto("/convert/")
        convert(page, [file])
    page.goto("/batches/")
    page.get_by_label("Select all").check()
    page.get_by_label("Select photo 1.jpg").uncheck()
    expect(page.get_by_label("Select all")).not_to_be_checked()
    page.get_by_role("button", name="Delete selected").click()
    expect(page.get_by_role("heading", name="Delete 1 batch?")).to_be_visible()


def test_a_share_is_copied(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    convert(page, photos[:1])
    page.get_by_role("link", name="Share").click()
    page.get_by_role("button", name="Create link").click()
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.goto(page.evaluate("navigator.clipboard.readText()"))
    expect(page.get_by_role("heading", name="1 shared image")).to_be_visible()


def test_chosen_entries_are_deleted(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    convert(page, photos[:1])
    page.goto("/batches/")
    page.get_by_label("Select photo 0.jpg").check()
    page.get_by_role("button", name="Delete selected").click()
    page.get_by_role("button", name="Delete permanently").click()
    expect(page.get_by_text("1 batch deleted.")).to_be_visible()
    expect(page.get_by_role("heading", name="No conversions yet")).to_be_visible()


def test_whoever_is_logged_out_meanwhile_is_led_to_the_login(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.route("**/storage/uploads", lambda route: route.abort())
    page.locator("#id_images").set_input_files(photos[:1])
    page.locator("[data-submit]").click()
    page.get_by_role("link", name="Skip them").click()
    expect(page.get_by_text("Waiting for uploads.")).to_be_visible()
    page.context.clear_cookies()
    page.wait_for_url("**/accounts/login/?next=/batches/*/")


def test_a_recipe_goes_to_somebody_else_by_link(visit: Visit) -> None:
    page = visit()
    page.goto("/recipes/new/")
    page.get_by_label("Name").fill("Tiny")
    page.get_by_label("Width", exact=True).fill("77")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Link Tiny").click()
    other = visit()
    other.goto(page.url)
    expect(other.get_by_text("WebP, fit in 77 wide, metadata removed")).to_be_visible()
    other.get_by_role("link", name="Use recipe").click()
    expect(other.get_by_label("Width", exact=True)).to_have_value("77")


def test_a_result_is_used_as_input(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    convert(page, photos[:1])
    page.get_by_role("link", name="Compare photo 0.jpg").click()
    page.get_by_role("button", name="Convert this result").click()
    page.locator("#id_outputs-0-format").select_option("gif")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")
    expect(page.get_by_role("link", name="photo 0.webp", exact=True)).to_be_visible()
    expect(page.get_by_text("All done.")).to_be_visible(timeout=20_000)


def test_a_recipe_is_picked_and_the_images_stay(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photos)
    page.get_by_role("link", name="AVIF + WebP + JPEG").click()
    expect(page.locator("[data-output]")).to_have_count(3)
    expect(page.locator(".file-row")).to_have_count(3)
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")
    expect(page.locator(".job")).to_have_count(9)


def test_a_trial_leaves_nothing_though_the_page_is_closed(
    visit: Visit, site: Site, photos: list[FilePayload]
) -> None:
    page = visit()
    with page.expect_request("**/api/v1/convert"):
        page.locator("#id_images").set_input_files(photos[:1])
    other = page.context.new_page()
    page.close()
    other.wait_for_timeout(1500)
    other.goto("/batches/")
    expect(other.get_by_role("heading", name="No conversions yet")).to_be_visible()


def test_a_photo_too_large_to_be_tried_is_tried_as_a_smaller_copy(visit: Visit) -> None:
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
    assert page.locator(".try .compare-after img").evaluate("image => image.naturalWidth") == 1600


def test_limits_are_told_before_anything_is_sent(visit: Visit, photos: list[FilePayload]) -> None:
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


@pytest.mark.parametrize("source", ["heic", "avif", "tiff"])
def test_what_browsers_do_not_show_is_compared_by_touch(visit: Visit, source: str) -> None:
    content = HEIC.read_bytes() if source == "heic" else make_photo(400, 300, source.upper())
    page = visit(width="phone", has_touch=True)
    page.locator("#id_outputs-0-format").select_option("jp2")
    convert(page, [photo(f"a.{source}", content, f"image/{source}")])
    page.get_by_role("link", name=f"Compare a.{source}").click()
    page.locator(".compare.is-live").wait_for()
    frame = page.locator("[data-frame]")
    images = frame.locator("img").evaluate_all(
        "images => Promise.all(images.map((image) => image.decode().then(() => image.naturalWidth)))"
    )
    assert all(images)
    box = frame.bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    expect(page.get_by_role("slider", name="How much of the original is shown")).to_have_value("25")
