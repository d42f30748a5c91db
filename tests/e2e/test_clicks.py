"""Common tasks, completed with no more clicks than the best competitor needs."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image, ImageCms, ImageStat
from playwright.sync_api import expect

from tests.conftest import make_photo
from tests.e2e.clicks import Clicks
from tests.e2e.page_checks import look
from tests.e2e.site import HEIC, Visit, photo, wait_until_done
from tests.e2e.test_cropping import quarters

pytestmark = pytest.mark.browser

COPYRIGHT = 0x8298
GPS = 0x8825


def start(visit: Visit, width: str = "desktop") -> Clicks:
    page = visit(known=False, width=width)
    page.goto("/")
    return Clicks(page)


@pytest.mark.parametrize(
    ("width", "count"), [pytest.param("desktop", 12, marks=pytest.mark.slow), ("phone", 3)]
)
def test_photos_of_a_phone_become_a_zip_of_jpegs(visit: Visit, width: str, count: int) -> None:
    clicks = start(visit, width)
    page = clicks.page
    clicks.choose([photo(f"IMG_{n}.heic", HEIC.read_bytes(), "image/heic") for n in range(count)])
    expect(page.locator("[data-submit]")).to_have_text(f"Convert {count} to JPEG")
    clicks.click(page.locator("[data-submit]"))
    wait_until_done(page)
    with zipfile.ZipFile(
        clicks.download(page.get_by_role("link", name="Download all (ZIP)")).path()
    ) as archive:
        images = [name for name in archive.namelist() if name.endswith(".jpg")]
        assert len(images) == count
        with Image.open(io.BytesIO(archive.read(images[0]))) as image:
            assert image.format == "JPEG"
    clicks.report(f"a. {count} HEIC to JPEG as a ZIP, {width}", most=4)
    if width == "desktop":
        look(page, "guest batch")


@pytest.mark.slow
def test_a_photo_for_an_application(visit: Visit) -> None:
    clicks = start(visit)
    page = clicks.page
    clicks.choose(photo("me.png", quarters(3600, 2400), "image/png"))
    preset = page.get_by_label("Size preset").locator("option", has_text="600×800").get_attribute("value")
    clicks.select(page.get_by_label("Size preset"), preset or "")
    expect(page.locator("[data-crop-start]")).to_be_enabled()
    clicks.click(page.locator("[data-crop-start]"))
    expect(page.get_by_label("Aspect ratio")).to_have_value("output")
    expect(page.locator("[data-crop-box]")).to_be_visible()
    clicks.click(page.get_by_role("button", name="Apply crop"))
    with page.expect_download() as waiting:
        clicks.click(page.locator("[data-submit]"))
    with Image.open(waiting.value.path()) as image:
        assert (image.format, image.size) == ("JPEG", (600, 800))
    assert waiting.value.path().stat().st_size <= 200_000
    clicks.report("b. 600×800 under 200 KB, cropped by hand", most=8)


@pytest.mark.slow
def test_three_formats_in_three_widths_and_their_html(visit: Visit) -> None:
    clicks = start(visit)
    page = clicks.page
    clicks.choose(photo("hero.jpg", make_photo(1800, 1200)))
    clicks.click(page.get_by_text("Formats × widths"))
    clicks.click(page.get_by_role("button", name="Make 9 outputs"))
    expect(page.locator("[data-output]")).to_have_count(9)
    expect(page.locator("[data-straight]")).to_be_hidden()
    assert page.evaluate("document.querySelector('[data-outputs]').scrollHeight") < 1000
    clicks.click(page.locator("[data-submit]"))
    wait_until_done(page)
    clicks.click(page.get_by_text("HTML for your website"))
    expect(page.locator("#picture")).to_contain_text(
        "hero-480.avif 480w, hero-960.avif 960w, hero-1600.avif 1600w"
    )
    snippet = page.locator("#picture").inner_text()
    with zipfile.ZipFile(
        clicks.download(page.get_by_role("link", name="Download all (ZIP)")).path()
    ) as archive:
        names = archive.namelist()
        assert snippet in archive.read("snippet.html").decode()
    assert {"hero-480.avif", "hero-960.webp", "hero-1600.jpg"} <= set(names)
    clicks.report("c. 3 formats × 3 widths, HTML and ZIP", most=12)


def photographed(number: int, profile: bytes) -> bytes:
    """Return a photo with a colour profile, its owner's name and a location."""
    exif = Image.Exif()
    exif[COPYRIGHT] = "Ada Lens"
    exif.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    file = io.BytesIO()
    with Image.open(io.BytesIO(make_photo(240 + number, 160))) as image:
        image.save(file, "JPEG", exif=exif, icc_profile=profile)
    return file.getvalue()


