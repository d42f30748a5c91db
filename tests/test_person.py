"""The staff page about one user, and the button that retries a job."""

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
from converter.models import Job, Quota, Upload, Usage
from tests.test_admin import root, run_action, staff

__all__ = ["root", "staff"]

pytestmark = [pytest.mark.django_db, pytest.mark.long]

CUT = {"status": "failed", "error_code": "truncated", "error_params": {}, "error_message": "Cut off."}
FULL = {"status": "failed", "error_code": "no_room", "error_params": {}, "error_message": "Full."}


def jobs_of(owner: Any, *ends: dict[str, Any], here: bool = True) -> list[Job]:
    """Make one job for each set of fields, with uploads that have arrived."""
    for n, end in enumerate(ends):
        batch = submit(
            owner, outputs=[engine.Recipe.parse({"format": "webp"})], files=[jobs.NewFile(f"{n}.jpg", 500)]
        )
        batch.jobs.update(**end)
    Upload.objects.filter(owner=owner).update(received_at=timezone.now() if here else None)
    return list(Job.objects.filter(owner=owner).order_by("created_at"))


def page_of(user: Any) -> str:
    return f"/admin/people/{user.pk}/"


def member(user: Any, *rights: str) -> Client:
    """Return the browser of a user who becomes a staff member with these permissions."""
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client = Client()
    client.force_login(user)
    return client


def test_it_says_what_a_person_has_used_of_their_quota(staff: Client, alice: Any, settings: Any) -> None:
    jobs_of(alice, {"status": "finished", "result_size": 1_500_000})
    Quota.objects.create(owner=alice, bytes_kept=3_000_000)
    settings.CONVERTER_JOBS_A_DAY = 0
    use = staff.get(page_of(alice)).context["use"]
    assert use == jobs.QuotaUse(jobs_today=1, most_jobs=0, bytes_kept=1_500_500, most_bytes=3_000_000)
    text = re.sub(r"<[^>]+>", "", html.unescape(staff.get(page_of(alice)).text)).replace("\xa0", " ")
    assert "1 no limit" in text
    assert "1.5 MB of 3.0 MB" in text


def test_usage_of_yesterday_does_not_count(staff: Client, alice: Any) -> None:
    jobs_of(alice, {})
    Usage.objects.update(hour=timezone.now() - timedelta(hours=30))
    assert staff.get(page_of(alice)).context["use"].jobs_today == 0


def test_it_says_why_jobs_failed(staff: Client, alice: Any, bob: Any) -> None:
    jobs_of(alice, CUT, {"status": "finished"})
    jobs_of(bob, FULL)
    page = staff.get(page_of(alice))
    (reason,) = [row["reason"] for row in page.context["failures"]]
    assert reason == ("The end of this file is missing. Copy or download the original again, then upload it.")
    assert reason in page.text
    assert {label: n for label, n, _ in page.context["states"]} == {"Failed": 1, "Finished": 1}
    assert len(page.context["newest"]) == 2


def test_each_link_leads_to_what_it_says(staff: Client, alice: Any, bob: Any) -> None:
    jobs_of(alice, CUT, FULL, {"status": "finished"})
    jobs_of(bob, CUT)
    seen = staff.get(page_of(alice)).context
    for _name, n, url in [*seen["states"], ("all", 3, seen["jobs_url"]), ("failed", 2, seen["failures_url"])]:
        assert staff.get(url).context["cl"].result_count == n
    for _name, url in seen["links"]:
        assert staff.get(url).status_code == 200, url
    Quota.objects.create(owner=alice)
    assert f"/admin/converter/quota/{alice.pk}/change/" in staff.get(page_of(alice)).text


def test_it_costs_at_most_twelve_queries(alice: Any, bob: Any) -> None:
    client = member(bob, "view_user", "view_job", "change_job", "view_batch")
    jobs_of(alice, *[CUT, FULL] * 8)
    job = jobs_of(alice)[0]
    Job.objects.filter(pk=job.pk).update(images=2, created_at=timezone.now())
    for n in range(2):
        job.sources.create(upload=job.upload, position=n)
    client.get(page_of(alice))
    with CaptureQueriesContext(connection) as queries:
        assert len(client.get(page_of(alice)).context["failures"]) == 10
    assert len(queries) <= 12, [query["sql"][:150] for query in queries.captured_queries]


