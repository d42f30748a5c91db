"""The real server in its own process, with its own worker pool, SQLite and a folder; and user actions."""

from __future__ import annotations

import itertools
import json
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from playwright.sync_api import Dialog, FilePayload, Locator, Page

from tests.server import ROOT, Server

PASSWORD = "correct horse battery"
NAMES = itertools.count()
HEIC = ROOT / "tests/engine/files/phone.heic"
SIZES = {"phone": (360, 740), "desktop": (1440, 900)}
PICTURES = ROOT / "build" / "e2e"
"""The folder for screenshots, ignored by git."""

SESSIONS = "sessions"
"""The file in the data folder with the sessions of logged-in users, the staff user's first."""

Visit = Callable[..., Page]
"""The type of the fixture `visit`, which opens the site in a new window."""

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
    """The server of this run, with access to its database. A copied data folder already has users."""

    def __init__(self, data: Path, like: Path | None = None) -> None:
        super().__init__(data, like)
        if not like:
            self.prepare()
            bring_people(self)
        self.staff_session, *self.sessions = (data / SESSIONS).read_text().split()
        self.log = data / "server.log"
        with self.log.open("w") as log:
            self.start(log)

    def set(self, table: str, pk: str, **values: object) -> None:
        """Change a database row directly, to simulate elapsed time or a crash."""
        names = ", ".join(f"{name} = ?" for name in values)
        with closing(sqlite3.connect(self.data / "db.sqlite3", timeout=20)) as rows, rows:
            row = uuid.UUID(pk).hex
            done = rows.execute(f"UPDATE {table} SET {names} WHERE id = ?", [*values.values(), row])
            assert done.rowcount == 1


def bring_people(server: Server) -> None:
    """Add logged-in users: signing up takes a second, so only its own tests do it."""
    (server.data / SESSIONS).write_text(server.python(PEOPLE))


def log_in(page: Page, site: Site, session: str) -> None:
    page.context.add_cookies([{"name": "session", "value": session, "url": site.url}])


def sign_up(page: Page) -> None:
    page.goto("/accounts/signup/")
    page.get_by_label("E-mail address").fill(f"person{next(NAMES)}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url("**/convert/")


def photo(name: str, content: bytes, kind: str = "image/jpeg") -> FilePayload:
    return {"name": name, "mimeType": kind, "buffer": content}


def follow(link: Locator) -> None:
    """Click on a link to another page, and wait until its scripts can handle events."""
    link.click()
    link.page.wait_for_load_state()


def expect_a_warning_about_leaving(page: Page) -> None:
    """Leave the page, and stay when the browser asks. Browsers ask only users who have done something."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    before = page.url
    page.on("dialog", stay)
    with page.expect_event("dialog"):
        page.evaluate("setTimeout(() => location.assign('/recipes/'))")
    assert asked == ["beforeunload"]
    assert page.url == before


def wait_until_done(page: Page) -> None:
    """Wait for the batch that is being sent.

    A single result downloads automatically, which would cancel a navigation started before.
    """
    page.wait_for_url("**/batches/*/")
    page.locator("#batch:not([hx-get])").wait_for()
    page.wait_for_function(
        "() => !document.querySelector('[data-only]') || sessionStorage.getItem('made') !== location.pathname"
    )


def convert(page: Page, files: list[FilePayload]) -> None:
    """Send the files with the current options, and wait until the batch is done."""
    page.locator("#id_images").set_input_files(files)
    page.locator("[data-submit]").click()
    wait_until_done(page)


def wait_for_pictures(images: Locator) -> None:
    """Wait until all of the images are present and loaded."""
    images.first.wait_for()
    images.evaluate_all("images => Promise.all(images.map((image) => image.decode()))")


def recipes(page: Page, site: Site) -> list[Any]:
    """Return the recipes of the batch on the page, in order."""
    page.wait_for_url("**/batches/*/")
    pk = page.url.rstrip("/").rsplit("/", 1)[-1].replace("-", "")
    found = site.rows("SELECT recipe FROM converter_job WHERE batch_id = ? ORDER BY position", pk)
    return [json.loads(recipe) for (recipe,) in found]
