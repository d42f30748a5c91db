from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from converter import configuration, jobs, storage
from converter.engine import Recipe
from converter.jobs.submit import submit
from converter.jobs.sweep import sweep
from converter.models import Batch, Upload
from tests.api.conftest import Program, problem
from tests.conftest import make_photo

pytestmark = pytest.mark.django_db


@pytest.mark.long
def test_the_metadata_of_an_image_is_returned(
    program: Program, stranger: Program, send: Any, worker: Any
) -> None:
    photo = make_photo(64, 48)
    upload = program.submit("a.jpg")["uploads"][0]["id"]
    path = f"uploads/{upload}/metadata"
    problem(program.get(path), 409, "not_looked_into")
    send(Batch.objects.get(), photo)
    worker.work()

    told = program.get(path).json()
    assert (told["upload"], told["name"], told["size"]) == (upload, "a.jpg", len(photo))
    assert (told["found"]["format"], told["found"]["width"], told["found"]["height"]) == ("jpeg", 64, 48)
    problem(stranger.get(path), 404, "not_found")

    jobs.expire(Batch.objects.get())
    problem(program.get(path), 410, "expired")


def keep(program: Program, content: bytes, **more: str) -> Any:
    file = SimpleUploadedFile("logo.png", content)
    return program.client.post("/api/v1/uploads", {"file": file, **more})


def test_an_image_may_be_sent_to_be_laid_on_top_of_others(program: Program, send: Any, worker: Any) -> None:
    kept = keep(program, make_photo(8, 8, "PNG"))
    assert kept.status_code == 201
    logo = kept.json()
    assert logo == {"id": logo["id"], "name": "logo.png", "form": None}
    photo = make_photo(64, 48)
    batch = program.submit(
        "a.jpg", outputs=[{"format": "webp", "watermark": {"image": logo["id"]}}], size=len(photo)
    )
    send(Batch.objects.get(), photo)
    worker.work()
    assert program.get(f"batches/{batch['id']}").json()["status"] == "finished"


def test_an_image_that_is_kept_may_be_converted_later(program: Program, worker: Any) -> None:
    kept = keep(program, make_photo()).json()
    batch = program.post("batches", {"uploads": [kept["id"]], "outputs": [{"format": "gif"}]}).json()
    assert batch["jobs"][0]["status"] == "queued"


def test_an_image_that_is_not_fit_to_be_kept_is_pointed_at(program: Program, settings: Any) -> None:
    refused = problem(keep(program, b""), 422, "empty_file")
    assert [error["pointer"] for error in refused["errors"]] == ["/file"]
    problem(keep(program, make_photo(), name="x"), 422, "invalid_request")
    settings.CONVERTER_ONE_SHOT_BYTES = 10
    problem(keep(program, make_photo()), 413, "body_too_large")
    assert not Upload.objects.exists()


def announce(program: Program, *names: str, size: int = 1000) -> Any:
    files = [{"name": name, "size": size} for name in names or ("a.jpg",)]
    return program.post("uploads/forms", {"files": files})


def put(upload: str, content: bytes) -> None:
    """Store the bytes where the form would, and process the event."""
    row = Upload.objects.get(pk=upload)
    stored = storage.uploads.put(row.key, io.BytesIO(content), filename="", content_type="")
    jobs.receive(row.key, stored)


def test_announced_files_are_sent_before_a_batch_is_made_of_them(program: Program, worker: Any) -> None:
    photo = make_photo(64, 48)
    answer = announce(program, "holiday/a.jpg", "b.jpg", size=len(photo))
    assert answer.status_code == 201
    first, second = answer.json()["uploads"]
    assert (first["name"], second["name"]) == ("a.jpg", "b.jpg")
    assert first["form"]["fields"]["key"].endswith(f"{first['id']}/a.jpg")
    put(first["id"], photo)
    body = {"uploads": [first["id"], second["id"]], "outputs": [{"format": "webp"}]}
    batch = program.post("batches", body).json()
    assert [job["status"] for job in batch["jobs"]] == ["queued", "awaiting_upload"]
    put(second["id"], photo)
    worker.work()
    done = program.get(f"batches/{batch['id']}").json()
    assert (done["status"], done["total"]) == ("finished", 2)
    assert Upload.objects.get(pk=first["id"]).folder == "holiday"


