"""What the page shows before anything is sent: the shape of the preview, the format, the button's text."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.conftest import make_photo
from tests.e2e.site import HEIC, Site, Visit, photo

pytestmark = [pytest.mark.slow, pytest.mark.browser]

SQUARES = """image => {
    const canvas = document.createElement("canvas");
    const shown = image.getBoundingClientRect();
    // As it is drawn: what the style sheet makes of the pixels is part of the picture.
    const fit = getComputedStyle(image).objectFit;
    const [wide, high] = [shown.width / image.naturalWidth, shown.height / image.naturalHeight];
    const stretch = fit === "contain" ? 1 : wide / high;
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
    let [left, right, top, bottom] = [Infinity, -1, Infinity, -1];
    for (let at = 0; at < data.length; at += 4) {
        if (data[at] < 150 || data[at + 1] > 110 || data[at + 2] > 110) continue;
        const [x, y] = [(at / 4) % canvas.width, Math.floor(at / 4 / canvas.width)];
        [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
    }
    return {shape: (right - left + 1) / (bottom - top + 1) * stretch, at: [(left + right + 1) / 2 / canvas.width, (top + bottom + 1) / 2 / canvas.height]};
}"""
"""Return the red square's aspect ratio, and its centre as fractions of the image's sides."""


def square_photo() -> bytes:
    """Return a wide image with a red square slightly left of its centre."""
    image = Image.new("RGB", (600, 400), "#3366cc")
    ImageDraw.Draw(image).rectangle((230, 150, 309, 229), fill="#e01010")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


GEOMETRIES: dict[str, dict[str, str]] = {
    "fill": {"resize.width": "300", "resize.height": "400", "resize.mode": "fill"},
    "fill from a side": {
        "resize.width": "300",
        "resize.height": "390",
        "resize.mode": "fill",
        "resize.gravity": "left",
    },
    "pad": {"resize.width": "300", "resize.height": "400", "resize.mode": "pad"},
    "crop": {"crop.x": "200", "crop.y": "100", "crop.width": "150", "crop.height": "250"},
    "rotate": {"rotate": "90"},
    "flip": {"flip": "horizontal"},
    "all of it": {
        "rotate": "270",
        "flip": "vertical",
        "resize.width": "200",
        "resize.height": "200",
        "resize.mode": "fill",
    },
}


def choose(page: Page, options: dict[str, str]) -> None:
    """Set the options at once and wait for their preview; in sequence, some might be previewed alone."""
    after = page.locator(".try .compare-after img")
    first = after.get_attribute("src") or ""
    page.evaluate(
        """options => {
            for (const [path, value] of Object.entries(options)) {
                const field = document.querySelector(`[name='outputs-0-${path}']`);
                field.value = value;
                field.dispatchEvent(new Event("change", {bubbles: true}));
            }
        }""",
        options,
    )
    expect(after).not_to_have_attribute("src", first)
    expect(page.locator("[data-try-bar]")).to_be_hidden()


def try_photo(page: Page) -> None:
    """Choose the photo, and wait for its first preview."""
    page.locator("#id_images").set_input_files(photo("square.png", square_photo(), "image/png"))
    expect(page.locator("[data-try-note]")).to_contain_text("%")
    expect(page.locator("[data-try-bar]")).to_be_hidden()


@pytest.mark.parametrize("name", GEOMETRIES)
def test_the_original_of_a_preview_covers_its_result_without_distortion(visit: Visit, name: str) -> None:
    page = visit()
    try_photo(page)
    choose(page, GEOMETRIES[name])
    before = page.locator(".try [data-before]").evaluate(SQUARES)
    after = page.locator(".try .compare-after img").evaluate(SQUARES)
    assert before["shape"] == pytest.approx(1, abs=0.04)
    assert after["shape"] == pytest.approx(1, abs=0.04)
    assert before["at"] == pytest.approx(after["at"], abs=0.02)


def test_a_stretched_result_has_an_original_that_is_not(visit: Visit) -> None:
    page = visit()
    try_photo(page)
    choose(page, {"resize.width": "200", "resize.height": "400", "resize.mode": "stretch"})
    image = page.locator(".try .compare-after img")
    page.wait_for_function(
        "image => image.naturalHeight === 2 * image.naturalWidth", arg=image.element_handle()
    )
    assert page.locator(".try [data-before]").evaluate(SQUARES)["shape"] == pytest.approx(1, abs=0.04)
    assert page.locator(".try .compare-after img").evaluate(SQUARES)["shape"] < 0.5


def test_the_whole_original_is_back_when_nothing_is_cut(visit: Visit) -> None:
    page = visit()
    try_photo(page)
    choose(page, {"rotate": "90"})
    before = page.locator(".try [data-before]")
    page.wait_for_function("image => image.naturalWidth < image.naturalHeight", arg=before.element_handle())
    choose(page, {"rotate": "0"})
    page.wait_for_function("image => image.naturalWidth > image.naturalHeight", arg=before.element_handle())


def heic(number: int) -> FilePayload:
    return photo(f"IMG_{number}.HEIC", HEIC.read_bytes(), "image/heic")


def jpeg(number: int) -> FilePayload:
    return photo(f"photo {number}.jpg", make_photo(64 + number))


def png(number: int) -> FilePayload:
    return photo(f"drawing {number}.png", make_photo(64 + number, format="PNG"), "image/png")


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([heic(1)], "Convert to JPEG"),
        ([heic(n) for n in range(3)], "Convert 3 to JPEG"),
        ([heic(1), jpeg(1)], "Convert 2 to JPEG"),
        ([heic(1), png(1)], "Convert 2 to WebP"),
        ([jpeg(1)], "Convert to WebP"),
        ([jpeg(1), png(1)], "Convert 2 to WebP"),
    ],
)
def test_the_format_follows_the_images_until_somebody_chooses(
    visit: Visit, files: list[FilePayload], words: str
) -> None:
    page = visit()
    expect(page.locator("[data-submit]")).to_have_text("Convert")
    page.locator("#id_images").set_input_files(files)
    expect(page.locator("[data-submit]")).to_have_text(words)


def test_heic_becomes_jpeg_with_one_click(visit: Visit) -> None:
    page = visit(width="phone")
    page.locator("#id_images").set_input_files([heic(1)])
    page.get_by_role("button", name="Convert to JPEG").click()
    page.wait_for_url("**/batches/*/")
    expect(page.get_by_role("link", name="Download JPEG")).to_be_visible()


def test_a_chosen_format_is_kept(visit: Visit) -> None:
    page = visit()
    page.get_by_label("Format", exact=True).select_option("png")
    page.locator("#id_images").set_input_files([heic(1)])
    expect(page.locator("[data-submit]")).to_have_text("Convert to PNG")
    page.get_by_role("link", name="For the web", exact=True).click()
    expect(page.locator("[data-submit]")).to_have_text("Convert to WebP")
    page.locator("#id_images").set_input_files([heic(2)])
    expect(page.locator("[data-submit]")).to_have_text("Convert 2 to WebP")


def test_the_format_of_a_default_recipe_is_kept(visit: Visit) -> None:
    page = visit(at="/recipes/new/")
    page.get_by_label("Name").fill("Mine")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Make default").click()
    page.goto("/convert/")
    page.locator("#id_images").set_input_files([heic(1)])
    expect(page.locator("[data-submit]")).to_have_text("Convert to WebP")


def test_the_button_names_every_format(visit: Visit) -> None:
    page = visit()
    page.locator("#id_images").set_input_files([jpeg(1), jpeg(2)])
    page.get_by_role("button", name="Add another output").click()
    expect(page.locator("[data-submit]")).to_have_text("Convert 2 to WebP and JPEG")
    page.get_by_label("Format", exact=True).last.select_option("auto")
    expect(page.locator("[data-submit]")).to_have_text("Convert 2 to WebP and the best format")


def test_outputs_that_are_left_are_converted_as_they_are_shown(
    visit: Visit, site: Site, photos: list[FilePayload]
) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photos[:1])
    for _ in range(2):
        page.get_by_role("button", name="Add another output").click()
    page.locator("[name='outputs-2-format']").select_option("png")
    page.locator("[name='outputs-2-resize.width']").fill("31")
    page.get_by_role("button", name="Remove Output 2").click()
    expect(page.locator("[name='outputs-1-resize.width']")).to_have_value("31")
    expect(page.locator("[name='outputs-TOTAL_FORMS']")).to_have_value("2")
    page.get_by_role("button", name="Convert to WebP and PNG").click()
    page.wait_for_url("**/batches/*/")
    pk = page.url.rstrip("/").rsplit("/", 1)[-1]
    printed = site.python(
        f"import json; from converter.models import Batch; print(json.dumps(Batch.objects.get(pk='{pk}').outputs))"
    )
    assert json.loads(printed) == [{"format": "webp"}, {"format": "png", "resize": {"width": 31}}]


def test_a_preview_shows_the_output_that_was_changed_last(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photos[:1])
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    page.get_by_role("button", name="Add another output").click()
    page.locator("[name='outputs-1-resize.width']").fill("31")
    page.locator("[name='outputs-1-resize.width']").blur()
    after = page.locator(".try .compare-after img")
    page.wait_for_function("image => image.naturalWidth === 31", arg=after.element_handle())
    expect(page.locator("[data-try-note]")).to_contain_text("Output 2: ")


def test_a_preview_says_what_is_wrong_with_a_field(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photos[:1])
    expect(page.locator("[data-try-note]")).to_contain_text("%")
    page.get_by_label("Width", exact=True).fill("0")
    page.get_by_label("Width", exact=True).blur()
    expect(page.locator("[data-try-note].is-bad")).to_contain_text("must be at least 1")
    page.get_by_label("Width", exact=True).fill("")
    page.get_by_label("Width", exact=True).blur()
    expect(page.locator("[data-try-note]:not(.is-bad)")).to_contain_text("%")


def test_a_watermark_is_in_the_preview(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.locator("#id_images").set_input_files(photos[:1])
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    page.get_by_text("More options").click()
    with page.expect_response("**/api/v1/convert") as answer:
        page.get_by_label("Logo", exact=True).set_input_files(
            photo("mark.png", make_photo(20, 20, "PNG"), "image/png")
        )
    assert answer.value.status == 200
    assert "watermark" in answer.value.headers["job-report"]


def test_one_line_tells_a_screen_reader_of_all_files(visit: Visit, photos: list[FilePayload]) -> None:
    page = visit()
    page.locator("#id_images").set_input_files([photos[0], photo("empty.jpg", b"")])
    expect(page.locator("[data-go-note]")).to_contain_text("1 can't be converted")
    expect(page.locator(".file-row [role=status], .file-row [aria-live]")).to_have_count(0)


def test_the_account_menu_closes_by_escape_and_by_a_click_elsewhere(visit: Visit) -> None:
    page = visit()
    button, entry = page.locator(".menu > summary"), page.get_by_role("link", name="API tokens")
    button.click()
    expect(entry).to_be_visible()
    page.keyboard.press("Escape")
    expect(entry).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    expect(entry).to_be_visible()
    page.get_by_role("heading", name="Convert images").click()
    expect(entry).to_be_hidden()


def test_of_two_logos_the_last_one_counts_though_it_comes_first(
    visit: Visit, site: Site, photos: list[FilePayload]
) -> None:
    page = visit()
    held: list[Route] = []

    def hold_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route("**/convert/watermark/", hold_first)
    page.locator("#id_images").set_input_files(photos[:1])
    page.get_by_text("More options").click()
    for name in ("first.png", "second.png"):
        page.get_by_label("Logo", exact=True).set_input_files(
            photo(name, make_photo(20, 20, "PNG"), "image/png")
        )
    image = page.locator("[name='outputs-0-watermark.image']")
    expect(image).not_to_have_value("")
    with page.expect_event("requestfinished", lambda request: request.url.endswith("/convert/watermark/")):
        held[0].continue_()
    pk = image.input_value()
    said = site.python(f"from converter.models import Upload; print(Upload.objects.get(pk='{pk}').name)")
    assert said.strip() == "second.png"


CUT = """() => {
    const pen = document.createElement("canvas").getContext("2d");
    const cut = [];
    for (const select of document.querySelectorAll("select")) {
        const style = getComputedStyle(select);
        const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
        pen.font = style.font;
        if (!select.clientWidth) continue;
        cut.push(...[...select.options].map(({ text }) => text).filter((text) => pen.measureText(text).width > room + 1));
    }
    return cut;
}"""
"""Return the options that are wider than their select element."""


@pytest.mark.parametrize("width", ["phone", "desktop"])
def test_no_choice_is_cut(visit: Visit, width: str) -> None:
    for language in ("en-GB", "de-DE"):
        page = visit(width=width, locale=language)
        page.evaluate("document.querySelectorAll('details').forEach((details) => { details.open = true; })")
        assert page.evaluate(CUT) == []


def test_smaller_dimensions_are_offered_for_a_low_maximum_size(visit: Visit) -> None:
    noise = Image.effect_noise((2000, 1500), 30).convert("RGB")
    file = io.BytesIO()
    noise.save(file, "JPEG", quality=60)
    page = visit()
    page.locator("#id_images").set_input_files([photo("noise.jpg", file.getvalue())])
    page.locator("[name='outputs-0-format']").select_option("jpeg")
    page.locator("[name='outputs-0-aim']").select_option("size")
    page.locator("[name='outputs-0-target_bytes']").fill("60")
    page.locator("[name='outputs-0-target_bytes']").blur()
    expect(page.locator("[data-try-note]")).to_contain_text("Low quality")
    page.get_by_role("button", name="Limit to 1600 px").click()
    expect(page.locator("[name='outputs-0-resize.width']")).to_have_value("1600")
    expect(page.get_by_role("button", name="Limit to 1600 px")).to_be_hidden()


@pytest.mark.parametrize(("format", "counted"), [("GIF", "frames"), ("TIFF", "pages")])
def test_a_preview_says_that_only_the_first_is_kept(visit: Visit, format: str, counted: str) -> None:
    first, *others = [Image.new("RGB", (90, 60), color) for color in ("#ff0000", "#00ff00", "#0000ff")]
    file = io.BytesIO()
    first.save(file, format, save_all=True, append_images=others)
    page = visit()
    page.locator("#id_images").set_input_files([photo(f"several.{format.lower()}", file.getvalue())])
    page.locator("[name='outputs-0-format']").select_option("jpeg")
    note = page.locator("[data-try-note]")
    expect(note).to_contain_text(f"JPEG can store only one image: the first of 3 {counted} is kept")
    page.locator("[name='outputs-0-format']").select_option("pdf" if counted == "pages" else "webp")
    expect(note).to_contain_text("smaller")
    expect(note).not_to_contain_text("only the first")