@pytest.mark.slow
def test_a_logo_on_many_photos(visit: Visit) -> None:
    """The photos keep colour profile and copyright, and lose the location."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    logo = io.BytesIO()
    Image.new("RGBA", (80, 40), "#e01010").save(logo, "PNG")
    clicks = start(visit)
    page = clicks.page
    clicks.choose([photo(f"DSC_{n}.jpg", photographed(n, profile)) for n in range(6)])
    recipe = page.get_by_role("link", name="Photos to publish")
    clicks.click(recipe)
    expect(recipe).to_have_attribute("aria-current", "true")
    clicks.choose(photo("logo.png", logo.getvalue(), "image/png"), at="[name=outputs-0-watermark_file]")
    clicks.click(page.locator("[data-submit]"))
    wait_until_done(page)
    with zipfile.ZipFile(
        clicks.download(page.get_by_role("link", name="Download all (ZIP)")).path()
    ) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        assert len(names) == 6
        for name in names:
            with Image.open(io.BytesIO(archive.read(name))) as image:
                assert image.info["icc_profile"] == profile
                assert image.getexif()[COPYRIGHT] == "Ada Lens"
                assert not image.getexif().get_ifd(GPS)
                corner = image.convert("RGB").crop(
                    (image.width - 11, image.height - 11, image.width - 9, image.height - 9)
                )
                red, green, _ = ImageStat.Stat(corner).mean
                assert red > green + 40
    clicks.report("d. a logo on many photos", most=8)


def scan(pages: int, mode: str) -> bytes:
    """Return a TIFF of several pages."""
    file = io.BytesIO()
    first, *others = [Image.new(mode, (120, 160), number % 2) for number in range(pages)]
    first.save(file, "TIFF", save_all=True, append_images=others)
    return file.getvalue()


@pytest.mark.parametrize(("mode", "pages"), [("L", 3), pytest.param("1", 8, marks=pytest.mark.slow)])
def test_a_scan_becomes_a_pdf(visit: Visit, mode: str, pages: int) -> None:
    clicks = start(visit)
    clicks.choose(photo("scan.tif", scan(pages, mode), "image/tiff"))
    with clicks.page.expect_download() as waiting:
        clicks.click(clicks.page.get_by_role("button", name="PDF", exact=True))
    assert waiting.value.suggested_filename == "scan.pdf"
    content = waiting.value.path().read_bytes()
    assert content.startswith(b"%PDF")
    assert content.count(b"/Type /Page\n") == pages
    clicks.report(f"e. a TIFF of {pages} pages to PDF", most=4)


@pytest.mark.parametrize("width", ["desktop", pytest.param("phone", marks=pytest.mark.slow)])
def test_a_drawing_becomes_an_icon(visit: Visit, width: str) -> None:
    clicks = start(visit, width)
    page = clicks.page
    clicks.choose(photo("mark.png", make_photo(400, 300, "PNG"), "image/png"))
    with page.expect_download() as waiting:
        clicks.click(page.get_by_role("button", name="ICO", exact=True))
    assert waiting.value.path().read_bytes()[:4] == b"\0\0\1\0"
    clicks.report(f"f. PNG to ICO, {width}", most=3)
    expect(page.get_by_role("status").filter(has_text="Your download has started.")).to_be_visible()
    if width == "phone":
        look(page, "download started")


def test_a_download_begins_by_itself_only_once_and_only_here(visit: Visit) -> None:
    clicks = start(visit)
    page = clicks.page
    clicks.choose(photo("mark.png", make_photo(40, 30, "PNG"), "image/png"))
    with page.expect_download():
        clicks.click(page.get_by_role("button", name="GIF", exact=True))
    page.reload()
    expect(page.locator("#batch [data-tell]").filter(has_text="All done.")).to_be_visible()
    expect(page.get_by_text("Your download has started.")).to_have_count(0)
