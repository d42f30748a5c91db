"""The home server's upload forms and download links behave like S3's forms and CloudFront's links."""

from __future__ import annotations

import io
import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection, transaction
from django.test import Client
from django.utils import timezone

from converter import jobs, storage
from converter.engine import Recipe
from converter.jobs.submit import submit
from converter.models import Batch, Upload
from tests.fakes import RecordingDispatch

MINUTES = timedelta(minutes=5)
KEY = "uploads/someone/something/a b+ü.jpg"


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def awaited(alice: Any) -> Upload:
    """Return an upload whose bytes have yet to be sent."""
    return Upload.objects.create(
        owner=alice, name="a.jpg", key=KEY, size=10, expires_at=timezone.now() + timedelta(days=1)
    )


def post(client: Client, content: bytes = b"bytes", key: str = KEY, most: int = 10, **changes: Any) -> Any:
    form = storage.uploads.upload_form(key, max_size=most, lifetime=changes.pop("lifetime", MINUTES))
    fields = {**form.fields, "file": SimpleUploadedFile("whatever", content), **changes}
    return client.post(form.url, {name: value for name, value in fields.items() if value is not None})


def test_a_posted_form_stores_the_file_and_raises_an_event(client: Client, worker: RecordingDispatch) -> None:
    assert post(client).status_code == 201
    data, stored = storage.uploads.read(KEY)
    assert data == b"bytes"
    ((target, event),) = worker.asked
    assert target == "converter.events.s3.on_upload"
    assert event["Records"][0]["s3"]["bucket"]["name"] == "uploads"
    assert event["Records"][0]["s3"]["object"] == {
        "key": "uploads/someone/something/a+b%2B%C3%BC.jpg",
        "size": 5,
        "eTag": stored.etag,
    }


def test_an_uploaded_file_is_recorded_without_a_worker(client: Client, awaited: Upload) -> None:
    assert post(client).status_code == 201
    awaited.refresh_from_db()
    assert awaited.received_at is not None
    assert awaited.size == 5


def test_a_slow_line_gets_through_if_the_request_began_in_time(client: Client) -> None:
    ago = timedelta(seconds=-30)
    form = storage.uploads.upload_form(KEY, max_size=10, lifetime=ago)

    def sent(began: float) -> int:
        fields = {**form.fields, "file": SimpleUploadedFile("whatever", b"bytes")}
        extra: dict[str, Any] = {"converter.request_began": began}
        return client.post(form.url, fields, **extra).status_code

    assert sent(time.time() - 29) == 403
    assert sent(time.time() - 600) == 201


def test_a_form_is_valid_for_one_file(client: Client) -> None:
    assert post(client).status_code == 201
    assert post(client).status_code == 201  # resent after the response was lost
    refused = post(client, b"other")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_uploaded")
    assert storage.uploads.read(KEY)[0] == b"bytes"


def test_a_file_is_accepted_while_the_database_is_unavailable(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("converter.events.local.jobs.receive", away)
    assert post(client).status_code == 201
    assert storage.uploads.read(KEY)[0] == b"bytes"


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"content": b""}, 422, "empty_file"),
        ({"content": b"more than ten"}, 422, "too_many_bytes"),
        ({"lifetime": timedelta(seconds=-1)}, 403, "form_expired"),
        ({"policy": "made:up"}, 403, "form_forged"),
        ({"policy": None}, 400, "form_incomplete"),
        ({"file": None}, 400, "form_incomplete"),
        ({"file": "text"}, 400, "form_incomplete"),
    ],
)
def test_a_form_that_breaks_its_policy_is_refused(
    client: Client, worker: RecordingDispatch, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = post(client, **changes)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert worker.asked == []
    with pytest.raises(FileNotFoundError):
        storage.uploads.stat(KEY)


def test_a_form_is_valid_only_for_its_own_key(client: Client) -> None:
    form = storage.uploads.upload_form(KEY, max_size=10, lifetime=MINUTES)
    file = SimpleUploadedFile("a", b"bytes")
    answer = client.post(form.url, {**form.fields, "key": "uploads/other/x/a.jpg", "file": file})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=", b"an empty one"),
        ("multipart/form-data; boundary=\xe4", b"not in ASCII"),
        ("application/x-www-form-urlencoded", b"a=b"),
        ("application/json", b"{}"),
        ("multipart/form-data; boundary=x", b""),
    ],
)
def test_an_invalid_form_returns_a_problem(client: Client, content_type: str, body: bytes) -> None:
    problem(client.generic("POST", "/uploads", body, content_type=content_type), 400)