def test_announced_files_of_no_batch_are_deleted_after_an_hour(program: Program, worker: Any) -> None:
    photo = make_photo(64, 48)
    answer = announce(program, "taken.jpg", "left.jpg", size=len(photo)).json()
    taken, left = (upload["id"] for upload in answer["uploads"])
    for upload in (taken, left):
        put(upload, photo)
    program.post("batches", {"uploads": [taken], "outputs": [{"format": "webp"}]})
    key = Upload.objects.get(pk=left).key
    assert Upload.objects.get(pk=left).expires_at <= timezone.now() + timedelta(hours=1)
    assert Upload.objects.get(pk=taken).expires_at > timezone.now() + timedelta(hours=2)
    Upload.objects.filter(pk=left).update(expires_at=timezone.now())
    assert sweep()["deleted"] == 1
    with pytest.raises(FileNotFoundError):
        storage.uploads.stat(key)
    problem(program.post("batches", {"uploads": [left], "outputs": [{"format": "webp"}]}), 410, "no_upload")


def test_a_file_that_arrives_while_its_batch_is_made_is_converted(
    program: Program, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo(64, 48)
    upload = announce(program, size=len(photo)).json()["uploads"][0]["id"]

    def meanwhile(*args: Any, **more: Any) -> None:
        put(upload, photo)  # its event arrives before there is a job

    monkeypatch.setattr("converter.jobs.submit.check_quota", meanwhile)
    batch = program.post("batches", {"uploads": [upload], "outputs": [{"format": "webp"}]}).json()
    assert program.get(f"batches/{batch['id']}").json()["status"] == "queued"


def test_a_preview_does_not_delete_announced_files(program: Program, worker: Any) -> None:
    upload = announce(program).json()["uploads"][0]["id"]
    outputs = [Recipe.parse({"format": "webp"})]
    row = Upload.objects.get(pk=upload)
    preview = submit(row.owner, outputs=outputs, uploads=[row], kept=False)
    body = {"uploads": [upload], "outputs": [{"format": "webp"}]}
    assert program.post("batches", body).json()["status"] == "awaiting_upload"
    jobs.remove(preview)
    assert Upload.objects.get(pk=upload).deleted_at is None


def test_announced_files_count_as_stored(program: Program, settings: Any) -> None:
    settings.CONVERTER_BYTES_KEPT = 1500
    assert announce(program, size=1000).status_code == 201
    problem(announce(program, size=1000), 429, "quota_exceeded")
    assert problem(announce(program, size=0), 422, "empty_file")["detail"].endswith(" is empty.")
    problem(announce(program, *["a.jpg"] * 201, size=1), 422, "too_many_files")


def test_no_more_files_are_announced_than_anybody_converts(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = configuration.current().most_files
    monkeypatch.setattr("converter.jobs.uploads.ANNOUNCED_BATCHES", 1)
    assert announce(program, *["a.jpg"] * most).status_code == 201
    refused = problem(announce(program, "c.jpg"), 429, "quota_exceeded")
    assert refused["params"]["kind"] == "announced"


def test_an_upload_of_no_batch_is_deleted_at_once(program: Program) -> None:
    photo = make_photo(64, 48)
    announced = announce(program, "a.jpg", "b.jpg", size=len(photo)).json()["uploads"]
    first, second = (upload["id"] for upload in announced)
    put(first, photo)
    key = Upload.objects.get(pk=first).key
    assert program.delete(f"uploads/{first}").status_code == 204
    assert not Upload.objects.filter(pk=first).exists()
    with pytest.raises(FileNotFoundError):
        storage.uploads.stat(key)
    program.post("batches", {"uploads": [second], "outputs": [{"format": "webp"}]})
    problem(program.delete(f"uploads/{second}"), 409, "conflict")


def test_an_upload_is_deleted_while_a_preview_of_it_is_made(program: Program) -> None:
    photo = make_photo(64, 48)
    upload = announce(program, size=len(photo)).json()["uploads"][0]["id"]
    put(upload, photo)
    row = Upload.objects.get(pk=upload)
    preview = submit(row.owner, outputs=[Recipe.parse({"format": "webp"})], uploads=[row], kept=False)
    assert program.delete(f"uploads/{upload}").status_code == 204
    with pytest.raises(FileNotFoundError):
        storage.uploads.stat(row.key)
    jobs.remove(preview)
    assert not Upload.objects.exists()
