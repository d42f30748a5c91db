"""Guests convert without an account, see only their own batches, and keep them when they sign up."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone

from converter import jobs
from converter.models import Batch, Job, RateLimit, Upload
from imagesite.accounts import guests
from imagesite.accounts.models import User
from tests.conftest import make_photo, streamed, text
from tests.fakes import RecordingDispatch
from tests.web.conftest import FORM, sent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

WEBP = {"outputs": [{"format": "webp"}], "files": [{"name": "a.jpg", "size": 10}]}
OPEN_TO_GUESTS = {
    "landing", "convert", "convert_outputs", "watermark",
    "batch", "batch_cancel", "batch_retry", "batch_delete", "batch_zip", "batch_resend",
    "job", "job_compare", "job_download", "job_retry", "job_cancel", "job_resend", "job_reuse",
    "job_original", "logo",
}  # fmt: skip
PAGES = [p for p in get_resolver("converter.web.urls").url_patterns if isinstance(p, URLPattern)]


def convert(browser: Client, *, count: int = 1, **headers: Any) -> Batch:
    """Submit images through the form, and return the batch."""
    images = [sent(f"photo {n}.jpg", make_photo()) for n in range(count)]
    response = browser.post("/convert/", {**FORM, "images": images}, **headers)
    assert response.status_code == 302, text(response)
    return Batch.objects.get(pk=response.headers["Location"].split("/")[2])


def call(browser: Client, path: str, body: Any, **headers: str) -> Any:
    return browser.post(path, json.dumps(body), "application/json", headers={"X-Guest": "1", **headers})


def sign_up(browser: Client, email: str = "carol@example.org") -> User:
    password = "correct horse battery"
    form = {"email": email, "password1": password}
    assert browser.post("/accounts/signup/", form).status_code == 302
    return User.objects.get(email=email)


def test_a_visitor_converts_and_downloads(client: Client, worker: RecordingDispatch) -> None:
    batch = convert(client)
    worker.work()
    assert "All done." in text(client.get(f"/batches/{batch.pk}/"))
    job = batch.jobs.get()
    assert client.get(f"/jobs/{job.pk}/").status_code == 200
    result = client.get(f"/jobs/{job.pk}/download/", follow=True)
    assert streamed(result)[8:12] == b"WEBP"
    owner = User.objects.get(pk=batch.owner_id)
    assert owner.is_guest
    assert not owner.has_usable_password()


def test_a_visit_makes_no_row_and_no_session(client: Client) -> None:
    for path in ("/", "/convert/"):
        assert client.get(path).status_code == 200
    client.post("/convert/outputs/", FORM)
    client.post("/convert/", FORM)
    assert not User.objects.exists()
    assert not Session.objects.exists()
    assert "session" not in client.cookies


def test_one_browser_is_one_guest(client: Client) -> None:
    first, second = convert(client), convert(client)
    assert first.owner_id == second.owner_id
    assert f"/batches/{first.pk}/" in text(client.get("/"))


def test_concurrent_requests_are_of_one_guest(client: Client) -> None:
    """A preview and the batch are both requested before either response has set the session."""
    client.get("/")
    at_once = Client()
    at_once.cookies["csrftoken"] = client.cookies["csrftoken"].value
    assert convert(client).owner_id == convert(at_once).owner_id

    User.objects.update(date_joined=timezone.now() - timedelta(minutes=2))
    later = Client()
    later.cookies["csrftoken"] = client.cookies["csrftoken"].value
    convert(later)
    assert User.objects.filter(is_guest=True).count() == 2


def test_the_cookie_is_for_the_site_alone(client: Client) -> None:
    convert(client)
    cookie = client.cookies["session"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert len(cookie.value) >= 32
    assert str(User.objects.get().pk) not in cookie.value


def test_data_of_others_is_404(client: Client, worker: RecordingDispatch) -> None:
    theirs = convert(Client())
    worker.work()
    convert(client)
    job = theirs.jobs.get()
    for path in (
        f"/batches/{theirs.pk}/",
        f"/batches/{theirs.pk}/zip/",
        f"/jobs/{job.pk}/",
        f"/jobs/{job.pk}/download/",
    ):
        assert client.get(path).status_code == 404, path
    for path in (f"/batches/{theirs.pk}/delete/", f"/jobs/{job.pk}/cancel/", f"/jobs/{job.pk}/reuse/"):
        assert client.post(path).status_code == 404, path
    assert call(client, f"/api/v1/uploads/{job.upload_id}/form", {}).status_code == 404
    used = call(client, "/api/v1/batches", {**WEBP, "files": [], "uploads": [str(job.upload_id)]})
    assert used.status_code == 422
    assert Batch.objects.filter(pk=theirs.pk).exists()


def test_other_pages_treat_a_guest_as_a_stranger(client: Client, subtests: pytest.Subtests) -> None:
    convert(client)
    values = {"pk": "00000000-0000-0000-0000-000000000000", "token": "x", "code": "truncated"}
    others = [pattern for pattern in PAGES if pattern.name not in OPEN_TO_GUESTS]
    assert len(others) > 30
    for pattern in others:
        kwargs = {name: value for name, value in values.items() if f":{name}>" in str(pattern.pattern)}
        address = reverse(f"web:{pattern.name}", kwargs=kwargs)
        with subtests.test(address=address):
            assert [client.get(address).status_code, client.post(address).status_code] == [
                Client().get(address).status_code,
                Client().post(address).status_code,
            ]


@pytest.mark.parametrize(
    "path", ["/accounts/", "/accounts/tokens/", "/accounts/data/", "/admin/", "/batches/"]
)
def test_account_pages_ask_a_guest_to_log_in(client: Client, path: str) -> None:
    convert(client)
    assert "/login/" in client.get(path).headers["Location"]


def test_guests_may_only_make_the_api_calls_of_the_page(client: Client) -> None:
    batch = convert(client)
    job = batch.jobs.get()
    assert call(client, "/api/v1/batches", WEBP).status_code == 201
    announced = call(client, "/api/v1/uploads/forms", {"files": WEBP["files"]}).json()["uploads"][0]
    upload = f"/api/v1/uploads/{announced['id']}"
    assert Client().delete(upload, headers={"X-Guest": "1"}).status_code == 404
    assert client.delete(upload).status_code == 401
    assert client.delete(upload, headers={"X-Guest": "1"}).status_code == 204
    assert client.post("/api/v1/batches", json.dumps(WEBP), "application/json").status_code == 401
    for path in ("batches", f"batches/{batch.pk}", "jobs", f"jobs/{job.pk}", "recipes", "preferences"):
        assert client.get(f"/api/v1/{path}", headers={"X-Guest": "1"}).status_code == 401, path
    for path, body in {
        "recipes": {"name": "x", "recipe": {"format": "webp"}},
        "webhooks": {"url": "https://example.org/", "events": []},
        f"batches/{batch.pk}/shares": {},
        f"jobs/{job.pk}/retry": {},
    }.items():
        assert call(client, f"/api/v1/{path}", body).status_code == 401, path


def test_another_site_cannot_act_for_a_guest() -> None:
    browser = Client(enforce_csrf_checks=True)
    image = sent("a.jpg", make_photo())
    assert browser.post("/convert/", {**FORM, "images": [image]}).status_code == 403
    assert call(browser, "/api/v1/batches", WEBP).status_code == 403
    assert not User.objects.exists()

    browser.get("/")
    token = browser.cookies["csrftoken"].value
    assert call(browser, "/api/v1/batches", WEBP, **{"X-CSRFToken": token}).status_code == 201


def test_images_by_url_need_an_account(client: Client) -> None:
    assert "id_addresses" not in text(client.get("/convert/"))
    by_url = {**WEBP, "files": [{"url": "https://example.org/a.jpg"}]}
    response = call(client, "/api/v1/batches", by_url)
    assert response.status_code == 422
    assert response.json()["errors"][0]["code"] == "import_disabled"
    assert "Log in" in response.json()["errors"][0]["detail"]


def test_the_conversions_of_a_guest_per_hour_are_limited(client: Client, settings: Any) -> None:
    settings.CONVERTER_GUEST_JOBS_AN_HOUR = 3
    convert(client, count=3)
    response = client.post("/convert/", {**FORM, "images": [sent("a.jpg", make_photo())]})
    assert response.status_code == 422
    assert "Sign up to convert more now, or try again in 20 min." in text(response)
    RateLimit.objects.update(caught_up_at=0)  # an hour later
    convert(client, count=3)


def test_the_limit_per_address_counts_all_sessions(settings: Any) -> None:
    settings.CONVERTER_GUEST_ADDRESS_JOBS_AN_HOUR = 3
    convert(Client(), count=3, REMOTE_ADDR="203.0.113.5")
    late = Client().post(
        "/convert/", {**FORM, "images": [sent("a.jpg", make_photo())]}, REMOTE_ADDR="203.0.113.5"
    )
    assert late.status_code == 422
    convert(Client(), REMOTE_ADDR="203.0.113.6")


def test_the_number_of_new_guests_per_address_is_limited(settings: Any) -> None:
    settings.CONVERTER_GUEST_ADDRESS_JOBS_AN_HOUR = 2
    answers = [call(Client(), "/api/v1/batches", {**WEBP, "outputs": []}) for _ in range(4)]
    answers.append(Client().post("/convert/", {**FORM, "images": [sent("a.jpg", make_photo())]}))
    assert [answer.status_code for answer in answers] == [422, 422, 429, 429, 429]
    assert User.objects.count() == 2
    assert all(1700 <= int(answer["Retry-After"]) <= 1800 for answer in answers[2:])


def test_a_guest_is_told_the_same_time_in_words_and_header(client: Client, settings: Any) -> None:
    settings.CONVERTER_GUEST_JOBS_AN_HOUR = 10
    convert(client, count=10)
    refused = call(client, "/api/v1/batches", WEBP)
    assert (refused["Retry-After"], "in 6 min." in refused.json()["detail"]) == ("360", True)


def test_previews_count_as_a_tenth(client: Client, settings: Any, worker: RecordingDispatch) -> None:
    settings.CONVERTER_GUEST_JOBS_AN_HOUR = 1
    guest = convert(client).owner
    RateLimit.objects.update(caught_up_at=0)
    for _ in range(10):
        jobs.submit.submit(guest, outputs=[_webp()], files=[jobs.NewFile("a.jpg", 9)], kept=False)
    with pytest.raises(jobs.OverQuota):
        jobs.submit.submit(guest, outputs=[_webp()], files=[jobs.NewFile("a.jpg", 9)], kept=False)


def test_guests_at_one_address_share_the_room_for_files(settings: Any) -> None:
    size = len(make_photo())
    settings.CONVERTER_GUEST_BYTES_KEPT = int(size * 1.5)
    convert(Client())
    full = Client().post("/convert/", {**FORM, "images": [sent("a.jpg", make_photo())]})
    assert "Visitors without an account share" in text(full)
    convert(Client(), REMOTE_ADDR="203.0.113.6")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.5", "203.0.113.5", True),
        ("203.0.113.5", "203.0.113.6", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),  # a customer has at least a /64
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:203.0.113.5", "203.0.113.5", True),
        ("", "203.0.113.5", False),
    ],
)
def test_an_address_is_identified_by_its_network(one: str, other: str, same: bool) -> None:
    keys = guests.address_key(one), guests.address_key(other)
    assert (keys[0] == keys[1]) is same
    assert one not in keys[0] or not one


@pytest.mark.parametrize("how", ["sign up", "log in"])
def test_everything_moves_to_the_account(
    client: Client, worker: RecordingDispatch, alice: User, how: str
) -> None:
    batch = convert(client)
    worker.work()
    promised = batch.expires_at
    if how == "sign up":
        user = sign_up(client)
    else:
        client.post("/accounts/login/", {"username": alice.email, "password": "correct horse battery"})
        user = alice
    assert "is now in your history" in text(client.get("/batches/"))
    assert not User.objects.filter(is_guest=True).exists()
    batch.refresh_from_db()
    assert (batch.owner_id, batch.expires_at) == (user.pk, promised)
    assert set(Upload.objects.values_list("owner", flat=True)) == {user.pk}
    job = Job.objects.get()
    assert job.owner_id == user.pk
    assert streamed(client.get(f"/jobs/{job.pk}/download/", follow=True))[8:12] == b"WEBP"
    client.get(f"/batches/{batch.pk}/zip/")
    worker.work()
    assert client.get(f"/batches/{batch.pk}/zip/").status_code == 302


def test_running_jobs_finish_for_the_account(client: Client, worker: RecordingDispatch) -> None:
    batch = convert(client)
    user = sign_up(client)
    worker.work()
    job = batch.jobs.get()
    assert (job.owner_id, job.status) == (user.pk, Job.Status.FINISHED)
    jobs.remove(Batch.objects.get())
    assert not Upload.objects.exists()


def test_logging_out_makes_no_guest(client: Client) -> None:
    batch = convert(client)
    sign_up(client)
    client.post("/accounts/logout/")
    assert client.get(f"/batches/{batch.pk}/").status_code == 302
    assert "data-guest" in text(client.get("/"))


def test_a_page_whose_user_was_logged_out_does_not_go_on_as_a_guest(page: Client) -> None:
    assert "data-guest" not in text(page.get("/convert/"))
    page.logout()
    assert page.post("/api/v1/batches", json.dumps(WEBP), "application/json").status_code == 401
    assert not User.objects.filter(is_guest=True).exists()


def test_the_sweep_deletes_guests_whose_files_have_expired(
    client: Client, worker: RecordingDispatch, folders: Any, alice: User
) -> None:
    batch = convert(client)
    worker.work()
    jobs.sweep.sweep()
    assert User.objects.filter(is_guest=True).exists()

    long_ago = timezone.now() - timedelta(days=2)
    User.objects.filter(is_guest=True).update(date_joined=long_ago)
    jobs.sweep.sweep()
    assert Batch.objects.filter(pk=batch.pk).exists()  # its files still exist

    for rows in (Batch.objects, Upload.objects):
        rows.update(expires_at=long_ago)
    jobs.sweep.sweep()
    assert list(User.objects.all()) == [alice]
    assert not Batch.objects.exists()
    assert not Upload.objects.exists()
    assert [path for path in folders.rglob("*") if path.is_file()] == []
    assert client.get("/").status_code == 200
    convert(client)  # as a new guest


def test_files_are_kept_a_day_whatever_users_get(client: Client, settings: Any) -> None:
    settings.CONVERTER_RETENTION = timedelta(days=5)
    batch = convert(client)
    assert batch.expires_at - batch.created_at == timedelta(hours=24)


def test_no_cache_keeps_a_guests_page(client: Client) -> None:
    first = client.get("/")
    assert "private" in first["Cache-Control"]
    assert "Cookie" in first["Vary"]
    batch = convert(client)
    assert "private" in client.get("/")["Cache-Control"]
    for path in (f"/batches/{batch.pk}/", f"/jobs/{batch.jobs.all()[0].pk}/"):
        assert client.get(path)["Cache-Control"] == "private, no-store"


def test_without_guests_everything_needs_a_login(client: Client, settings: Any) -> None:
    batch = convert(client)
    settings.CONVERTER_GUESTS = False
    for path in ("/convert/", f"/batches/{batch.pk}/"):
        assert client.get(path).headers["Location"].startswith("/accounts/login/")
    shown = text(client.get("/"))
    assert "data-convert" not in shown
    assert "Start converting" in shown
    assert call(client, "/api/v1/batches", WEBP).status_code == 401
    assert call(Client(), "/api/v1/batches", WEBP).status_code == 401


def test_nobody_logs_in_as_a_guest(client: Client) -> None:
    guest = convert(client).owner
    stranger = Client()
    for password in ("", "!", guest.password):
        stranger.post("/accounts/login/", {"username": guest.email, "password": password})
        assert stranger.get("/batches/").status_code == 302
    stranger.post("/accounts/password/reset/", {"email": guest.email})
    from django.core import mail

    assert mail.outbox == []


def _webp() -> Any:
    from converter import engine

    return engine.Recipe.parse({"format": "webp"})


def test_staff_see_guests_as_such(client: Client, admin_client: Client) -> None:
    guest = convert(client).owner
    listed = text(admin_client.get("/admin/accounts/user/?is_guest__exact=1"))
    assert guest.email in listed
    assert "admin@example.com" not in listed.split("result_list")[1]
    jobs_list = text(admin_client.get("/admin/converter/job/"))
    assert guest.email in jobs_list


def test_a_guest_shares_once_there_is_an_account(client: Client, worker: RecordingDispatch) -> None:
    batch = convert(client)
    worker.work()
    path = f"/batches/{batch.pk}/share/"
    assert client.get(path).headers["Location"] == f"/accounts/login/?next={path}"
    sign_up(client)
    made = client.post(path, {"jobs": [batch.jobs.get().pk], "hours": ""})
    assert made.status_code == 302
    assert Client().get(f"/s/{batch.shares.get().token}/").status_code == 200
