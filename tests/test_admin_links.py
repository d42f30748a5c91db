"""Links in the admin: staff with few permissions get no link to a page that responds with 403."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from converter import jobs
from converter.engine import Recipe as EngineRecipe
from converter.jobs.submit import submit
from converter.models import Job, Preferences, Quota, Recipe, RecipeLink, Share, Webhook
from converter.webhooks import outbox
from imagesite.accounts.models import ApiToken
from tests.test_person import member

pytestmark = pytest.mark.django_db

LINK = re.compile(r'href="(/admin/[^"?]*)')


def links(client: Client, page: str) -> set[str]:
    """Return the links of an admin page, including those of its header and sidebar."""
    answer = client.get(page)
    assert answer.status_code == 200, page
    return set(LINK.findall(answer.text))


@pytest.fixture
def rows(bob: Any) -> list[Any]:
    """One row in each table, all owned by bob."""
    batch = submit(bob, outputs=[EngineRecipe.parse({"format": "webp"})], files=[jobs.NewFile("a.jpg", 5)])
    recipe = Recipe.objects.create(owner=bob, name="mine", recipe={"format": "webp"})
    webhook = Webhook.objects.create(owner=bob, url="https://example.org/", events=[], secret="whsec_c2Vj")
    job = Job.objects.select_related("upload").get()
    return [
        bob,
        ApiToken.issue(bob, "shop")[0],
        batch,
        job,
        job.upload,
        recipe,
        webhook,
        outbox.send_test(webhook),
        Preferences.objects.create(owner=bob, retention=timedelta(days=3), recipe=recipe),
        Quota.objects.create(owner=bob),
        RecipeLink.objects.create(owner=bob, hash="0123456789abcdef", recipe=recipe.recipe),
        Share.objects.create(owner=bob, batch=batch, expires_at=batch.expires_at),
    ]


@pytest.mark.long
def test_staff_who_may_see_one_table_get_no_link_that_answers_403(
    alice: Any, rows: list[Any], subtests: pytest.Subtests
) -> None:
    for row in rows:
        table = f"/admin/{row._meta.app_label}/{row._meta.model_name}/"
        with subtests.test(table):
            client = member(alice, f"view_{row._meta.model_name}")
            found = links(client, table)
            assert f"{table}{row.pk}/change/" in found
            found |= links(client, f"{table}{row.pk}/change/")
            assert {link for link in found if client.get(link).status_code == 403} == set()


@pytest.mark.long
def test_staff_who_may_see_jobs_and_not_people_read_the_owner_as_text(
    alice: Any, bob: Any, rows: list[Any]
) -> None:
    client = member(alice, "view_job", "view_upload")
    for page in ("/admin/converter/job/", f"/admin/converter/job/{rows[3].pk}/change/", "/admin/overview/"):
        assert bob.email in client.get(page).text
        assert f"/admin/people/{bob.pk}/" not in links(client, page)
    client = member(alice, "view_job", "view_upload", "view_user")
    for page in ("/admin/converter/job/", f"/admin/converter/job/{rows[3].pk}/change/", "/admin/overview/"):
        assert f"/admin/people/{bob.pk}/" in links(client, page)
