from __future__ import annotations

import gzip
import os
import re
import shutil
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, transaction
from django.test import Client, RequestFactory
from django.urls import URLPattern, get_resolver, reverse
from django.utils import timezone
from django.views import defaults

from converter import engine, jobs
from converter.models import Batch, Job
from converter.problems import ERRORS
from converter.storage import NoRoom, StorageFault
from converter.translation import bytes_in_words
from converter.web.tags import expires, percent_saved, saved_words
from tests.conftest import text

ROOT = Path(__file__).resolve().parents[2]
OPEN = {
    "landing",
    "formats",
    "help",
    "privacy",
    "terms",
    "problem",
    "healthz",
    "favicon",
    "robots",
    "sitemap",
    "manifest",
    "worker",
    "offline",
    "messages",  # the site as an app
    "share_target",
    "share",
    "share_download",
    "share_zip",  # a share is open to everyone with the link
    "api",  # the API guide
    "convert",
    "convert_outputs",
    "watermark",  # open to guests, see tests/accounts/test_guests.py
}
PAGES = [p for p in get_resolver("converter.web.urls").url_patterns if isinstance(p, URLPattern)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path", ["/", "/formats/", "/help/", "/privacy/", "/terms/", "/problems/truncated/", "/healthz"]
)
def test_open_pages_need_no_login(client: Client, path: str) -> None:
    assert client.get(path).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("pattern", [p for p in PAGES if p.name not in OPEN], ids=lambda p: p.name)
def test_the_rest_asks_for_a_login(client: Client, pattern: Any) -> None:
    values = {"pk": "00000000-0000-0000-0000-000000000000", "token": "x"}
    kwargs = {name: value for name, value in values.items() if f":{name}>" in str(pattern.pattern)}
    path = reverse(f"web:{pattern.name}", kwargs=kwargs)
    accepted = [got for got in (client.get(path), client.post(path)) if got.status_code != 405]
    assert accepted
    for response in accepted:
        assert response.status_code == 302
        assert response.url.startswith("/accounts/login/")  # type: ignore[attr-defined]


@pytest.mark.long
@pytest.mark.django_db
def test_pages_are_compressed_and_never_to_the_same_length(client: Client) -> None:
    answers = [client.get("/formats/", headers={"accept-encoding": "gzip"}) for _ in range(20)]
    assert {answer["Content-Encoding"] for answer in answers} == {"gzip"}
    assert "Accept-Encoding" in answers[0]["Vary"]
    assert len({len(answer.content) for answer in answers}) > 1
    assert gzip.decompress(answers[0].content) == client.get("/formats/").content


def test_results_are_not_compressed_again(page: Client, job: Job) -> None:
    answer = page.get(f"/jobs/{job.pk}/download/", headers={"accept-encoding": "gzip"}, follow=True)
    assert "Content-Encoding" not in answer.headers
    assert int(answer["Content-Length"]) == job.result_size
    answer.close()


@pytest.mark.django_db
def test_the_icon_is_where_browsers_ask_for_it(client: Client) -> None:
    response = client.get("/favicon.ico")
    assert response.status_code == 302
    with closing(client.get(response.headers["Location"])) as icon:
        assert icon.headers["Content-Type"] == "image/svg+xml"


@pytest.mark.django_db
def test_the_formats_page_lists_all_formats(client: Client) -> None:
    shown = text(client.get("/formats/"))
    assert all(format.label in shown for format in engine.FORMATS.values())
    assert f"{jobs.limits().max_frames}" in shown


@pytest.mark.django_db
def test_the_landing_page_claims_the_true_sizes(client: Client) -> None:
    shown = text(client.get("/"))
    for name in ("coffee.jpg", "coffee.webp"):
        size = (ROOT / "converter/static/converter/img" / name).stat().st_size
        assert bytes_in_words(size) in shown


@pytest.mark.django_db
@pytest.mark.parametrize("code", ERRORS)
def test_every_explanation_has_a_page(client: Client, code: str) -> None:
    assert "What to do" in text(client.get(f"/problems/{code}/"))


@pytest.mark.django_db
def test_an_unknown_problem_is_404(client: Client) -> None:
    assert client.get("/problems/no-such-thing/").status_code == 404


