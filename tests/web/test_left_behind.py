"""What a visit leaves in the browser's cache, on the page and in the log."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from imagesite.logs import RedactSecrets
from tests.conftest import text

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "path", ["/accounts/data/", "/accounts/", "/convert/", "/batches/", "/recipes/", "/accounts/tokens/"]
)
def test_personal_pages_are_not_cached(page: Client, path: str) -> None:
    assert "no-store" in page.get(path)["Cache-Control"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/" + "x" * 200_000, "text/plain"),
        ("/s/" + "x" * 9_000 + "/", "text/plain"),
        ("/?" + "x" * 9_000, "text/plain"),
        ("/api/v1/" + "x" * 200_000, "application/problem+json"),
        ("/uploads?" + "x" * 9_000, "application/problem+json"),
    ],
    ids=["path", "share", "query", "API", "upload"],
)
def test_a_long_address_is_neither_repeated_nor_logged(
    client: Client, path: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.get(path)
    assert (response.status_code, response["Content-Type"]) == (414, kind)
    assert "This address is too long." in text(response)
    assert "xxx" not in text(response)
    redact = RedactSecrets()
    assert all(redact.filter(record) for record in caplog.records)
    assert all(len(record.getMessage()) < 1_100 for record in caplog.records)


def test_an_address_of_8000_letters_is_looked_up(client: Client, alice: Any) -> None:
    assert client.get("/" + "x" * 8_000).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/results/SECRET/photo%0Aname.webp",
        "/results/SECRET",
        "/s/SECRET/more/of/it/",
        "/accounts/password/reset/MQ/SECRET/more/",
        "/accounts/signup/SECRET/more/",
    ],
)
def test_no_secret_of_an_address_is_logged_even_where_it_leads_nowhere(
    client: Client, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.get(path).status_code in (301, 302, 404)
    redact = RedactSecrets()
    assert all(redact.filter(record) for record in caplog.records)
    assert not any("SECRET" in record.getMessage() for record in caplog.records)
