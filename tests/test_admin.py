from __future__ import annotations

from datetime import timedelta
from operator import attrgetter
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from converter import jobs
from converter.admin.base import BoundedPaginator
from converter.engine import Recipe as EngineRecipe
from converter.jobs.submit import submit
from converter.models import (
    Batch,
    Delivery,
    Job,
    Preferences,
    Quota,
    Recipe,
    RecipeLink,
    Share,
    Upload,
    Webhook,
)
from converter.webhooks import outbox
from imagesite.accounts.models import ApiToken, User
from tests.browser import chromium
from tests.conftest import make_photo

pytestmark = [pytest.mark.django_db, pytest.mark.long]

LISTS = [
    "converter/job", "converter/batch", "converter/upload", "converter/recipe", "converter/webhook",
    "converter/delivery", "converter/share", "converter/preferences", "converter/recipelink", "converter/quota", "accounts/user", "accounts/apitoken",
]  # fmt: skip


@pytest.fixture
def root(django_user_model: Any) -> Any:
    return django_user_model.objects.create_superuser("root@example.org", "correct horse battery")


@pytest.fixture
def staff(root: Any) -> Client:
    client = Client()
    client.force_login(root)
    return client


def fill(owner: Any, count: int) -> None:
    for n in range(count):
        user = User.objects.create(email=f"{User.objects.count()}@example.org")
        ApiToken.issue(user, "test")
        recipe = Recipe.objects.create(owner=user, name="r", recipe={"format": "webp"})
        RecipeLink.objects.create(owner=user, hash="0123456789abcdef", recipe=recipe.recipe)
        Preferences.objects.create(owner=user, retention=timedelta(days=3), recipe=recipe)
        Quota.objects.create(owner=user)
        webhook = Webhook.objects.create(
            owner=user, url="https://example.org/", events=[], secret="whsec_c2VjcmV0"
        )
        outbox.send_test(webhook)
        batch = submit(
            user, outputs=[EngineRecipe.parse({"format": "webp"})], files=[jobs.NewFile(f"{n}.jpg", 5)]
        )
        Share.objects.create(owner=user, batch=batch, expires_at=batch.expires_at)


def test_a_list_needs_the_same_queries_for_three_rows_and_for_thirty(
    staff: Client, alice: Any, subtests: pytest.Subtests
) -> None:
    fill(alice, 3)
    few = {}
    for path in LISTS:
        with CaptureQueriesContext(connection) as few[path]:
            assert staff.get(f"/admin/{path}/").status_code == 200
    fill(alice, 27)
    for path in LISTS:
        with subtests.test(path=path):
            with CaptureQueriesContext(connection) as many:
                response = staff.get(f"/admin/{path}/")
            assert len(many) == len(few[path])
            assert len(response.context["cl"].result_list) >= 30


def test_a_list_is_searched_by_owner_and_id(staff: Client, alice: Any, subtests: pytest.Subtests) -> None:
    fill(alice, 2)
    for path, rows, owner in [
        ("converter/job", Job.objects.all(), "owner"),
        ("converter/batch", Batch.objects.all(), "owner"),
        ("converter/upload", Upload.objects.all(), "owner"),
        ("converter/recipe", Recipe.objects.all(), "owner"),
        ("converter/webhook", Webhook.objects.all(), "owner"),
        ("converter/delivery", Delivery.objects.all(), "webhook.owner"),
        ("converter/share", Share.objects.all(), "owner"),
        ("accounts/user", User.objects.filter(is_staff=False), ""),
        ("accounts/apitoken", ApiToken.objects.all(), "owner"),
    ]:
        row = rows.order_by("pk").last()
        assert row
        email = attrgetter(f"{owner}.email" if owner else "email")(row)
        for term, count in [(str(row.pk), 1), (email, 1), ("nobody-at-all", 0)]:
            with subtests.test(path=path, term=term):
                response = staff.get(f"/admin/{path}/", {"q": term})
                assert len(response.context["cl"].result_list) == count


