"""What users do on the site, from end to end."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.conftest import make_photo
from tests.e2e.site import Site, Visit, convert, follow, photo, recipes, sign_up, wait_until_done

pytestmark = pytest.mark.browser


def test_a_password_can_be_shown_while_it_is_typed(visit: Visit) -> None:
    page = visit(at="/accounts/signup/", known=False)
    field = page.get_by_label("Password", exact=True)
    field.fill("correct horse")
    page.get_by_role("button", name="Show password").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide password").click()
    expect(field).to_have_attribute("type", "password")


@pytest.mark.parametrize("width", ["desktop", pytest.param("phone", marks=pytest.mark.slow)])
def test_from_sign_up_to_download(visit: Visit, photos: list[FilePayload], width: str) -> None:
    page = visit(width=width, known=False)
    sign_up(page)
    page.get_by_label("Width", exact=True).fill("100")
    page.get_by_role("button", name="Add another output").click()
    expect(page.get_by_role("heading", name="Output 2")).to_be_visible()
    convert(page, photos)
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()
    expect(page.locator(".job.is-finished")).to_have_count(6)

    with page.expect_download() as download:
        page.get_by_role("link", name="Download photo 0.webp").click()
    assert download.value.suggested_filename == "photo 0.webp"
    with Image.open(download.value.path()) as image:
        assert (image.format, image.width) == ("WEBP", 100)

    with page.expect_download() as download:
        page.get_by_role("link", name="Download all (ZIP)").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        assert len(archive.namelist()) == 8  # including the list and the HTML


@pytest.mark.parametrize("width", ["desktop", pytest.param("phone", marks=pytest.mark.slow)])
def test_the_same_without_scripts(visit: Visit, photos: list[FilePayload], width: str) -> None:
    page = visit(scripts=False, width=width, known=False)
    sign_up(page)
    page.get_by_role("button", name="Add another output").click()
    page.locator("#id_outputs-1-format").select_option("png")
    page.locator("#id_images").set_input_files(photos)
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()  # the page reloads itself
    page.get_by_role("link", name="Compare photo 0.jpg").first.click()
    expect(page.locator(".compare-frame img")).to_have_count(2)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download WebP").click()
    with Image.open(download.value.path()) as image:
        assert image.format == "WEBP"


def test_a_contradiction_is_shown_at_its_field(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.locator("#id_images").set_input_files([photos[0]])
    page.get_by_label("Quality", exact=True).select_option(label="By value")
    page.get_by_label("Value (1–100)").fill("50")
    page.get_by_text("More options").click()
    page.get_by_label("Lossless").check()
    page.locator("[data-submit]").click()
    expect(page.locator("[data-field=quality] .error")).to_contain_text("Lossless keeps every pixel")
    page.get_by_label("Lossless").uncheck()
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")


def test_a_field_that_is_wrong_is_brought_into_view(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit(width="phone")
    page.locator("#id_images").set_input_files(photos[:1])
    page.get_by_text("More options").click()
    field = page.get_by_label("Scale (%)")
    field.fill("1001")
    page.evaluate("() => scrollTo({top: 0, behavior: 'instant'})")
    page.locator("[data-submit]").click()
    expect(page.get_by_role("alert").filter(has_text="Please fix the highlighted fields.")).to_have_count(1)
    expect(field).to_be_focused()
    expect(page.locator("[data-field='resize.scale'] .error")).to_be_in_viewport()


def test_partly_failed_and_why(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    cut = photo("cut.jpg", make_photo(400, 300)[:3000])
    convert(page, [*photos[:1], cut])
    expect(page.locator("#batch").get_by_text("1 of 2 finished.")).to_be_visible()
    expect(page.locator(".job.is-failed .job-error")).to_contain_text("upload it")
    expect(page.locator(".image-name").first).to_have_text("cut.jpg")
    expect(page.get_by_role("button", name="Retry")).to_have_count(0)  # a retry would always fail
    page.locator(".job-error a").click()
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()


def tab_to(page: Page, words: str) -> None:
    """Press Tab until the focused element's text or label begins with these words."""
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
    wait_until_done(page)
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
    follow(page.get_by_role("link", name="Save as recipe"))
    page.get_by_label("Name").fill("Tiny")
    page.get_by_label("Quality", exact=True).select_option(label="By value")
    page.get_by_label("Value (1–100)").fill("33")
    expect(page.get_by_text("WebP, quality 33, fit in 64 wide")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Use Tiny").click()
    expect(page.get_by_label("Width", exact=True)).to_have_value("64")
    page.goto("/batches/")
    page.get_by_role("link", name="photo 0.jpg", exact=True).click()
    follow(page.get_by_role("link", name="Convert again with new settings"))
    page.locator("#id_outputs-0-format").select_option("png")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()
    expect(page.locator(".job-line strong")).to_have_text("PNG")


def test_options_follow_the_format(visit: Visit) -> None:
    page = visit()
    expect(page.get_by_label("Quality", exact=True)).to_be_visible()
    page.locator("#id_outputs-0-format").select_option("png")
    expect(page.get_by_label("Quality", exact=True)).to_be_hidden()
    page.locator("#id_outputs-0-format").select_option("avif")
    expect(page.get_by_label("Value (1–100)")).to_be_hidden()
    expect(page.get_by_label("Maximum size (KB)")).to_be_hidden()
    page.get_by_label("Quality", exact=True).select_option(label="By value")
    expect(page.get_by_label("Value (1–100)")).to_have_attribute("placeholder", "60")
    page.get_by_label("Quality", exact=True).select_option(label="Maximum size")
    expect(page.get_by_label("Value (1–100)")).to_be_hidden()
    expect(page.get_by_label("Maximum size (KB)")).to_be_visible()


@pytest.mark.slow
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
        page.locator("#id_outputs-0-aim").select_option("size")
        page.locator("[id='id_outputs-0-target_bytes']").fill("12.5")
        page.locator("#id_images").set_input_files([photos[0]])
        page.locator("[data-submit]").click()
        page.wait_for_url("**/batches/*/")
        pk = page.url.rstrip("/").rsplit("/", 1)[-1].replace("-", "")
        [outputs] = site.rows("SELECT outputs FROM converter_batch WHERE id = ?", pk)
        recipes.append(json.loads(outputs[0]))
    assert recipes[0] == recipes[1]
    assert recipes[0][0]["target_bytes"] == 12_500


@pytest.mark.slow
def test_a_watermark_picture(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.get_by_text("More options").click()
    with page.expect_response("**/convert/watermark/"):
        page.get_by_label("Logo", exact=True).set_input_files(
            photo("mark.png", make_photo(20, 20, "PNG"), "image/png")
        )
    convert(page, photos[:1])
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()
    expect(page.get_by_text("Watermark added")).to_be_visible()


def test_a_token_of_the_page_works(visit: Visit, site: Site) -> None:
    page = visit(at="/accounts/tokens/")
    page.get_by_label("Name").fill("script")
    page.get_by_role("button", name="Create token").click()
    secret = page.locator("#secret").text_content()
    answer = page.request.get("/api/v1/batches", headers={"Authorization": f"Bearer {secret}"})
    assert answer.json() == {"items": [], "next": None}
    page.get_by_role("button", name="Revoke script").click()
    expect(page.get_by_role("button", name="Revoke script")).to_have_count(0)
    answer = page.request.get("/api/v1/batches", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 401


@pytest.mark.slow
def test_a_gif_keeps_moving_and_says_so(visit: Visit) -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", (40, 30), color) for color in ("red", "green", "blue")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
    page = visit()
    convert(page, [photo("move.gif", file.getvalue(), "image/gif")])
    expect(page.get_by_text("All 3 frames kept")).to_be_visible()


@pytest.mark.slow
def test_api_errors_are_shown_in_german(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit(locale="de-DE")
    cut = photo("cut.jpg", make_photo(400, 300)[:3000])
    page.locator("#id_images").set_input_files([cut, *photos[:1]])
    expect(page.get_by_role("listitem").filter(has_text="Das Ende dieser Datei fehlt")).to_be_visible()
    page.get_by_label("Qualität", exact=True).select_option("number")
    page.get_by_label("Wert (1–100)").fill("500")
    page.locator("[data-submit]").click()
    expect(page.locator("[data-field=quality] .error")).to_contain_text("höchstens 100")


def test_sticky_elements_leave_room_when_zoomed_in(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.set_viewport_size({"width": 640, "height": 360})  # 1280×720 at 200 % zoom
    page.locator("#id_images").set_input_files(photos[:1])
    for part in (".top", ".convert-go"):
        expect(page.locator(part)).to_have_css("position", "static")


@pytest.mark.slow
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


@pytest.mark.slow
def test_users_logged_out_meanwhile_are_redirected_to_the_login(
    visit: Visit, photos: list[FilePayload]
) -> None:
    page = visit()
    page.route("**/uploads", lambda route: route.abort())
    page.locator("#id_images").set_input_files(photos[:1])
    page.locator("[data-submit]").click()
    page.get_by_role("link", name="Skip them").click()
    expect(page.get_by_text("Waiting for uploads.")).to_be_visible()
    page.context.clear_cookies()
    page.wait_for_url("**/accounts/login/?next=/batches/*/")


@pytest.mark.slow
def test_a_recipe_is_shared_by_link(visit: Visit) -> None:
    page = visit(at="/recipes/new/")
    page.get_by_label("Name").fill("Tiny")
    page.get_by_label("Width", exact=True).fill("77")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Link Tiny").click()
    page.wait_for_url("**/r/*/")
    other = visit(at=page.url)
    expect(other.get_by_text("WebP, fit in 77 wide, metadata removed")).to_be_visible()
    other.get_by_role("link", name="Use recipe").click()
    expect(other.get_by_label("Width", exact=True)).to_have_value("77")


@pytest.mark.slow
def test_a_result_is_used_as_input(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    convert(page, photos[:1])
    page.get_by_role("link", name="Compare photo 0.jpg").click()
    follow(page.get_by_role("button", name="Convert this result"))
    page.locator("#id_outputs-0-format").select_option("gif")
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")
    expect(page.get_by_role("link", name="photo 0.webp", exact=True)).to_be_visible()
    expect(page.locator("#batch").get_by_text("All done.")).to_be_visible()


def test_a_recipe_is_picked_and_the_images_stay(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photos)
    page.get_by_role("link", name="AVIF + WebP + JPEG").click()
    expect(page.locator("[data-output]")).to_have_count(3)
    expect(page.locator(".file-row")).to_have_count(3)
    page.locator("[data-submit]").click()
    page.wait_for_url("**/batches/*/")
    expect(page.locator(".job")).to_have_count(9)


def test_a_recipe_picked_just_before_converting_is_used(
    visit: Visit, site: Site, photos: list[FilePayload]
) -> None:
    page = visit()
    held: list[Route] = []
    page.route("**/convert/?starter=*", lambda route: held.append(route))
    page.locator("#id_images").set_input_files(photos[:1])
    page.get_by_role("link", name="AVIF + WebP + JPEG").click()
    page.locator("[data-submit]").click()
    held[0].continue_()
    assert [recipe["format"] for recipe in recipes(page, site)] == ["avif", "webp", "jpeg"]
