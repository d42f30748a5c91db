from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from converter import engine, jobs
from converter.jobs.submit import submit
from converter.models import Batch, Job, Upload
from tests.test_admin import root, staff

__all__ = ["root", "staff"]

pytestmark = pytest.mark.django_db

PAGE = "/admin/overview/"


def fill(owner: Any, count: int) -> None:
    """Submit this many batches with one image each."""
    for n in range(count):
        submit(owner, outputs=[engine.Recipe.parse({"format": "webp"})], files=[jobs.NewFile(f"{n}.jpg", 5)])


def rows(client: Client, url: str) -> int:
    """Return the number of rows in a staff list."""
    response = client.get(url)
    assert response.status_code == 200, url  # an unknown filter redirects
    return response.context["cl"].result_count  # type: ignore[no-any-return]


@pytest.fixture
def day(alice: Any, bob: Any) -> None:
    """Twenty jobs finished, two failed and one queued today; one failed two days ago."""
    fill(alice, 22)
    fill(bob, 2)
    now = timezone.now()
    for n, pk in enumerate(Job.objects.filter(owner=alice).values_list("pk", flat=True)):
        Job.objects.filter(pk=pk).update(
            status="finished", milliseconds=(n + 1) * 10, result_size=1000, result_format="webp"
        )
    for pk in Job.objects.filter(owner=alice).values_list("pk", flat=True)[:2]:
        Job.objects.filter(pk=pk).update(
            status="failed", error_code="truncated", milliseconds=None, result_size=None
        )
    waiting, old = Job.objects.filter(owner=bob).values_list("pk", flat=True)
    Job.objects.filter(pk=waiting).update(status="queued", queued_at=now - timedelta(minutes=10))
    Job.objects.filter(pk=old).update(
        status="failed", error_code="too_large", created_at=now - timedelta(days=2)
    )
    Upload.objects.update(received_at=now)


@pytest.mark.long
def test_it_counts_the_last_day(staff: Client, day: None, bob: Any) -> None:
    seen = staff.get(PAGE).context
    assert seen["total"] == 23
    assert {str(label): n for label, n, _ in seen["states"] if n} == {
        "Finished": 20,
        "Failed": 2,
        "Queued": 1,
    }
    assert seen["sent"] == 20_000
    assert seen["received"] == {"n": 24, "bytes": 120}
    assert [(row["error_code"], row["n"]) for row in seen["failures"]] == [("truncated", 2)]
    assert [(row["owner__email"], row["n"]) for row in seen["busiest"]] == [
        ("alice@example.org", 22), ("bob@example.org", 1),
    ]  # fmt: skip
    assert [job.owner for job in seen["waiting"]] == [bob]
    assert seen["stuck"] == 1
    assert seen["results_held"] == {"n": 20, "bytes": 20_000}
    assert seen["uploads_held"] == {"n": 24, "bytes": 120}


@pytest.mark.long
def test_the_percentiles_are_by_nearest_rank(staff: Client, alice: Any) -> None:
    fill(alice, 23)
    for n, pk in enumerate(Job.objects.values_list("pk", flat=True)):
        last = n >= 20
        Job.objects.filter(pk=pk).update(
            milliseconds=(n - 19) * 7 if last else (n + 1) * 10, output_format="png" if last else "webp"
        )
    times = {row["format"]: (row["n"], row["p50"], row["p95"]) for row in staff.get(PAGE).context["times"]}
    assert times == {"webp": (20, 100, 190), "png": (3, 14, 21)}


@pytest.mark.long
def test_an_hour_is_a_bar_as_high_as_its_jobs(staff: Client, day: None) -> None:
    Job.objects.filter(status="queued").update(created_at=timezone.now() - timedelta(hours=5))
    seen = staff.get(PAGE).context
    assert len(seen["hours"]) == 24
    drawn = {hour.start.hour: hour for hour in seen["hours"] if hour.total}
    assert sorted(hour.total for hour in drawn.values()) == [1, 22]
    highest = max(drawn.values(), key=lambda hour: hour.total)
    assert highest.counts == {"made": 20, "failed": 2}
    assert sum(part.height for part in highest.parts) == pytest.approx(120, abs=0.1)
    assert rows(staff, highest.url) == 22


@pytest.mark.long
def test_each_figure_leads_to_its_rows(staff: Client, day: None) -> None:
    seen = staff.get(PAGE).context
    figures = [(n, url) for _, n, url in seen["states"]]
    figures += [(row["n"], row["url"]) for name in ("times", "failures", "busiest") for row in seen[name]]
    figures += [(seen["total"], seen["total_url"]), (seen["stuck"], seen["stuck_url"])]
    figures += [
        (seen[name]["n"], seen[f"{name}_url"]) for name in ("received", "uploads_held", "results_held")
    ]
    shown = html.unescape(staff.get(PAGE).text)
    for n, url in figures:
        assert url in shown
        assert rows(staff, url) == n, url


@pytest.mark.long
def test_it_needs_the_same_queries_for_a_full_table_as_for_an_empty_one(staff: Client, alice: Any) -> None:
    with CaptureQueriesContext(connection) as empty:
        assert staff.get(PAGE).status_code == 200
    fill(alice, 30)
    with CaptureQueriesContext(connection) as full:
        assert staff.get(PAGE).status_code == 200
    assert len(full) == len(empty) <= 12


@pytest.mark.long
def test_it_needs_no_inline_style_or_script(staff: Client, day: None) -> None:
    text = staff.get(PAGE).text
    content = text[text.index('id="content-main"') :]
    assert not re.search(r"\sstyle=|<style|<script(?![^>]*src)", content)


def test_the_index_leads_to_it(staff: Client) -> None:
    assert f'href="{PAGE}"' in staff.get("/admin/").text


def test_only_staff_who_may_see_jobs_see_it(alice: Any) -> None:
    client = Client()
    client.force_login(alice)
    assert client.get(PAGE).status_code == 302
    alice.is_staff = True
    alice.save()
    assert client.get(PAGE).status_code == 403
    alice.user_permissions.set(Permission.objects.filter(codename__in=["view_job", "view_upload"]))
    assert client.get(PAGE).status_code == 200


@pytest.mark.parametrize("model", ["job", "upload"])
def test_looking_at_an_image_leaves_a_trace(
    staff: Client, root: Any, alice: Any, photo: bytes, send: Any, worker: Any, model: str
) -> None:
    fill(alice, 1)
    job = Job.objects.get()
    pk = job.pk if model == "job" else job.upload_id
    page = f"/admin/converter/{model}/{pk}/change/"
    staff.get(page)
    assert not LogEntry.objects.exists()  # there is no image yet
    send(Batch.objects.get(), photo)
    worker.work()
    assert "<img" in staff.get(page).text
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.change_message) == (root, str(pk), "Viewed image.")


def test_users_without_permission_have_no_link_to_the_overview(staff: Client, django_user_model: Any) -> None:
    assert PAGE in staff.get("/admin/").content.decode()
    without = Client()
    without.force_login(django_user_model.objects.create_user("clerk@example.org", "x", is_staff=True))
    found = without.get("/admin/")
    assert found.status_code == 200
    assert PAGE not in found.content.decode()