def test_it_needs_no_inline_style_or_script(staff: Client, alice: Any) -> None:
    jobs_of(alice, CUT, FULL)
    text = staff.get(page_of(alice)).text
    content = text[text.index('id="content-main"') :]
    assert not re.search(r"\sstyle=|<style|<script(?![^>]*src)", content)


def test_only_staff_who_may_see_people_and_jobs_see_it(alice: Any, bob: Any) -> None:
    client = member(alice, "view_user")
    assert client.get(page_of(bob)).status_code == 403
    client = member(alice, "view_user", "view_job")
    page = client.get(page_of(bob))
    assert page.status_code == 200
    assert page.context["links"] == []
    assert Client().get(page_of(bob)).status_code == 302


def test_lists_lead_to_the_person(staff: Client, alice: Any) -> None:
    jobs_of(alice, CUT)
    for path in ("accounts/user", "converter/job", "converter/batch", "converter/upload"):
        assert f'href="{page_of(alice)}"' in staff.get(f"/admin/{path}/").text
    assert f'href="{page_of(alice)}"' in staff.get(f"/admin/accounts/user/{alice.pk}/change/").text


def test_retry_is_enabled_if_it_may_help_and_otherwise_disabled_with_the_reason(
    staff: Client, alice: Any
) -> None:
    jobs_of(alice, CUT, FULL, {"status": "cancelled"}, {"status": "finished"})
    page = staff.get("/admin/converter/job/?o=8").text
    assert page.count("/retry/") == 2
    assert re.findall(r'disabled>Retry</button> <span class="reason">([^<]*)', page) == [
        "It would fail again."
    ]


def test_without_its_image_no_job_is_retried(staff: Client, alice: Any) -> None:
    (job,) = jobs_of(alice, FULL, here=False)
    page = staff.get(f"/admin/converter/job/{job.pk}/change/").text
    assert "nothing to retry" in page
    assert "formaction" not in page


def test_staff_who_may_only_look_see_no_button(alice: Any, bob: Any) -> None:
    (job,) = jobs_of(alice, FULL)
    client = member(bob, "view_job", "view_user")
    for page in ("/admin/converter/job/", f"/admin/converter/job/{job.pk}/change/", page_of(alice)):
        assert "formaction" not in client.get(page).text
    assert client.post(f"/admin/converter/job/{job.pk}/retry/").status_code == 403


def test_a_button_retries_one_job_and_returns_to_its_page(staff: Client, alice: Any) -> None:
    full, other = jobs_of(alice, FULL, FULL)
    url = f"/admin/converter/job/{full.pk}/retry/"
    assert staff.get(url).status_code == 405
    came_from = f"http://testserver{page_of(alice)}"
    assert staff.post(url, headers={"referer": came_from})["location"] == came_from
    assert [Job.objects.get(pk=job.pk).status for job in (full, other)] == ["queued", "failed"]
    assert LogEntry.objects.get().object_id == str(full.pk)
    away = staff.post(url, headers={"referer": "https://example.org/"})["location"]
    assert away == f"/admin/converter/job/{full.pk}/change/"


def test_no_action_retries_a_job_that_would_fail_again(staff: Client, alice: Any) -> None:
    (job,) = jobs_of(alice, CUT)
    assert run_action(staff, "converter/job", "retry", job) == [
        "Retried: 0 of 1.",
        "1 × It would fail again.",
    ]
    assert run_action(staff, "converter/batch", "retry", job.batch) == [
        "Retried: 0 of 1.",
        "1 × No job of this batch can be retried.",
    ]
    assert Job.objects.get().status == "failed"


@pytest.mark.parametrize("end", [CUT, FULL, {"status": "cancelled"}, {"status": "queued"}])
@pytest.mark.parametrize("here", [True, False])
def test_staff_and_owner_are_offered_the_same(
    staff: Client, client: Client, alice: Any, end: dict[str, Any], here: bool
) -> None:
    (job,) = jobs_of(alice, end, here=here)
    client.force_login(alice)
    by_owner = f"/jobs/{job.pk}/retry/" in client.get(f"/jobs/{job.pk}/").text
    assert (f"{job.pk}/retry/" in staff.get("/admin/converter/job/").text) == by_owner
