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

pytestmark = pytest.mark.django_db(transaction=True)

MOST_QUERIES = 12
NOTHING = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def much(alice: Any, send: Callable[..., None], worker: RecordingDispatch) -> Batch:
    """Make enough of everything that a query a row would show."""
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


def test_no_page_asks_the_database_often(page: Client, alice: Any, much: Batch) -> None:
    """However much there is to be shown."""
    alice.is_staff = alice.is_superuser = True
    alice.save()
    share, job = much.shares.first(), much.jobs.order_by("position").first()
    assert share
    assert job
    samples = {
        "batches": str(much.pk),
        "deliveries": NOTHING,
        "jobs": str(job.pk),
        "problems": "truncated",
        "r": links.make(alice, engine.Recipe.parse({"format": "webp"})),
        "recipes": str(Recipe.objects.all()[0].pk),
        "reset": "x",
        "reset/": "x",
        "s": share.token,
        "s/": str(job.pk),
        "shares": str(share.pk),
        "tokens": str(ApiToken.objects.all()[0].pk),
        "webhooks": str(Webhook.objects.all()[0].pk),
    }
    often = {}
    for route in routes():
        path = address(route, samples)
        page.get(path)  # what is asked once and remembered does not count
        with CaptureQueriesContext(connection) as queries:
            response = page.get(path)
        assert response.status_code < 500, path
        if len(queries) > MOST_QUERIES:
            often[path] = [query["sql"][:200] for query in queries.captured_queries]
    assert often == {}
