"""`make screenshots`: take screenshots for the README, on a new site with real conversions."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser import chromium
from tests.e2e import sample_photos
from tests.e2e.site import Site, convert, photo, sign_up
from tests.server import ROOT

TARGET = ROOT / "docs" / "pictures"
SIZES = {"desktop": (1280, 860), "phone": (390, 844)}
SIZE_OF_ALL = 600_000  # bytes; they stay in the repository's history


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        taken = Path(folder) / "pictures"
        taken.mkdir()
        with Site(Path(folder) / "data") as site:
            with chromium() as browser:
                take_all(site, browser, taken)
            TARGET.mkdir(exist_ok=True)
            # Convert the screenshots with our own engine.
            site.manage(
                "convert",
                str(taken),
                "-o",
                str(TARGET),
                "--to",
                "webp",
                "--quality",
                "72",
                "--resize",
                "1600x",
                "--overwrite",
            )
    size = sum(file.stat().st_size for file in TARGET.glob("*.webp"))
    print(f"{len(list(TARGET.glob('*.webp')))} pictures, {size:,} bytes, in {TARGET.relative_to(ROOT)}")
    sys.exit(size > SIZE_OF_ALL)


def take_all(site: Site, browser: Browser, folder: Path) -> None:
    page = browser.new_context(base_url=site.url, device_scale_factor=1.5).new_page()
    page.set_default_timeout(60_000)

    def take(name: str, *kinds: str) -> None:
        """Take screenshots of the page, in kinds such as `desktop-light`."""
        for kind in kinds:
            width, scheme = kind.split("-")
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_viewport_size(dict(zip(("width", "height"), SIZES[width], strict=True)))  # type: ignore[arg-type]
            page.wait_for_timeout(300)
            page.screenshot(path=folder / f"{name}-{kind}.png")

    sign_up(page)
    choose(page)
    take("convert", "desktop-light", "desktop-dark", "phone-light")
    page.get_by_role("link", name="AVIF + WebP + JPEG").click()
    page.locator("[data-output]").nth(2).wait_for()
    convert(page, [])
    take("batch", "desktop-light", "desktop-dark", "phone-dark")
    page.get_by_role("link", name="Compare Alps").nth(1).click()
    page.locator(".compare.is-live").wait_for()
    take("compare", "desktop-light", "desktop-dark", "phone-light")


def choose(page: Page) -> None:
    """Choose some pictures, and wait for the first preview."""
    pictures = [photo(f"{name}.jpg", sample_photos.photo(name)) for name in sample_photos.SKIES]
    page.locator("#id_images").set_input_files(pictures)
    page.locator(".try .compare.is-tried").wait_for()


if __name__ == "__main__":
    main()
