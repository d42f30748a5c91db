"""The site as an app: it receives shared files, and reports a missing connection."""

from __future__ import annotations

import base64

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.conftest import make_photo
from tests.e2e.page_checks import look
from tests.e2e.site import Site, Visit, convert, photo

pytestmark = [pytest.mark.slow, pytest.mark.browser]

CONTROLLED = "navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)"
SHARE = """photos => {
    const form = Object.assign(document.createElement("form"), {method: "post", action: "/share/", enctype: "multipart/form-data"});
    const input = Object.assign(document.createElement("input"), {type: "file", name: "images", multiple: true});
    const files = new DataTransfer();
    for (const [name, content] of photos) {
        const bytes = Uint8Array.from(atob(content), (one) => one.charCodeAt(0));
        files.items.add(new File([bytes], name, {type: "image/jpeg"}));
    }
    input.files = files.files;
    form.append(input);
    document.body.append(form);
    form.submit();
}"""
"""Share files as a browser does, with a POST that opens a page."""
KEPT = """async () => {
    const found = [];
    for (const name of await caches.keys()) for (const one of await (await caches.open(name)).keys()) found.push(new URL(one.url).pathname);
    return found;
}"""
PHOTOS = [[f"IMG_{n}.jpg", base64.b64encode(make_photo(80 + n, 60)).decode()] for n in range(2)]


def install(visit: Visit, **options: object) -> Page:
    """Open the site and wait for its service worker."""
    page = visit(service_workers="allow", **options)
    page.wait_for_function(CONTROLLED)
    return page


@pytest.mark.parametrize("known", [True, False], ids=["account", "guest"])
def test_photos_shared_from_a_gallery_appear_on_the_convert_page(visit: Visit, known: bool) -> None:
    page = install(visit, width="phone", at="/convert/", known=known)
    page.evaluate(SHARE, PHOTOS)
    expect(page.locator(".file-name")).to_have_text(["IMG_0.jpg", "IMG_1.jpg"])
    expect(page.locator(".try .compare.is-tried")).to_be_visible()
    page.reload()
    expect(page.locator("[data-submit]")).to_have_text("Convert")
    expect(page.locator(".file-name")).to_have_count(0)


def test_lost_shared_photos_are_reported(visit: Visit) -> None:
    page = visit(width="phone")
    page.evaluate(SHARE, PHOTOS)
    expect(page.get_by_role("alert")).to_have_text("The shared images did not arrive. Choose them here.")


def test_offline_the_site_says_so_and_stores_no_user_data(visit: Visit) -> None:
    page = install(visit)
    convert(page, [photo("a.jpg", make_photo())])
    page.goto("/convert/")
    page.context.set_offline(True)
    page.reload(wait_until="load")
    expect(page.get_by_role("heading", name="No connection")).to_be_visible()
    look(page, "offline")
    kept = page.evaluate(KEPT)
    assert sorted(path.rpartition(".")[2] for path in kept) == ["/offline/", "css", "css", "css"]
    page.context.set_offline(False)
    page.get_by_role("link", name="Try again").click()
    expect(page.get_by_role("button", name="Choose images")).to_be_attached()


def live(page: Page, script: str) -> list[str]:
    """Run a service worker's install and activate in the page, with real caches; return its other actions."""
    did: list[str] = page.evaluate(LIFE % script)
    return did


def test_an_update_replaces_what_was_kept(visit: Visit, site: Site) -> None:
    page = install(visit)
    (old,) = page.evaluate("caches.keys()")
    script = requests.get(f"{site.url}/worker.js", timeout=60).text
    assert live(page, script.replace(old, "imagesite-next")) == ["skipped waiting", "claimed"]
    assert page.evaluate("caches.keys()") == ["imagesite-next"]


def test_turned_off_the_app_leaves_nothing(visit: Visit, site: Site) -> None:
    page = install(visit)
    assert len(page.evaluate(KEPT)) == 4
    assert live(page, site.run("-c", OFF)) == ["skipped waiting", "unregistered"]
    assert page.evaluate("caches.keys()") == []


LIFE = """(async () => {
    const [handlers, did] = [{}, []];
    const self = {
        addEventListener: (type, handler) => { handlers[type] = handler; },
        skipWaiting: async () => did.push("skipped waiting"),
        clients: {claim: async () => did.push("claimed")},
        registration: {unregister: async () => did.push("unregistered")},
    };
    ((self) => { %s })(self);
    for (const type of ["install", "activate"]) {
        let done;
        handlers[type]({waitUntil: (promise) => { done = promise; }});
        await done;
    }
    return did;
})()"""
OFF = """
import os
os.environ["INSTALLABLE"] = "false"
import django
django.setup()
from django.test import RequestFactory
from converter.web.views.app import worker
print(worker(RequestFactory().get("/worker.js")).content.decode())
"""
"""Print the service worker of a site that is no longer installable."""