def test_the_secret_of_a_webhook_is_not_shown(staff: Client, alice: Any) -> None:
    fill(alice, 1)
    webhook = Webhook.objects.get()
    for page in ("/admin/converter/webhook/", f"/admin/converter/webhook/{webhook.pk}/change/"):
        assert webhook.secret not in staff.get(page).text


def test_a_webhook_is_paused_and_resumed_with_a_trace(staff: Client, alice: Any) -> None:
    webhook = Webhook.objects.create(owner=alice, url="https://example.org/", events=[], secret="whsec_")
    assert run_action(staff, "converter/webhook", "pause", webhook) == ["Paused: 1 of 1."]
    assert Webhook.objects.get().disabled_at
    assert run_action(staff, "converter/webhook", "pause", webhook) == ["Paused: 0 of 1."]
    assert run_action(staff, "converter/webhook", "resume", webhook) == ["Resumed: 1 of 1."]
    assert Webhook.objects.get().disabled_at is None
    traces = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    assert list(traces) == ["Paused.", "Resumed."]


def test_a_link_is_revoked_by_staff_and_never_shown(staff: Client, alice: Any) -> None:
    fill(alice, 1)
    share = Share.objects.get()
    for page in ("/admin/converter/share/", f"/admin/converter/share/{share.pk}/change/"):
        assert share.token not in staff.get(page).text
    assert run_action(staff, "converter/share", "revoke", share) == ["Revoked: 1 of 1."]
    assert Share.objects.get().revoked_at
    assert LogEntry.objects.get().change_message == "Revoked."


def test_jobs_are_searched_by_the_name_of_the_image(staff: Client, alice: Any) -> None:
    fill(alice, 12)
    found = staff.get("/admin/converter/job/", {"q": "11.jpg"}).context["cl"].result_list
    assert [job.upload.name for job in found] == ["11.jpg"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status__exact": "failed"}, {"failed"}),
        ({"error_code": "truncated"}, {"failed"}),
        ({"age": "stuck"}, {"queued"}),
        ({"age": "unfinished"}, {"queued", "awaiting_upload"}),
        ({"output_format": "webp"}, {"failed", "queued", "awaiting_upload", "finished"}),
        ({"output_format": "png"}, set()),
    ],
)
def test_jobs_are_filtered(staff: Client, alice: Any, query: dict[str, str], expected: set[str]) -> None:
    fill(alice, 4)
    failed, queued, finished, _ = Job.objects.all()
    Job.objects.filter(pk=failed.pk).update(status="failed", error_code="truncated", error_message="Cut off.")
    Job.objects.filter(pk=queued.pk).update(status="queued", queued_at=timezone.now() - timedelta(hours=1))
    Job.objects.filter(pk=finished.pk).update(status="finished", result_format="webp")
    response = staff.get("/admin/converter/job/", query)
    assert {job.status for job in response.context["cl"].result_list} == expected


def run_action(staff: Client, path: str, name: str, *rows: Any, **more: str) -> list[str]:
    chosen = {"action": name, "_selected_action": [row.pk for row in rows], **more}
    response = staff.post(f"/admin/{path}/", chosen, follow=True)
    return [str(message) for message in response.context["messages"]]


def test_jobs_are_cancelled_with_a_count_and_a_trace(staff: Client, root: Any, alice: Any) -> None:
    fill(alice, 3)
    rows = list(Job.objects.all())
    jobs.cancel(rows[0])
    said = run_action(staff, "converter/job", "cancel", *rows)
    assert said[0] == "Cancelled: 2 of 3."
    assert said[1].startswith("1 × Only an unfinished job can be")
    assert set(Job.objects.values_list("status", flat=True)) == {"cancelled"}
    assert {(entry.user, entry.object_id) for entry in LogEntry.objects.all()} == {
        (root, str(row.pk)) for row in rows[1:]
    }


