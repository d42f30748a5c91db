"""Every page and state is usable by everybody: axe finds nothing, at phone and desktop width, light and dark."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.conftest import make_photo
from tests.e2e.conftest import SIZES, Site, convert, photo

Visit = Callable[..., Page]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def check(page: Page, where: str) -> None:
    """Run axe in all widths and colours; nothing may stick out of the window."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        for name, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            over = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            if over:
                found.append(f"{where} {name}: {over} px too wide")
            if (scheme, name) in (("light", "phone"), ("dark", "desktop")):
                for fault in Axe().run(page, options=RULES).response["violations"]:
                    nodes = [(node["target"], node["failureSummary"]) for node in fault["nodes"][:3]]
                    found.append(f"{where} {scheme} {name}: {fault['id']} {nodes}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/formats/",
        "/problems/truncated/",
        "/nothing",
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/accounts/password/reset/sent/",
    ],
)
def test_open_pages(visit: Visit, path: str) -> None:
    page = visit(known=False)
    page.goto(path)
    check(page, path)


def test_pages_of_somebody_new(visit: Visit) -> None:
    page = visit()
    for path in [
        "/convert/",
        "/batches/",
        "/recipes/",
        "/recipes/new/",
        "/accounts/",
        "/accounts/tokens/",
        "/accounts/password/",
        "/accounts/delete/",
    ]:
        page.goto(path)
        for summary in page.locator("main details > summary").all():
            summary.click()
        check(page, path)


def test_forms_with_errors(visit: Visit) -> None:
    page = visit(known=False)
    page.goto("/accounts/signup/")
    page.get_by_role("button", name="Make my account").click()
    check(page, "sign-up with errors")


def test_files_chosen(visit: Visit) -> None:
    page = visit()
    page.locator("#id_images").set_input_files([photo("a.jpg", make_photo()), photo("b.jpg", b"")])  # type: ignore[list-item]
    page.get_by_role("button", name="Add another output").click()
    check(page, "files chosen")


def test_every_state_of_batch_and_job(visit: Visit, site: Site) -> None:
    page = visit()
    convert(page, [photo("a.jpg", make_photo(320, 200)), photo("cut.jpg", make_photo(400, 300)[:3000])])
    batch, pk = page.url, page.url.rstrip("/").rsplit("/", 1)[-1]
    check(page, "partly failed")
    jobs: dict[str, Any] = json.loads(
        site.python(
            "import json; from converter.models import Job;"
            f"print(json.dumps({{j.status: str(j.pk) for j in Job.objects.filter(batch='{pk}')}}))"
        )
    )
    page.goto(f"/jobs/{jobs['failed']}/")
    check(page, "failed")
    page.goto(f"/jobs/{jobs['finished']}/")
    page.locator(".compare.is-live").wait_for()
    check(page, "finished")
    page.goto(f"{batch}delete/")
    check(page, "delete?")
    page.goto("/batches/")
    check(page, "history")
    page.get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Delete the chosen").click()
    check(page, "delete entries?")
    page.goto(f"/recipes/new/?job={jobs['finished']}")
    page.get_by_label("Name").fill("Mine")
    page.get_by_role("button", name="Save").click()
    check(page, "recipes")
    page.get_by_role("link", name="Link Mine").click()
    check(page, "recipe link")
    for status in ("awaiting_upload", "cancelled", "expired"):
        site.python(
            "from converter.models import Job;"
            f"Job.objects.filter(pk='{jobs['finished']}').update(status='{status}');"
        )
        page.goto(f"/jobs/{jobs['finished']}/")
        check(page, status)
    page.goto(batch)
    check(page, "batch with an expired job")
    page.goto(f"/jobs/{jobs['finished']}/download/")
    check(page, "410")


def test_all_of_it_by_keyboard(visit: Visit) -> None:
    page = visit(known=False)
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Start converting")).to_be_focused()


def test_what_can_be_pressed_is_large_enough(visit: Visit) -> None:
    page = visit(width="phone")
    small = """() => [...document.querySelectorAll("button, select, .button, nav a, summary, input:not([type=checkbox], [type=file], [type=hidden])")]
        .filter((one) => one.checkVisibility() && one.getBoundingClientRect().height > 1)
        .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect().height])
        .filter(([, height]) => height < 43.5)"""
    for path in ["/convert/", "/batches/", "/recipes/", "/accounts/tokens/"]:
        page.goto(path)
        assert page.evaluate(small) == [], path


MOST_BYTES = 60_000


def test_pages_are_light_and_stand_still(visit: Visit) -> None:
    page = visit()
    weigh = """async () => {
        const entries = performance.getEntriesByType("resource");
        const shift = await new Promise((resolve) => {
            let sum = 0;
            new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; })
                .observe({type: "layout-shift", buffered: true});
            setTimeout(() => resolve(sum), 100);
        });
        const bytes = entries.filter((one) => one.initiatorType !== "img").reduce((sum, one) => sum + one.encodedBodySize, 0);
        return [bytes, shift];
    }"""
    for path in ["/", "/convert/", "/batches/", "/recipes/new/", "/formats/"]:
        page.goto(path, wait_until="networkidle")
        rest, shift = page.evaluate(weigh)
        weight = len(gzip.compress(page.request.get(path).body())) + rest
        assert rest
        assert weight < MOST_BYTES, f"{path} weighs {weight} bytes"
        assert shift < 0.1, f"{path} moves by {shift}"


def test_without_scripts_nothing_sticks_out_either(visit: Visit) -> None:
    page = visit(scripts=False, width="phone")
    for path in ["/", "/convert/", "/recipes/new/"]:
        page.goto(path)
        wide = max(
            (box["x"] + box["width"])
            for one in page.locator("main *:visible").all()
            if (box := one.bounding_box())
        )
        assert wide <= SIZES["phone"][0], path
