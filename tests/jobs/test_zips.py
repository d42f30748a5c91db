from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from converter import jobs, storage
from converter.engine import Recipe
from converter.models import Batch, Job
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import WEBP, Send, files, put, submit

pytestmark = [
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]


def test_the_zip_contains_each_result_under_a_unique_name(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    small = Recipe.parse({"format": "webp", "resize": {"mode": "fit", "width": 20}})
    batch = submit(alice, "a.jpg", "A.jpg", outputs=(WEBP, small))
    send(batch, photo, photo)
    worker.work()
    assert jobs.zip_url(batch) is None
    worker.work()
    batch.refresh_from_db()
    assert jobs.zip_url(batch)
    data, _ = storage.results.read(batch.zip_key)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == [
            "a-64.webp", "a-20.webp", "A-64 (2).webp", "A-20 (2).webp", "snippet.html", "manifest.csv"
        ]  # fmt: skip
        assert archive.testzip() is None
        html = archive.read("snippet.html").decode()
    assert 'srcset="a-20.webp 20w, a-64.webp 64w" sizes="100vw"' in html
    assert 'src="A-64%20%282%29.webp"' in html


def test_the_zip_keeps_folders_and_names_by_a_pattern(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    paths = ("day1/IMG_1.jpg", "day2/IMG_1.jpg", "../x.jpg", "Manifest.csv/x.jpg")
    files = [jobs.NewFile(name, 10_000) for name in paths]
    batch = jobs.submit.submit(alice, files=files, outputs=[WEBP], name_pattern="{number}-{name}-{width}")
    send(batch, photo, photo, photo, photo)
    worker.work()
    jobs.zip_url(batch)
    worker.work()
    batch.refresh_from_db()
    data, _ = storage.results.read(batch.zip_key)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == [
            "day1/001-IMG_1-64.webp", "day2/002-IMG_1-64.webp", "003-x-64.webp",
            "_Manifest.csv/004-x-64.webp", "manifest.csv"
        ]  # fmt: skip


def test_the_zip_is_made_again_when_more_jobs_finish(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "a.jpg", "b.jpg")
    send(batch, photo, b"broken")
    worker.work()
    jobs.zip_url(batch)
    worker.work()
    batch.refresh_from_db()
    first = batch.zip_key
    Job.objects.filter(position=1).update(status="finished", result_format="webp")
    job = batch.jobs.select_related("upload").get(position=1)
    storage.results.put(job.result_key, io.BytesIO(b"x"), filename="", content_type="")
    assert jobs.zip_url(batch) is None
    worker.work()
    batch.refresh_from_db()
    assert batch.zip_key not in ("", first)


def test_no_zip_without_a_result(alice: Any) -> None:
    with pytest.raises(jobs.Conflict):
        jobs.zip_url(submit(alice, "a.jpg"))


def test_an_outdated_zip_is_deleted(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes, folders: Any
) -> None:
    batch = submit(alice, "a.jpg", "b.jpg")
    first, second = (job.upload.key for job in batch.jobs.select_related("upload").order_by("position"))
    for key in (first, second):
        put(key, photo)
        worker.work()
        jobs.zip_url(Batch.objects.get())
        worker.work()
    assert len([file for file in files(folders) if file.suffix == ".zip"]) == 1
    jobs.expire(Batch.objects.get())
    assert files(folders) == []
