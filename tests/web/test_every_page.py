from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from converter import engine, jobs
from converter.models import Batch, Recipe, Webhook
from converter.web import links
from imagesite.accounts.models import ApiToken
from tests.addresses import address, routes
from tests.conftest import make_photo
from tests.fakes import RecordingDispatch
from tests.web.conftest import submit

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]

MOST_QUERIES = 12
NOTHING = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def much(alice: Any, send: Callable[..., None], worker: RecordingDispatch) -> Batch:
    """Create enough rows of everything to reveal one query per row."""
    for _ in range(3):
        batch = submit(alice, *[make_photo()] * 4, recipes=[{"format": "webp"}, {"format": "jpeg"}])
        send(batch, *[make_photo()] * 4)
        worker.work()
        for _ in range(4):
            jobs.share(batch, list(batch.jobs.all()), timedelta(hours=1))
    for n in range(5):
        Recipe.objects.create(owner=alice, name=f"Mine {n}", recipe={"format": "webp"})
        ApiToken.objects.create(owner=alice, name=f"program {n}", digest=f"{n}" * 64, start=f"t{n}")
        Webhook.objects.create(
            owner=alice, url=f"https://example.org/{n}", events=["batch.finished"], secret="x"
        )
    return batch


@pytest.fixture
def samples(alice: Any, much: Batch) -> dict[str, str]:
    """Return values for the placeholders in Alice's URLs; she is staff."""
    alice.is_staff = alice.is_superuser = True
    alice.save()
    share, job = much.shares.first(), much.jobs.order_by("position").first()
    assert share
    assert job
    return {
        "batches": str(much.pk),
        "job": str(job.pk),
        "deliveries": NOTHING,
        "jobs": str(job.pk),
        "logos": NOTHING,
        "people": str(alice.pk),
        "problems": "truncated",
        "r": links.make(alice, engine.Recipe.parse({"format": "webp"})),
        "recipes": str(Recipe.objects.all()[0].pk),
        "reset": "x",
        "reset/": "x",
        "s": share.token,
        "s/": str(job.pk),
        "shares": str(share.pk),
        "signup": "no-such-invitation",
        "tokens": str(ApiToken.objects.all()[0].pk),
        "webhooks": str(Webhook.objects.all()[0].pk),
    }


def test_no_page_asks_the_database_often(page: Client, samples: dict[str, str]) -> None:
    """However many rows there are."""
    often = {}
    for route in routes():
        path = address(route, samples)
        page.get(path)  # fill the caches first
        with CaptureQueriesContext(connection) as queries:
            response = page.get(path)
        assert response.status_code < 500, path
        if len(queries) > MOST_QUERIES:
            often[path] = [query["sql"][:200] for query in queries.captured_queries]
    assert often == {}


def test_no_page_of_a_person_is_stored_by_a_browser(page: Client, samples: dict[str, str]) -> None:
    """So that Back shows nothing after log-out on a shared computer."""
    stored, kept_out = [], 0
    for route in [*routes(), "accounts/data/", "admin/", "admin/converter/job/", "api/v1/batches"]:
        path = address(route, samples)
        path = path if path.startswith("/") else f"/{path}"
        response = page.get(path)
        if response.status_code == 405:
            continue
        of_stranger = Client().get(path)
        is_closed = of_stranger.status_code == 401 or "/login/" in of_stranger.get("Location", "")
        of_person = is_closed or b"alice@example.org" in response.content
        kept = "no-store" not in response.get("Cache-Control", "")
        if of_person and kept:
            stored.append(path)
        kept_out += of_person
    assert stored == []
    assert kept_out > 10


def test_public_pages_may_be_cached(client: Client, db: None) -> None:
    for path in ("/formats/", "/api/v1/openapi.json"):
        assert "no-store" not in client.get(path).get("Cache-Control", "")
