"""The page of a batch."""

from __future__ import annotations

import io
import re
import uuid
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from converter import engine, jobs
from converter.jobs.sweep import sweep
from converter.models import Batch, Job
from tests.conftest import make_photo, text
from tests.fakes import RecordingDispatch
from tests.web.conftest import submit

pytestmark = pytest.mark.django_db(transaction=True)


def test_its_heading_counts_no_results_that_are_not_there(page: Client, batch: Batch, job: Job) -> None:
    heading = "<h1>2 images <span"
    photos = submit(batch.owner, make_photo(), make_photo())
    assert heading in text(page.get(f"/batches/{photos.pk}/"))
    photos.jobs.update(status="failed", error_code="truncated")
    assert heading in text(page.get(f"/batches/{photos.pk}/"))
    Job.objects.filter(pk=job.pk).update(status="failed", error_code="crashed")
    assert "<h1>1 result <span" in text(page.get(f"/batches/{batch.pk}/"))  # of the two outputs


def test_it_shows_the_outcome_of_each_job(page: Client, batch: Batch, job: Job) -> None:
    shown = text(page.get(f"/batches/{batch.pk}/"))
    assert "2 results" in shown
    assert "<title>photo 0.jpg ·" in shown
    assert "All done." in shown
    assert shown.count('class="chip is-finished"') == 1  # the batch's chip: results need none
    assert shown.count('class="job is-finished"') == 2
    assert f"/jobs/{job.pk}/download/" in shown
    assert "photo 0.jpg" in shown


@pytest.mark.long
def test_an_original_counts_once_however_many_results_it_has(
    page: Client, alice: Any, send: Callable[..., None], worker: RecordingDispatch
) -> None:
    photos = [make_photo(40, 30), make_photo(50, 40)]
    made = [submit(alice, photo, recipes=[{"format": "webp"}, {"format": "png"}]) for photo in photos]
    for batch, photo in zip(made, photos, strict=True):
        send(batch, photo)
    worker.work()
    again = jobs.submit.submit(
        alice,
        outputs=[engine.Recipe.parse({"format": "gif"}), engine.Recipe.parse({"format": "bmp"})],
        uploads=[batch.jobs.get(position=0).upload for batch in made],
    )
    waiting = submit(alice, photos[0])
    assert Batch.objects.filter(pk=again.pk).tallies()[again.pk].bytes_before == 0
    worker.work()
    tallies = Batch.objects.filter(owner=alice).tallies()
    sizes = [len(photo) for photo in photos]
    assert [tallies[batch.pk].bytes_before for batch in (*made, again)] == [*sizes, sum(sizes)]
    assert tallies[waiting.pk].bytes_before == 0
    results = sum(job.result_size or 0 for job in again.jobs.all())
    assert tallies[again.pk].bytes_after == results


def test_it_polls_only_while_something_is_to_be_done(
    page: Client, alice: Any, photo: bytes, send: Callable[..., None], worker: RecordingDispatch
) -> None:
    batch = submit(alice, photo)
    send(batch, photo)
    assert "hx-get" in text(page.get(f"/batches/{batch.pk}/"))
    worker.work()
    shown = text(page.get(f"/batches/{batch.pk}/", headers={"HX-Request": "true"}))
    assert "hx-get" not in shown
    assert "<html" not in shown


