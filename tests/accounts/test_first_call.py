"""The command shown with a new token works when pasted."""

from __future__ import annotations

import html
import re
import shlex
from typing import Any

import pytest
from django.test import Client

from tests.conftest import make_photo, text
from tests.fakes import RecordingDispatch
from tests.web.conftest import sent

pytestmark = pytest.mark.django_db(transaction=True)


def command(page: Client, scope: str) -> list[str]:
    shown = text(page.post("/accounts/tokens/", {"name": "first", "scope": scope, "days": "30"}))
    found = re.search(r'<code id="first-call">(.*?)</code>', shown, re.DOTALL)
    assert found
    assert 'data-copy="first-call"' in shown
    return shlex.split(html.unescape(found[1]))


def bearer(words: list[str]) -> dict[str, str]:
    return {"Authorization": words[words.index("-H") + 1].partition(": ")[2]}


def test_the_command_converts_a_photo(
    page: Client, worker: RecordingDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = command(page, "write")
    fields = dict(words[n + 1].split("=", 1) for n, word in enumerate(words) if word == "-F")
    assert fields["file"] == "@photo.jpg"
    from converter.api import waiting

    monkeypatch.setattr(waiting, "until_done", lambda *args: bool(worker.work()) or True)
    body: Any = {"file": sent("photo.jpg", make_photo()), "recipe": fields["recipe"]}
    response = Client().post(words[-1], body, headers=bearer(words))
    assert response.status_code == 200
    assert response.content[8:12] == b"WEBP"


def test_a_token_that_may_only_read_gets_a_command_that_reads(page: Client) -> None:
    words = command(page, "read")
    assert Client().get(words[-1], headers=bearer(words)).status_code == 200
