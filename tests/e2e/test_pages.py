"""Every page in the URLconf, in every state."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Route, expect

from tests.addresses import address, routes
from tests.conftest import make_photo
from tests.e2e.page_checks import RULES, TOO_WIDE, look, stand_still, weigh
from tests.e2e.site import SIZES, Site, Visit, convert, log_in, photo
from tests.e2e.windows import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.browser]

ROWS = """
import json
import uuid
from converter import engine
from converter.models import Recipe, Share, Webhook
from converter.web import links
from django.contrib.auth import get_user_model
from imagesite.accounts.models import ApiToken

owner = get_user_model().objects.get(email="known0@example.org")
token, _ = ApiToken.issue(owner, "shop")
share = Share.objects.filter(owner=owner).latest("created_at")
batch = share.batch
hook = Webhook.objects.create(owner=owner, url="https://example.org/hook", events=["batch.finished"], secret="whsec_x")
print(json.dumps({
    "batches": str(batch.pk),
    "job": str(batch.jobs.get(status="failed").pk),
    "jobs": str(batch.jobs.order_by("position")[0].pk),
    "people": str(owner.pk),
    "recipes": str(Recipe.objects.create(owner=owner, name="Mine", recipe={"format": "webp"}).pk),
    "logos": str(uuid.uuid4()),  # what is handed out there is no page
    "r": links.make(owner, engine.Recipe.parse({"format": "webp"})),
    "s": share.token,
    "shares": str(share.pk),
    "signup": "no-such-invitation",
    "tokens": str(token.pk),
    "webhooks": str(hook.pk),
}))
"""


@pytest.fixture(scope="package")
def owner(site: Site, browser: Browser) -> Iterator[BrowserContext]:
    """Yield the browser of a staff member who owns one of everything."""
    with browser.new_context(base_url=site.url) as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        log_in(page, site, site.staff_session)
        page.goto("/convert/")
        convert(page, [photo("a.jpg", make_photo(320, 200)), photo("cut.jpg", make_photo(400, 300)[:3000])])
        page.get_by_role("link", name="Share").click()
        page.get_by_role("button", name="Create link").click()
        page.wait_for_url("**/batches/*/")
        page.close()
        yield context


@pytest.fixture(scope="package")
def samples(site: Site, owner: BrowserContext) -> dict[str, str]:
    rows = json.loads(site.python(ROWS))
    others = {"deliveries": rows["jobs"], "problems": "truncated", "reset": "x", "reset/": "x"}
    return {**rows, "s/": rows["jobs"], **others}


@pytest.mark.parametrize("route", routes())
def test_a_page_is_accessible_small_and_stable(
    route: str, visit: Visit, site: Site, owner: BrowserContext, samples: dict[str, str]
) -> None:
    """View a page as a stranger if it is public, otherwise as its owner."""
    path = address(route, samples)
    by_strangers = _is_page(site.url + path)
    if not by_strangers and not _is_page(site.url + path, session=site.staff_session):
        return  # handles a form, redirects, or serves data
    page = visit(known=False)
    if not by_strangers:
        page.context.add_cookies(owner.cookies())  # type: ignore[arg-type]
    wire = page.context.new_cdp_session(page)
    wire.send("Network.enable")
    wire.send("Network.setCacheDisabled", {"cacheDisabled": True})  # measure like a first visit
    page.goto(path, wait_until="networkidle")
    is_ours = not path.startswith(("/admin/", "/api/docs"))
    if is_ours:
        weigh(page, path)
        for summary in page.locator("main details > summary:visible").all():
            summary.click()
    # Django's admin and Swagger UI break best practices for landmarks and button sizes. They also import
    # style sheets, which axe would load in a way that the content policy blocks.
    known = [rule for rule in RULES["runOnly"] if rule != "best-practice"]
    rules = RULES if is_ours else {"runOnly": known, "preload": False}
    look(page, path.replace(samples["batches"], "batch"), small=is_ours, rules=rules)


def test_the_landing_page_does_not_shift_when_its_image_loads_late(visit: Visit) -> None:
    page = visit(known=False)
    late: list[Route] = []
    page.route("**/coffee*.webp", lambda route: late.append(route))
    page.goto("/", wait_until="domcontentloaded")
    page.locator(".compare.is-live").wait_for()
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length")
    while not late:
        page.wait_for_timeout(10)
    late[0].continue_()
    page.wait_for_load_state("networkidle")
    weigh(page, "/")


def test_converting_again_does_not_shift_while_the_preview_loads(
    visit: Visit, owner: BrowserContext, samples: dict[str, str]
) -> None:
    page = visit(known=False)
    page.context.add_cookies(owner.cookies())  # type: ignore[arg-type]
    page.goto(f"/convert/?batch={samples['batches']}")
    page.locator(".try .compare.is-tried").wait_for()
    stand_still(page, "converting again")


def test_a_request_of_the_reference_is_accessible_when_opened(visit: Visit) -> None:
    page = visit(at="/api/docs", known=False)
    page.get_by_text("Submit batch").click()
    page.get_by_role("heading", name="Request body").wait_for()
    look(page, "reference, opened", small=False)


def test_the_tabs_of_the_guide_work_by_keyboard(visit: Visit) -> None:
    page = visit(at="/api/", known=False)
    tab = page.get_by_role("tab", name="curl")
    tab.focus()
    expect(page.get_by_role("tabpanel")).to_have_accessible_name("curl")
    for key, name in (("ArrowRight", "Python"), ("End", "JavaScript"), ("ArrowRight", "curl")):
        page.keyboard.press(key)
        expect(page.get_by_role("tab", name=name)).to_be_focused()
        expect(page.get_by_role("tab", selected=True)).to_have_text(name)
        expect(page.get_by_role("tabpanel")).to_have_accessible_name(name)
    plain = visit(at="/api/", known=False, scripts=False)
    for name in ("curl", "Python", "JavaScript"):
        expect(plain.get_by_role("heading", name=name)).to_be_visible()


def _is_page(url: str, **cookies: str) -> bool:
    answer = requests.get(url, cookies=cookies, allow_redirects=False, timeout=60)
    assert answer.status_code < 500, url
    is_html = answer.headers.get("content-type", "").startswith("text/html")
    return answer.status_code == 200 and is_html and "<html" in answer.text


@pytest.mark.parametrize("path", ["/nothing", "/batches/00000000-0000-0000-0000-000000000000/"])
def test_an_empty_history(visit: Visit, path: str) -> None:
    page = visit(at=path)
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
    look(page, f"404{path}"[:12])


@pytest.mark.parametrize("path", ["/convert/", "/batches/", "/recipes/", "/api/", "/api/docs"])
def test_it_fits_when_zoomed_in_four_times(visit: Visit, path: str) -> None:
    """WCAG 1.4.10, in the language with the longer text."""
    page = visit(locale="de-DE")
    page.set_viewport_size({"width": 320, "height": 256})
    page.goto(path)
    assert page.evaluate(TOO_WIDE) == 0


def test_a_form_with_errors(visit: Visit) -> None:
    page = visit(at="/accounts/signup/", known=False)
    page.locator("main form").evaluate("form => { form.noValidate = true; }")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator(".error").first).to_be_visible()
    look(page, "sign-up with errors")


def test_files_chosen(visit: Visit) -> None:
    page = visit()
    page.locator("#id_images").set_input_files([photo("a.jpg", make_photo(1600, 900)), photo("b.jpg", b"")])
    page.get_by_role("button", name="Add another output").click()
    page.locator(".try .compare.is-tried").wait_for()
    look(page, "files chosen")


def test_no_entries_yet(visit: Visit) -> None:
    page = visit(at="/batches/")
    expect(page.get_by_role("heading", name="No conversions yet")).to_be_visible()
    look(page, "history empty")
    page.goto("/batches/?q=zebra")
    expect(page.get_by_role("heading", name="No matches")).to_be_visible()
    look(page, "history without a hit")
    page.goto("/recipes/")
    expect(page.get_by_text("No recipes yet")).to_be_visible()
    page.goto("/accounts/tokens/")
    expect(page.get_by_text("No tokens yet")).to_be_visible()


STATES = {
    # state of the job: text on its page, text on its batch's page
    "awaiting_upload": ("Waiting for the image", "Waiting for uploads."),
    "queued": ("Queued", "0 of 1 done"),
    "processing": ("Converting", "0 of 1 done"),
    "finished": ("What changed", "All done."),
    "failed": ("The end of this file is missing", "All conversions failed."),
    "cancelled": ("Nothing was converted", "Cancelled. Finished results are kept."),
    "expired": ("Deleted on", "Expired. The images and results have been deleted."),
}


def test_every_state_is_shown(visit: Visit, site: Site) -> None:
    page = visit()
    convert(page, [photo("a.jpg", make_photo(320, 200))])
    batch, job = page.url, page.locator(".job").get_attribute("id").removeprefix("job-")  # type: ignore[union-attr]
    for status, (of_job, of_batch) in STATES.items():
        words = {
            "error_code": "truncated",
            "error_message": "The end of this file is missing.",
        }
        site.set(
            "converter_job", job, status=status, **(words if status == "failed" else dict.fromkeys(words, ""))
        )
        page.goto(f"/jobs/{job}/")
        expect(page.get_by_text(of_job).first).to_be_visible()
        look(page, f"job {status}")
        page.goto(batch)
        expect(page.locator("#batch [data-tell]").filter(has_text=of_batch)).to_be_visible()
        look(page, f"batch {status}")
    page.goto(f"/jobs/{job}/download/")
    expect(page.get_by_role("heading", name="This has expired")).to_be_visible()
    look(page, "410")


def test_a_partly_failed_batch(visit: Visit) -> None:
    page = visit()
    convert(page, [photo("a.jpg", make_photo(320, 200)), photo("cut.jpg", make_photo(400, 300)[:3000])])
    expect(page.locator("#batch").get_by_text("1 of 2 finished.")).to_be_visible()
    look(page, "partly failed")
    page.goto("/batches/")
    page.get_by_role("checkbox").first.check()
    look(page, "history, some chosen")
    page.get_by_role("button", name="Delete selected").click()
    look(page, "delete batches?")


def test_a_zip_is_being_made(visit: Visit) -> None:
    page = visit()
    convert(page, [photo(f"{n}.jpg", make_photo(320, 200 + n)) for n in range(2)])
    page.route(
        "**/zip/", lambda route: route.abort() if "hx-request" in route.request.headers else route.continue_()
    )
    page.goto(f"{page.url}zip/")
    expect(page.get_by_role("status")).to_be_visible()
    look(page, "zip being made")


def test_a_share_that_ended_says_so(visit: Visit, site: Site, samples: dict[str, str]) -> None:
    page = visit(known=False)
    site.set("converter_share", samples["shares"], expires_at="2020-01-01 00:00:00")
    try:
        page.goto(f"/s/{samples['s']}/")
        expect(page.get_by_role("heading", name="This has expired")).to_be_visible()
    finally:
        site.set("converter_share", samples["shares"], expires_at="2099-01-01 00:00:00")


def test_all_of_it_by_keyboard(visit: Visit) -> None:
    page = visit(at="/", known=False)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose images")).to_be_focused()


@pytest.mark.parametrize("path", ["/", "/convert/", "/recipes/new/"])
def test_without_scripts_nothing_sticks_out_either(visit: Visit, path: str) -> None:
    page = visit(at=path, scripts=False, width="phone")
    wide = page.locator("main *:visible").evaluate_all(
        "all => Math.max(...all.map((one) => one.getBoundingClientRect().right))"
    )
    assert wide <= SIZES["phone"][0], path