@pytest.mark.long
def test_it_polls_less_and_less_often(page: Client, alice: Any, photo: bytes) -> None:
    batch = submit(alice, photo)
    delays = [
        int(re.search(r"load delay:(\d+)s", text(page.get(f"/batches/{batch.pk}/?polls={n}")))[1])  # type: ignore[index]
        for n in range(6)
    ]
    assert delays == [1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize("polls", ["-1", "x", "9" * 50, "²"])
def test_an_invalid_count_of_polls_does_not_fail(page: Client, alice: Any, photo: bytes, polls: str) -> None:
    batch = submit(alice, photo)
    assert page.get(f"/batches/{batch.pk}/", {"polls": polls}).status_code == 200


def test_without_scripts_the_page_loads_itself_again(page: Client, alice: Any, photo: bytes) -> None:
    batch = submit(alice, photo)
    assert '<noscript><meta http-equiv="refresh"' in text(page.get(f"/batches/{batch.pk}/"))


def test_a_done_page_does_not_load_itself_again(page: Client, batch: Batch) -> None:
    assert 'http-equiv="refresh"' not in text(page.get(f"/batches/{batch.pk}/"))


@pytest.mark.parametrize(
    ("statuses", "says"),
    [
        (["awaiting_upload"] * 2, "Waiting for uploads."),
        (["queued", "finished"], "1 of 2 done"),
        (["processing", "queued"], "0 of 2 done"),
        (["finished"] * 2, "All done."),
        (["finished", "failed"], "1 of 2 finished."),
        (["failed"] * 2, "All conversions failed."),
        (["cancelled"] * 2, "Cancelled."),
        (["expired"] * 2, "Expired."),
    ],
)
def test_every_state_is_shown(page: Client, alice: Any, photo: bytes, statuses: list[str], says: str) -> None:
    batch = submit(alice, photo, photo)
    for job, status in zip(batch.jobs.order_by("position"), statuses, strict=True):
        Job.objects.filter(pk=job.pk).update(
            status=status,
            error_code="truncated" if status == "failed" else "",
            error_message="This file ends too early." if status == "failed" else "",
            result_size=100 if status == "finished" else None,
            result_format="webp" if status == "finished" else "",
        )
    shown = text(page.get(f"/batches/{batch.pk}/"))
    assert says in shown
    assert ("/problems/truncated/" in shown) == ("failed" in statuses)
    assert text(page.get("/batches/")).count('class="entry card"') == 1


def test_cancel_ends_what_is_not_done(page: Client, alice: Any, photo: bytes) -> None:
    batch = submit(alice, photo)
    response = page.post(f"/batches/{batch.pk}/cancel/", follow=True)
    assert "1 job cancelled." in text(response)
    assert batch.jobs.get().status == "cancelled"


@pytest.mark.long
def test_retry_queues_the_failed_again(
    page: Client, alice: Any, photo: bytes, send: Callable[..., None], worker: RecordingDispatch
) -> None:
    batch = submit(alice, photo)
    send(batch, b"no image" + photo[8:])
    worker.work()
    assert batch.jobs.get().status == "failed"
    assert "Nothing to retry" in text(page.post(f"/batches/{batch.pk}/retry/", follow=True))
    assert 'id="retry-all"' not in text(page.get(f"/batches/{batch.pk}/"))
    batch.jobs.update(error_code="timed_out")
    assert 'id="retry-all"' in text(page.get(f"/batches/{batch.pk}/"))
    assert "Retrying 1 job." in text(page.post(f"/batches/{batch.pk}/retry/", follow=True))
    assert batch.jobs.get().status == "queued"


def test_retry_of_nothing_says_so(page: Client, alice: Any, photo: bytes) -> None:
    batch = submit(alice, photo)
    jobs.cancel_batch(batch)
    assert "Nothing to retry" in text(page.post(f"/batches/{batch.pk}/retry/", follow=True))


def test_failed_jobs_come_first_and_results_are_shown(
    page: Client, alice: Any, photo: bytes, send: Callable[..., None], worker: RecordingDispatch
) -> None:
    batch = submit(alice, *[photo] * 3)
    send(batch, photo, photo, photo[:200])
    worker.work()
    shown = text(page.get(f"/batches/{batch.pk}/"))
    names = re.findall(r'class="image-name"><a [^>]*>([^<]+)<', shown)
    assert names == ["photo 2.jpg", "photo 0.jpg", "photo 1.jpg"]
    assert shown.count('class="is-result"') == 2


@pytest.mark.long
def test_the_title_shows_the_progress(
    page: Client, alice: Any, photo: bytes, send: Callable[..., None], worker: RecordingDispatch
) -> None:
    batch = submit(alice, photo, photo)
    asked = {"headers": {"HX-Request": "true"}}
    assert "<title>(0/2) photo 0.jpg · Imagesite</title>" in text(page.get(f"/batches/{batch.pk}/", **asked))  # type: ignore[arg-type]
    send(batch, photo, photo)
    worker.work()
    assert "<title>✓ photo 0.jpg · Imagesite</title>" in text(page.get(f"/batches/{batch.pk}/", **asked))  # type: ignore[arg-type]


@pytest.mark.long
def test_delete_asks_first(page: Client, batch: Batch) -> None:
    asked = text(page.get(f"/batches/{batch.pk}/delete/"))
    assert "Delete this batch?" in asked
    assert "1 image and its results will be deleted permanently." in asked
    assert Batch.objects.exists()
    assert "Batch deleted." in text(page.post(f"/batches/{batch.pk}/delete/", follow=True))
    assert not Batch.objects.exists()


@pytest.mark.long
def test_the_zip_is_waited_for_then_downloaded(page: Client, batch: Batch, worker: RecordingDispatch) -> None:
    waiting = page.get(f"/batches/{batch.pk}/zip/")
    assert waiting.status_code == 202
    assert "Preparing your ZIP" in text(waiting)
    worker.work()
    assert "data-download" in text(page.get(f"/batches/{batch.pk}/zip/", headers={"HX-Request": "true"}))
    response = page.get(f"/batches/{batch.pk}/zip/", follow=True)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))  # type: ignore[attr-defined]
    assert sorted(archive.namelist()) == ["manifest.csv", "photo 0.tif", "photo 0.webp"]


