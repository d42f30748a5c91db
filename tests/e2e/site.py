"""The real server in its own process, with its own pool of workers, SQLite and a folder; and what people do on it."""

from __future__ import annotations

import itertools
import json
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload, Locator, Page

from tests.server import ROOT, Server

PASSWORD = "correct horse battery"
NAMES = itertools.count()
HEIC = ROOT / "tests/engine/files/phone.heic"
SIZES = {"phone": (360, 740), "desktop": (1440, 900)}
PICTURES = ROOT / "build" / "e2e"
"""Where the tests leave pictures of what they saw; git ignores it."""

SESSIONS = "sessions"
"""The file in the data folder with the sessions of those who are logged in, the staff's first."""

Visit = Callable[..., Page]
"""What the fixture `visit` is: it opens the site in a window of its own."""

PEOPLE = """
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore

for n in range(300):
    person = get_user_model().objects.create(email=f"known{n}@example.org", is_staff=n == 0, is_superuser=n == 0)
    session = SessionStore()
    session.update({
        "_auth_user_id": str(person.pk),
        "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
        "_auth_user_hash": person.get_session_auth_hash(),
    })
    session.create()
    print(session.session_key)
"""


class Site(Server):
    """The server of this run, and a way to act in its database. Where it begins as a copy, there are people already."""

    def __init__(self, data: Path, like: Path | None = None) -> None:
        super().__init__(data, like)
        if not like:
            self.prepare()
            bring_people(self)
        self.staff_session, *self.sessions = (data / SESSIONS).read_text().split()
        self.start()

    def set(self, table: str, pk: str, **values: object) -> None:
        """Change a row behind the site's back, as time or a crash would."""
        names = ", ".join(f"{name} = ?" for name in values)
        with closing(sqlite3.connect(self.data / "db.sqlite3", timeout=20)) as rows, rows:
            row = uuid.UUID(pk).hex
            done = rows.execute(f"UPDATE {table} SET {names} WHERE id = ?", [*values.values(), row])
            assert done.rowcount == 1


def bring_people(server: Server) -> None:
    """Add people who are logged in: signing up takes a second, so only the tests of it do it."""
    (server.data / SESSIONS).write_text(server.python(PEOPLE))


def log_in(page: Page, site: Site, session: str) -> None:
    page.context.add_cookies([{"name": "session", "value": session, "url": site.url}])


def sign_up(page: Page) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("E-mail address").fill(f"person{next(NAMES)}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password confirmation").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/convert/")


def photo(name: str, content: bytes, kind: str = "image/jpeg") -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": content}


def follow(link: Locator) -> None:
    """Click on what leads to another page, and wait for its scripts: before, they hear of nothing."""
    link.click()
    link.page.wait_for_load_state()


def wait_until_done(page: Page) -> None:
    """Wait for the batch that is being sent.

    The download of a single result begins by itself: whatever is clicked before would come to nothing by it.
    """
    page.wait_for_url("**/batches/*/")
    page.locator("#batch:not([hx-get])").wait_for()
    page.wait_for_function(
        "() => !document.querySelector('[data-only]') || sessionStorage.getItem('made') !== location.pathname"
    )


def convert(page: Page, files: list[FilePayload]) -> None:
    """Send the files with the options as they are, and wait for the batch to be done."""
    page.locator("#id_images").set_input_files(files)
    page.locator("[data-submit]").click()
    wait_until_done(page)


def wait_for_pictures(images: Locator) -> None:
    """Wait until each of the images is there and loaded."""
    images.first.wait_for()
    images.evaluate_all("images => Promise.all(images.map((image) => image.decode()))")


def recipes(page: Page, site: Site) -> list[Any]:
    """Return the recipes of the batch that the page shows, in order."""
    page.wait_for_url("**/batches/*/")
    pk = page.url.rstrip("/").rsplit("/", 1)[-1].replace("-", "")
    found = site.rows("SELECT recipe FROM converter_job WHERE batch_id = ? ORDER BY position", pk)
    return [json.loads(recipe) for (recipe,) in found]