def test_a_form_with_too_many_parts_names_the_limit(client: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS, settings.DATA_UPLOAD_MAX_NUMBER_FILES = 3, 2
    fields: dict[str, Any] = {f"a{number}": "b" for number in range(5)}
    files: dict[str, Any] = {f"a{number}": SimpleUploadedFile("a", b"b") for number in range(2)}
    for sent, kind, most in ((fields, "fields", 3), (files, "files", 2)):
        refused = post(client, **sent)
        assert refused.status_code == 400
        assert refused.json()["code"] == "bad_request"
        assert refused.json()["params"] == {"kind": kind, "most": most}


@pytest.mark.parametrize("address", ["/uploads", "/results/token/a.webp"])
def test_other_methods_are_refused_by_name(address: str) -> None:
    client = Client(enforce_csrf_checks=True)
    for method in ("PUT", "PATCH", "DELETE", "GET" if address == "/uploads" else "POST"):
        refused = client.generic(method, address, b"x=y", content_type="application/x-www-form-urlencoded")
        assert problem(refused, 405) == "method_not_allowed"
        assert refused["Allow"] == ("POST" if address == "/uploads" else "GET, HEAD")


def test_a_suspended_user_neither_sends_nor_opens_files(client: Client, alice: Any, batch: Batch) -> None:
    zip_key = f"results/{alice.pk}/batches/{batch.pk}/a.zip"
    job = batch.jobs.select_related("upload").get()
    keys = [zip_key, job.result_key, f"{job.upload.results_prefix}/thumbnail"]
    links = [stored(key) for key in keys] + [jobs.original_url(job.upload)]
    assert [status(client, link) for link in links] == [200] * 4
    alice.is_active = False
    alice.save()
    for address in links:
        for headers in ({}, {"Range": "bytes=0-1"}):
            assert problem(client.get(address, headers=headers), 403) == "forbidden"
    assert problem(post(client), 403) == "forbidden"
    with pytest.raises(FileNotFoundError):
        storage.uploads.stat(KEY)


def test_staff_still_see_the_images_of_a_suspended_user(
    client: Client, alice: Any, bob: Any, batch: Batch
) -> None:
    address = stored(f"{batch.jobs.get().upload.results_prefix}/thumbnail")
    alice.is_active = False
    alice.save()
    assert status(client, address) == 403
    client.force_login(bob)
    assert status(client, address) == 403
    bob.is_staff = bob.is_superuser = True
    bob.save()
    assert status(client, address) == 200


def test_files_of_a_guest_open_while_their_new_account_is_active(
    client: Client, alice: Any, bob: Any, batch: Batch
) -> None:
    address = stored(batch.jobs.get().result_key)
    with transaction.atomic():
        jobs.move(alice, bob)
    alice.is_active = False
    alice.save()
    assert status(client, address) == 200
    bob.is_active = False
    bob.save()
    assert status(client, address) == 403


def test_a_full_disk_is_reported(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **kwargs: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("converter.storage.folder.os.replace", full)
    answer = post(client)
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")


def problem(response: Any, status: int) -> str:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    code: str = response.json()["code"]
    return code


def status(client: Client, link: str) -> int:
    response: Any = client.get(link)
    response.getvalue()  # reading a file to its end closes it
    code: int = response.status_code
    return code


def stored(key: str) -> str:
    """Store an object under this key, and return a link to it."""
    storage.results.put(key, io.BytesIO(b"bytes"), filename="a", content_type="image/png")
    until = timezone.now() + timedelta(days=1)
    return storage.results.download_url(
        key, filename="a", content_type="image/png", lifetime=MINUTES, until=until
    )


@pytest.fixture
def batch(alice: Any) -> Batch:
    """Return a batch of one image, which has arrived."""
    made = submit(alice, outputs=[Recipe.parse({"format": "webp"})], files=[jobs.NewFile("b.jpg", 5)])
    jobs.store(made.jobs.get().upload, io.BytesIO(b"bytes"))
    return made


def link(lifetime: timedelta = MINUTES) -> str:
    storage.results.put("results/a", io.BytesIO(b"<script>"), filename="", content_type="")
    return storage.results.download_url(
        "results/a",
        filename="é ü.svg",
        content_type="image/webp",
        lifetime=lifetime,
        until=timezone.now() + timedelta(days=1),
    )


def test_a_link_opens_as_an_attachment_of_a_fixed_type(client: Client) -> None:
    answer = client.get(link())
    assert b"".join(answer.streaming_content) == b"<script>"  # type: ignore[attr-defined]
    assert answer["Content-Type"] == "image/webp"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["photo.exe", "photo%E2%80%AEgpj.exe", "a/b.svg"])
def test_the_name_is_the_one_that_was_signed_whatever_the_address_ends_with(
    client: Client, name: str
) -> None:
    url = link()
    right, answer = client.get(url), client.get(url.rpartition("/")[0] + "/" + name)
    assert answer["Content-Disposition"] == right["Content-Disposition"]
    right.close()
    answer.close()


def test_a_link_opens_while_the_database_is_away(client: Client, alice: Any, batch: Batch) -> None:
    def away(*query: Any) -> None:
        raise OperationalError("database is away")

    client.force_login(alice)
    job = batch.jobs.get()
    link = stored(f"results/{alice.pk}/{job.upload_id}/{job.pk}/a")
    with connection.execute_wrapper(away):
        whole, part = client.get(link), client.get(link, headers={"Range": "bytes=1-2"})
        assert (whole.status_code, b"".join(whole)) == (200, b"bytes")
        assert (part.status_code, b"".join(part)) == (206, b"yt")


def test_an_expired_link_is_gone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    url = link()
    now = time.time()
    monkeypatch.setattr("converter.storage.signed.time.time", lambda: now + 3600)
    answer = client.get(url)
    assert (answer.status_code, answer.json()["code"]) == (410, "link_expired")


def test_a_link_to_deleted_bytes_is_gone(client: Client) -> None:
    url = link()
    storage.results.remove(["results/a"])
    assert client.get(url).status_code == 410


def test_a_forged_link_is_not_found(client: Client) -> None:
    before, token, name = link().rsplit("/", 2)
    assert client.get(f"{before}/{token[:-2]}xx/{name}").status_code == 404