def test_there_is_no_zip_before_a_result(page: Client, alice: Any, photo: bytes) -> None:
    response = page.get(f"/batches/{submit(alice, photo).pk}/zip/")
    assert response.status_code == 409
    assert "No result is finished yet." in text(response)


def test_the_zip_of_an_expired_batch_is_gone(page: Client, batch: Batch) -> None:
    jobs.expire(batch)
    response = page.get(f"/batches/{batch.pk}/zip/")
    assert response.status_code == 410
    assert "/problems/expired/" in text(response)


@pytest.mark.long
def test_the_results_of_an_image_are_on_one_page(page: Client, alice: Any, photo: bytes) -> None:
    batch = submit(alice, *[photo] * 34, recipes=[{"format": name} for name in ("webp", "png", "gif")])
    shown = text(page.get(f"/batches/{batch.pk}/"))
    assert "34 images, 102 results" in shown
    assert shown.count('id="job-') == 99
    assert shown.count('class="image card"') == 33


@pytest.mark.long
def test_many_jobs_are_paged(page: Client, alice: Any, photo: bytes) -> None:
    batch = submit(alice, *[photo] * 101)
    assert text(page.get(f"/batches/{batch.pk}/")).count('id="job-') == 100
    assert text(page.get(f"/batches/{batch.pk}/?page=2")).count('id="job-') == 1


@pytest.mark.parametrize("act", ["", "delete/", "zip/"])
def test_a_stranger_gets_404(strangers_page: Client, batch: Batch, act: str) -> None:
    assert strangers_page.get(f"/batches/{batch.pk}/{act}").status_code == 404


@pytest.mark.parametrize("act", ["cancel/", "retry/", "delete/"])
def test_a_stranger_changes_nothing(strangers_page: Client, batch: Batch, act: str) -> None:
    assert strangers_page.post(f"/batches/{batch.pk}/{act}").status_code == 404
    assert Job.objects.filter(status="finished").count() == 2


def test_no_batch_is_404(page: Client) -> None:
    assert page.get(f"/batches/{uuid.uuid4()}/").status_code == 404


@pytest.mark.long
@pytest.mark.parametrize("count", [1, 12])
def test_no_page_asks_the_database_much(
    page: Client,
    alice: Any,
    send: Callable[..., None],
    worker: RecordingDispatch,
    django_assert_max_num_queries: Any,
    count: int,
) -> None:
    photo = make_photo(16, 16)
    for _ in range(count):
        batch = submit(alice, photo, recipes=[{"format": "webp"}, {"format": "png"}])
        send(batch, photo)
    worker.work()
    big = submit(alice, *[photo] * count)
    job = Job.objects.filter(status="finished").first()
    assert job
    for path in [
        "/batches/",
        f"/batches/{big.pk}/",
        f"/jobs/{job.pk}/",
        "/convert/",
        f"/convert/?batch={big.pk}",
        "/recipes/",
    ]:
        with django_assert_max_num_queries(12):
            assert page.get(path).status_code == 200