@pytest.mark.django_db
def test_health_reports_what_is_wrong(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/healthz").json() == {"status": "ok", "database": "ok", "storage": "ok"}

    def fail(*args: object) -> None:
        raise DatabaseError

    monkeypatch.setattr("converter.web.views.site.Batch.objects.exists", fail)
    response = client.get("/healthz")
    assert (response.status_code, response.json()["database"]) == (503, "failed")


def test_health_notices_a_store_that_fails(
    rf: RequestFactory, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    from converter.web.views import site

    def fail(*args: object) -> bool:
        raise OSError

    monkeypatch.setattr("converter.storage.folder.FolderStorage.exists", fail)
    assert site.healthz(rf.get("/healthz")).status_code == 503


@pytest.mark.django_db
def test_health_reports_a_disk_without_space_for_one_more_image(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage("/")
    monkeypatch.setattr("converter.storage.folder.shutil.disk_usage", lambda path: usage._replace(free=10**6))
    response = client.get("/healthz")
    assert response.status_code == 503
    assert response.json() == {"status": "unavailable", "database": "ok", "storage": "full"}


@pytest.mark.django_db
def test_health_notices_a_folder_that_is_not_writable(
    client: Client, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unhealthy = {"status": "unavailable", "database": "ok", "storage": "failed"}
    (folders / "results").touch()
    assert client.get("/healthz").json() == unhealthy
    (folders / "results").unlink()
    assert client.get("/healthz").json()["status"] == "ok"
    # Root may write anywhere, so file modes cannot be used.
    monkeypatch.setattr("converter.storage.folder.os.access", lambda path, mode: not mode & os.W_OK)
    assert client.get("/healthz").json() == unhealthy


@pytest.mark.django_db
def test_health_notices_a_database_without_tables(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Batch._meta, "db_table", "gone")  # as if somebody had deleted the file
        with transaction.atomic():
            assert client.get("/healthz").json()["database"] == "failed"


@pytest.mark.parametrize(
    ("exc", "status", "says"),
    [
        (OperationalError("database is locked"), 503, "Part of the site is not responding"),
        (OperationalError("database or disk is full"), 507, "The storage is full"),
        (
            OperationalError("could not extend file: No space left on device"),
            507,
            "The storage is full",
        ),
        (NoRoom(), 507, "The storage is full"),
        (StorageFault(), 503, "Part of the site is not responding"),
        (ValueError(), 500, "Something went wrong"),
    ],
)
def test_a_full_or_unavailable_storage_is_explained(
    page: Client, monkeypatch: pytest.MonkeyPatch, exc: Exception, status: int, says: str
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise exc

    page.raise_request_exception = False
    monkeypatch.setattr("converter.models.Preferences.of", fail)
    response = page.get("/accounts/")
    assert response.status_code == status
    assert says in text(response)
    assert ("Retry-After" in response) == (status == 503)


@pytest.mark.django_db
def test_a_log_in_while_the_database_is_locked_is_asked_to_try_again(
    client: Client, alice: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OperationalError("database is locked")

    client.raise_request_exception = False
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.create", fail)
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.save", fail)
    form = {"username": alice.email, "password": "correct horse battery"}
    response = client.post("/accounts/login/", form)
    assert response.status_code == 503
    assert "Try again in a moment." in text(response)


@pytest.mark.django_db
def test_error_pages_have_a_layout(client: Client, rf: RequestFactory) -> None:
    assert "Page not found" in text(client.get("/no/such/page"))
    assert "Something went wrong" in text(defaults.server_error(rf.get("/")))
    assert "Invalid request" in text(defaults.bad_request(rf.get("/"), Exception()))
    assert "Access denied" in text(defaults.permission_denied(rf.get("/"), Exception()))


@pytest.mark.django_db
@pytest.mark.parametrize("status", [413, 429])
def test_the_other_error_pages_render(rf: RequestFactory, status: int) -> None:
    from django.shortcuts import render

    assert str(status) in text(render(rf.get("/"), f"{status}.html"))


@pytest.mark.django_db
def test_a_form_that_cannot_be_trusted_is_explained(alice: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    response = client.post("/convert/")
    assert response.status_code == 403
    assert "This page has expired" in text(response)


@pytest.mark.django_db
def test_a_proxy_that_hides_the_host_is_named_as_a_cause(alice: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    page = client.get("/convert/")
    sent = {"csrfmiddlewaretoken": str(page.context["csrf_token"])}
    refused = client.post("/convert/", sent, headers={"Origin": "http://images.example.org"})
    assert refused.status_code == 403
    assert "must pass on the Host header" in text(refused)


@pytest.mark.long
@pytest.mark.django_db
def test_no_page_has_a_style_or_script_of_its_own(page: Client) -> None:
    for path in [
        "/",
        "/formats/",
        "/convert/",
        "/batches/",
        "/recipes/",
        "/recipes/new/",
        "/accounts/",
        "/accounts/tokens/",
        "/accounts/webhooks/",
    ]:
        response = page.get(path)
        shown = text(response).replace("http://testserver/", "/")  # the site's own URLs, absolute
        assert not re.search(r"\sstyle=|<style|\son\w+=", shown), path
        inline = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", shown)
        assert not inline, path
        assert not re.search(r'(?:src|href)="(?:https?:)?//', shown), path
        assert "unsafe" not in response["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("count", "says"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 KB"),
        (9949, "9.9 KB"),
        (9950, "9.9 KB"),
        (200_353, "200 KB"),
        (999_499, "999 KB"),
        (999_500, "1.0 MB"),
        (100_000_000, "100 MB"),
        (2_500_000_000, "2.5 GB"),
    ],
)
def test_sizes_are_formatted(count: int, says: str) -> None:
    assert bytes_in_words(count).replace("\u00a0", " ") == says


def test_savings_are_formatted() -> None:
    assert [percent_saved(*sizes) for sizes in ((1000, 1), (100, 35), (100, 105), (0, 5))] == [99, 65, -5, 0]
    assert [saved_words(n) for n in (65, 0, -5, None)] == ["65% smaller", "same size", "5% larger", ""]


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (timedelta(seconds=-1), "expired"),
        (timedelta(minutes=50, seconds=30), "expires in 50 minutes"),
        (timedelta(hours=5, minutes=1), "expires in 5 hours"),
        (timedelta(hours=23, minutes=59), "expires in 1 day"),
        (timedelta(days=2, hours=23, minutes=59), "expires in 3 days"),
        (timedelta(days=6, hours=23, minutes=59), "expires in 1 week"),
    ],
)
def test_the_remaining_time_is_rounded(left: timedelta, says: str) -> None:
    assert expires(timezone.now() + left).replace("\u00a0", " ") == says


@pytest.mark.parametrize("path", ["/healthz", "/api/docs", "/api/v1/openapi.json"])
def test_the_allow_header_lists_the_methods(path: str) -> None:
    for method in ("POST", "PUT", "DELETE"):
        refused = Client(enforce_csrf_checks=True).generic(method, path)
        assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD")
