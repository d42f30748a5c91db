"""Measure page loads as Lighthouse does: `python -m tests.e2e.page_weight` prints a table.

It lists transferred bytes and requests of a first visit with an empty cache, and LCP, CLS and TBT from the
browser's performance observers: on a desktop at full speed, and on a phone with a CPU four times slower and a
connection of 1.6 Mbit/s and 150 ms.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page

from tests.browser import chromium
from tests.e2e import sample_photos
from tests.e2e.site import SIZES, Site, convert, log_in, photo

TIMES = 3
PHONE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000}
OBSERVE = """
window.seen = {lcp: 0, cls: 0, tbt: 0};
const see = (type, what) => new PerformanceObserver((list) => list.getEntries().forEach(what)).observe({type, buffered: true});
see("largest-contentful-paint", (one) => { seen.lcp = one.startTime; });
see("layout-shift", (one) => { if (!one.hadRecentInput) seen.cls += one.value; });
see("longtask", (one) => { seen.tbt += Math.max(0, one.duration - 50); });
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder)) as site, chromium() as browser:
        measure_all(site, browser)


def measure_all(site: Site, browser: Browser) -> None:
    session = site.sessions.pop()
    page = open_page(site, browser, session, "desktop")
    page.goto("/convert/")
    convert(page, [photo(f"{name}.jpg", sample_photos.photo(name)) for name in sample_photos.SKIES])
    batch = page.url.removeprefix(site.url)
    page.get_by_role("link", name="Compare Alps").click()
    page.locator(".compare.is-live").wait_for()
    paths = {
        "start": "/",
        "convert": "/convert/",
        "history": "/batches/",
        "batch of six": batch,
        "compare": page.url.removeprefix(site.url),
        "recipe": "/recipes/new/",
        "formats": "/formats/",
    }
    print("| page | KB without images | KB in total | requests | LCP desk / phone | CLS | TBT desk / phone |")
    print("|---|---|---|---|---|---|---|")
    for name, path in paths.items():
        desk = [visit(site, browser, session, "desktop", path) for _ in range(TIMES)]
        phone = [visit(site, browser, session, "phone", path) for _ in range(TIMES)]
        lcp, tbt = (
            [f"{median(one[key] for one in many):.0f}" for many in (desk, phone)] for key in ("lcp", "tbt")
        )
        cls = max(one["cls"] for one in desk + phone)
        first = desk[0]
        print(
            f"| {name} | {first['code'] / 1000:.1f} | {first['all'] / 1000:.0f} | {first['requests']:.0f}"
            f" | {' / '.join(lcp)} ms | {cls:.3f} | {' / '.join(tbt)} ms |"
        )


def open_page(site: Site, browser: Browser, session: str, width: str) -> Page:
    wide, high = SIZES[width]
    context = browser.new_context(base_url=site.url, viewport={"width": wide, "height": high})
    context.set_default_timeout(120_000)
    page = context.new_page()
    log_in(page, site, session)
    return page


def visit(site: Site, browser: Browser, session: str, width: str, path: str) -> dict[str, float]:
    page = open_page(site, browser, session, width)
    page.add_init_script(OBSERVE)
    sizes: list[tuple[float, bool]] = []
    wire = page.context.new_cdp_session(page)
    pictures: set[str] = set()
    wire.on(
        "Network.responseReceived",
        lambda event: pictures.add(event["requestId"]) if event["type"] == "Image" else None,
    )
    wire.on(
        "Network.loadingFinished",
        lambda event: sizes.append((event["encodedDataLength"], event["requestId"] in pictures)),
    )
    wire.send("Network.enable")
    if width == "phone":
        wire.send("Network.emulateNetworkConditions", PHONE)
        wire.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(path, wait_until="networkidle")
    page.wait_for_timeout(500)
    seen: dict[str, float] = page.evaluate("seen")
    page.context.close()
    return {
        **seen,
        "all": sum(size for size, _ in sizes),
        "code": sum(size for size, is_picture in sizes if not is_picture),
        "requests": len(sizes),
    }


if __name__ == "__main__":
    main()