@pytest.mark.long
def test_an_expired_batch_says_so(page: Client, batch: Batch) -> None:
    Batch.objects.update(expires_at=timezone.now() - timedelta(minutes=1))
    sweep()
    shown = text(page.get(f"/batches/{batch.pk}/"))
    assert "Expired. The images and results have been deleted." in shown
    assert "Download" not in shown
    assert not storages["results"].exists(batch.jobs.all()[0].result_key)


def test_the_size_of_several_results_is_not_compared_with_their_one_original(
    page: Client, batch: Batch, job: Job
) -> None:
    for path in (f"/batches/{batch.pk}/", "/batches/"):
        batch.jobs.update(result_size=10**9)
        said = text(page.get(path))
        assert "2 results" in said
        assert "2.0\xa0GB" in said
        assert "is-grown" not in said.split('class="images"')[0]
        assert "% larger" not in said.split('class="images"')[0]
    batch.jobs.exclude(pk=job.pk).delete()
    assert "Larger by" in text(page.get(f"/batches/{batch.pk}/"))
    assert "% larger" in text(page.get("/batches/"))


def test_growth_that_the_format_explains_is_one_plain_line(page: Client, batch: Batch, job: Job) -> None:
    batch.jobs.exclude(pk=job.pk).delete()
    batch.jobs.update(
        result_size=10**9,
        report={
            "notes": [
                {
                    "code": "larger_by_nature",
                    "params": {"format": "JPEG", "source": "HEIC"},
                    "text": "JPEG files are larger than HEIC. That is normal.",
                }
            ],
            "warnings": [],
        },
    )
    said = text(page.get(f"/batches/{batch.pk}/"))
    totals = said[said.index("totals-sizes") : said.index('class="images"')]
    assert "JPEG files are larger than HEIC. That is normal." in totals
    assert said.count("That is normal.") == 1
    assert "is-more" not in said
    assert "is-warning" not in said


def test_growth_that_nothing_explains_is_a_warning(page: Client, batch: Batch) -> None:
    warning = {"code": "larger_than_source", "params": {}, "text": "The result is larger than the original"}
    batch.jobs.update(result_size=10**9, report={"notes": [], "warnings": [warning]})
    said = text(page.get(f"/batches/{batch.pk}/"))
    assert "saved is-more" in said
    assert "That is normal." not in said


@pytest.mark.long
def test_missing_files_are_sent_together_and_matched_by_name_and_size(
    page: Client, alice: Any, photo: bytes, worker: RecordingDispatch
) -> None:
    other = make_photo(31, 21)
    files = [jobs.NewFile("a.jpg", len(photo)), jobs.NewFile("a.jpg", len(other)), jobs.NewFile("b.jpg", 5)]
    batch = jobs.submit.submit(alice, files=files, outputs=[engine.Recipe.parse({"format": "png"})])
    assert "3 images have not arrived." in text(page.get(f"/batches/{batch.pk}/"))
    sent = [
        SimpleUploadedFile(name, content)
        for name, content in [("a.jpg", other), ("a.jpg", photo), ("c.jpg", b"x")]
    ]
    answer = text(page.post(f"/batches/{batch.pk}/files/", {"images": sent}, follow=True))
    assert "2 images arrived." in answer
    assert "1 file is not one of the missing images." in answer
    assert "1 image has not arrived." in answer
    worker.work()
    sizes = batch.jobs.order_by("position").values_list("upload__size", "result_width")
    assert list(sizes) == [(len(photo), 64), (len(other), 31), (5, None)]
    assert "has not arrived" not in text(page.get(f"/batches/{batch.pk}/", headers={"HX-Request": "true"}))


def test_a_stranger_sends_no_missing_files(strangers_page: Client, batch: Batch) -> None:
    assert strangers_page.post(f"/batches/{batch.pk}/files/").status_code == 404