def test_a_failed_job_is_retried(
    staff: Client, alice: Any, send: Any, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    fill(alice, 1)
    send(Batch.objects.get(), make_photo())
    worker.work()
    Job.objects.update(status="failed", error_code="gave_up")
    with django_capture_on_commit_callbacks(execute=True):
        assert run_action(staff, "converter/job", "retry", Job.objects.get()) == ["Retried: 1 of 1."]
    assert Job.objects.get().status == "queued"
    assert worker.asked


def test_a_batch_is_expired(staff: Client, alice: Any, send: Any, worker: Any, folders: Any) -> None:
    fill(alice, 1)
    send(Batch.objects.get(), make_photo())
    worker.work()
    assert run_action(staff, "converter/batch", "expire", Batch.objects.get()) == ["Expired: 1 of 1."]
    assert Job.objects.get().status == "expired"
    assert [path for path in folders.rglob("*") if path.is_file()] == []
    assert LogEntry.objects.get().change_message == "Expired."


def test_the_batches_of_jobs_are_expired(staff: Client, alice: Any) -> None:
    fill(alice, 2)
    said = run_action(staff, "converter/job", "expire", Job.objects.first())
    assert said == ["Batches expired: 1 of 1."]
    assert Batch.objects.filter(expired_at=None).count() == 1


def test_rows_are_shown_completely_and_cannot_be_edited(
    staff: Client, alice: Any, send: Any, worker: Any, subtests: pytest.Subtests
) -> None:
    fill(alice, 1)
    send(Batch.objects.get(), make_photo())
    worker.work()
    for path in LISTS[:9]:
        with subtests.test(path=path):
            row = staff.get(f"/admin/{path}/").context["cl"].result_list[0]
            page = staff.get(f"/admin/{path}/{row.pk}/change/")
            assert page.status_code == 200
            assert "_save" not in page.text
            assert staff.post(f"/admin/{path}/{row.pk}/change/", {}).status_code == 403
            assert staff.post(f"/admin/{path}/{row.pk}/delete/", {"post": "yes"}).status_code == 403
            assert staff.get(f"/admin/{path}/add/").status_code == 403


def test_a_job_shows_its_report_its_timings_and_a_thumbnail(
    staff: Client, alice: Any, send: Any, worker: Any
) -> None:
    fill(alice, 1)
    send(Batch.objects.get(), make_photo())
    worker.work()
    text = staff.get(f"/admin/converter/job/{Job.objects.get().pk}/change/").text
    assert "bytes_before" in text
    assert '<img src="/results/' in text
    assert "Started at" in text


def test_staff_who_may_only_look_cannot_act(alice: Any, bob: Any) -> None:
    fill(bob, 1)
    alice.is_staff = True
    alice.save()
    alice.user_permissions.set(Permission.objects.filter(codename="view_job"))
    client = Client()
    client.force_login(alice)
    assert client.get("/admin/converter/job/").status_code == 200
    client.post("/admin/converter/job/", {"action": "cancel", "_selected_action": [Job.objects.get().pk]})
    assert Job.objects.get().status == "awaiting_upload"


def test_a_token_is_revoked_and_never_shown(staff: Client, alice: Any) -> None:
    token, secret = ApiToken.issue(alice, "ci")
    for page in ("/admin/accounts/apitoken/", f"/admin/accounts/apitoken/{token.pk}/change/"):
        text = staff.get(page).text
        assert secret not in text
        assert token.digest not in text
    assert run_action(staff, "accounts/apitoken", "revoke", token) == ["Revoked: 1."]
    assert not ApiToken.objects.usable().exists()
    assert LogEntry.objects.get().change_message == "Revoked."


def test_a_user_is_suspended_by_staff(staff: Client, alice: Any) -> None:
    page = staff.get(f"/admin/accounts/user/{alice.pk}/change/")
    form = page.context["adminform"].form
    data = {
        name: value
        for name, value in form.initial.items()
        if value not in (None, False) and name != "password"
    }
    del data["is_active"]
    response = staff.post(f"/admin/accounts/user/{alice.pk}/change/", data)
    assert response.status_code == 302, response.context["errors"]
    alice.refresh_from_db()
    assert not alice.is_active


@pytest.mark.parametrize("path", ["{}/delete/", ""])
def test_a_person_is_deleted_with_every_image(
    staff: Client, alice: Any, bob: Any, send: Any, worker: Any, folders: Any, path: str
) -> None:
    for owner in (alice, bob):
        recipe = EngineRecipe.parse({"format": "webp"})
        send(submit(owner, outputs=[recipe], files=[jobs.NewFile("a.jpg", 5)]), make_photo())
    worker.work()
    page, chosen = f"/admin/accounts/user/{path.format(alice.pk)}", {"_selected_action": [str(alice.pk)]}
    asked = staff.post(page, {"action": "delete_selected", **chosen}) if not path else staff.get(page)
    assert "alice@example.org (batches: 1)" in asked.text
    staff.post(page, {"action": "delete_selected", "post": "yes", **chosen})
    assert not User.objects.filter(pk=alice.pk).exists()
    assert Batch.objects.get().owner == bob
    left = [path.relative_to(folders).parts for path in folders.rglob("*") if path.is_file()]
    assert {owner for _bucket, owner, *_ in left} == {str(bob.pk)}
    assert LogEntry.objects.get().is_deletion()


def test_deleting_a_user_needs_the_permission(alice: Any, bob: Any) -> None:
    alice.is_staff = True
    alice.save()
    alice.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    client = Client()
    client.force_login(alice)
    assert client.post(f"/admin/accounts/user/{bob.pk}/delete/", {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=bob.pk).exists()


def test_a_user_is_made_by_staff(staff: Client) -> None:
    data = {
        "email": "new@example.org",
        "usable_password": "true",
        "password1": "long and odd 1",
        "password2": "long and odd 1",
    }
    assert staff.post("/admin/accounts/user/add/", data).status_code == 302
    assert User.objects.get(email="new@example.org").check_password("long and odd 1")


def test_counting_stops_at_the_limit_of_paging(alice: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(alice, 5)
    monkeypatch.setattr(BoundedPaginator, "MOST", 3)
    assert BoundedPaginator(Job.objects.all(), 2).count == 3


def test_an_action_on_all_applies_to_the_number_in_the_list(
    staff: Client, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(alice, 5)
    monkeypatch.setattr(BoundedPaginator, "MOST", 3)
    page = staff.get("/admin/converter/job/").content.decode()
    assert "Select all 3 jobs" in page or "All 3 selected" in page
    newest = set(Job.objects.values_list("pk", flat=True)[:3])

    said = run_action(staff, "converter/job", "cancel", Job.objects.first(), select_across="1")
    assert said[0].startswith("More than 3 rows match")
    assert said[1:] == ["Cancelled: 3 of 3."]
    assert set(Job.objects.filter(status="cancelled").values_list("pk", flat=True)) == newest

    assert run_action(staff, "converter/job", "expire", Job.objects.first(), select_across="1")[1:] == [
        "Batches expired: 3 of 3."
    ]
    run_action(
        staff, "converter/quota", "delete_selected", Quota.objects.first(), select_across="1", post="yes"
    )
    assert Quota.objects.count() == 2


def test_an_action_on_all_of_a_short_list_is_done_to_all(staff: Client, alice: Any) -> None:
    fill(alice, 3)
    said = run_action(staff, "converter/job", "cancel", Job.objects.first(), select_across="1")
    assert said == ["Cancelled: 3 of 3."]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_console_of_the_browser_has_no_errors(
    live_server: Any, staff: Client, alice: Any, send: Any, worker: Any
) -> None:
    batch = submit(alice, outputs=[EngineRecipe.parse({"format": "webp"})], files=[jobs.NewFile("a.jpg", 5)])
    send(batch, make_photo())
    worker.work()
    pages = ["", "converter/job/", f"converter/job/{Job.objects.get().pk}/change/", "converter/batch/"]
    complaints: list[str] = []
    with chromium() as browser, browser.new_context() as context:
        context.add_cookies(
            [{"name": "session", "value": staff.cookies["session"].value, "url": live_server.url}]
        )
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        for path in pages:
            response = page.goto(f"{live_server.url}/admin/{path}", wait_until="networkidle")
            assert response is not None
            assert response.status == 200
    assert complaints == []
