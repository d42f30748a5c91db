"""Each page or frame as its own file: one job becomes as many as the image has."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.test import override_settings
from PIL import Image

from converter import jobs, storage
from converter.engine import Recipe
from converter.jobs import InvalidSubmission, NewFile
from converter.jobs.leases import claim
from converter.jobs.pages import split
from converter.models import Batch, Job, Usage
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import Send, statuses, submit, the_job

pytestmark = [
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]

EACH = Recipe.parse({"format": "png", "frames": "each"})
COLORS = ("red", "lime", "blue")


def scan(*colors: str, format: str = "TIFF") -> bytes:
    first, *others = [Image.new("RGB", (20, 10), color) for color in colors]
    data = io.BytesIO()
    first.save(data, format, save_all=True, append_images=others)
    return data.getvalue()


def rows(batch: Batch) -> list[Job]:
    return list(batch.jobs.select_related("upload", "batch").order_by("position"))


def colors_of(batch: Batch) -> list[Any]:
    found = []
    for job in rows(batch):
        data, _ = storage.results.read(job.result_key)
        with Image.open(io.BytesIO(data)) as image:
            found.append(image.convert("RGB").getpixel((5, 5)))
    return found


@pytest.mark.parametrize("format", ["TIFF", "GIF"])
def test_each_page_becomes_a_result_of_its_own(
    format: str, alice: Any, send: Send, worker: RecordingDispatch
) -> None:
    batch = submit(alice, "scan.tif", outputs=(EACH,))
    assert statuses(batch) == ["awaiting_upload"]
    send(batch, scan(*COLORS, format=format))
    worker.work()
    assert statuses(batch) == ["finished"] * 3
    assert [job.result_name for job in rows(batch)] == ["scan-001.png", "scan-002.png", "scan-003.png"]
    assert [job.recipe for job in rows(batch)] == [{"format": "png", "pages": page} for page in "123"]
    assert colors_of(batch) == [(255, 0, 0), (0, 255, 0), (0, 0, 255)]
    assert the_job_report(batch) == {"in": 3, "kept": 1}
    tally = Batch.objects.get(pk=batch.pk).tally
    assert (tally.images, tally.total, tally.state) == (1, 3, "finished")


def the_job_report(batch: Batch) -> Any:
    report = rows(batch)[2].report
    assert report
    return report["frames"]


def test_only_selected_pages_become_files(alice: Any, send: Send, worker: RecordingDispatch) -> None:
    batch = submit(alice, "scan.tif", outputs=(Recipe.parse({**EACH.canonical(), "pages": "2-"}),))
    send(batch, scan(*COLORS))
    worker.work()
    assert [job.page for job in rows(batch)] == [2, 3]


def test_pages_stand_between_the_other_results(alice: Any, send: Send, worker: RecordingDispatch) -> None:
    pdf = Recipe.parse({"format": "pdf"})
    batch = submit(alice, "a.tif", "b.png", outputs=(EACH, pdf))
    send(batch, scan(*COLORS), scan("white", format="PNG"))
    worker.work()
    named = [job.result_name for job in rows(batch)]
    assert named == ["a-001.png", "a-002.png", "a-003.png", "a.pdf", "b.png", "b.pdf"]
    assert [job.number for job in rows(batch)] == [1, 1, 1, 1, 2, 2]


def test_the_zip_names_each_page_by_the_pattern(alice: Any, send: Send, worker: RecordingDispatch) -> None:
    pattern = "p{page}-{name}"
    batch = jobs.submit.submit(
        alice, files=[NewFile("s/scan.tif", 9000)], outputs=[EACH], name_pattern=pattern
    )
    send(batch, scan(*COLORS))
    worker.work()
    jobs.zip_url(batch)
    worker.work()
    batch.refresh_from_db()
    data, _ = storage.results.read(batch.zip_key)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist()[:3] == ["s/p001-scan.png", "s/p002-scan.png", "s/p003-scan.png"]


def test_pages_in_several_formats_have_a_picture_element_each(
    alice: Any, send: Send, worker: RecordingDispatch
) -> None:
    batch = submit(alice, "a.tif", outputs=(EACH, Recipe.parse({"format": "webp", "frames": "each"})))
    send(batch, scan(*COLORS))
    worker.work()
    [html] = jobs.snippets(rows(batch)).values()
    assert html.count("<picture>") == 3
    assert html.count('srcset="a-002.webp"') == html.count('src="a-002.png"') == 1


def test_a_picture_alone_is_one_result(
    alice: Any, send: Send, worker: RecordingDispatch, photo: bytes
) -> None:
    batch = submit(alice, "photo.jpg", outputs=(EACH,))
    send(batch, photo)
    worker.work()
    assert (the_job(batch).status, the_job(batch).result_name) == ("finished", "photo.png")


def test_each_page_counts_as_a_conversion(alice: Any, send: Send, worker: RecordingDispatch) -> None:
    batch = submit(alice, "scan.tif", outputs=(EACH,))
    send(batch, scan(*COLORS))
    worker.work()
    assert sum(Usage.objects.filter(owner=alice.pk).values_list("jobs", flat=True)) == 3


@pytest.mark.parametrize("most", [1, 2])
def test_pages_cannot_bypass_the_quota(most: int, alice: Any, send: Send, worker: RecordingDispatch) -> None:
    with override_settings(CONVERTER_JOBS_A_DAY=most):
        batch = submit(alice, "scan.tif", outputs=(EACH,))
        send(batch, scan(*COLORS))
        worker.work()
    job = the_job(batch)
    assert (job.status, job.error_code) == ("failed", "quota_exceeded")
    assert sum(Usage.objects.filter(owner=alice.pk).values_list("jobs", flat=True)) == 1
    jobs.retry(job)
    worker.work()
    assert statuses(batch) == ["finished"] * 3


def test_a_batch_has_no_more_pages_than_it_may_have_results(
    alice: Any, send: Send, worker: RecordingDispatch
) -> None:
    with override_settings(CONVERTER_MAX_FILES=2, CONVERTER_MAX_OUTPUTS=1):
        batch = submit(alice, "scan.tif", outputs=(EACH,))
        send(batch, scan(*COLORS))
        worker.work()
    job = the_job(batch)
    assert (job.status, job.error_code) == ("failed", "too_many_frames")
    assert job.error_params == {"kind": "results", "most": 2}


@pytest.mark.parametrize(
    ("content", "pages", "code"),
    [
        pytest.param(scan(*COLORS), "4-", "no_such_page", id="pages"),
        pytest.param(scan("red", format="PNG")[:60], None, "truncated", id="end"),
        pytest.param(b"x" * 50, None, "not_an_image", id="text"),
    ],
)
def test_a_file_without_the_selected_pages_fails_with_that_message(
    content: bytes, pages: str | None, code: str, alice: Any, send: Send, worker: RecordingDispatch
) -> None:
    batch = submit(alice, "scan.tif", outputs=(Recipe.parse({**EACH.canonical(), "pages": pages}),))
    send(batch, content)
    worker.work()
    job = the_job(batch)
    assert (job.status, job.error_code) == ("failed", code)


def test_one_unreadable_page_fails_without_affecting_others(
    alice: Any, send: Send, worker: RecordingDispatch
) -> None:
    crop = Recipe.parse({**EACH.canonical(), "crop": {"x": 0, "y": 0, "width": 15, "height": 10}})
    pages = [Image.new("RGB", size, "red") for size in ((20, 10), (12, 10), (20, 10))]
    data = io.BytesIO()
    pages[0].save(data, "TIFF", save_all=True, append_images=pages[1:])
    batch = submit(alice, "scan.tif", outputs=(crop,))
    send(batch, data.getvalue())
    worker.work()
    assert statuses(batch) == ["finished", "failed", "finished"]


def test_a_job_whose_lease_is_lost_is_not_split(alice: Any) -> None:
    batch = submit(alice, "scan.tif", outputs=(EACH,))
    batch.jobs.update(status=Job.Status.QUEUED)
    [job] = claim(the_job(batch).upload_id)
    Job.objects.filter(pk=job.pk).update(lease=None, status=Job.Status.CANCELLED)
    assert split(job, 3) == []
    assert statuses(batch) == ["cancelled"]


def test_converting_again_makes_files_of_the_pages_again(
    alice: Any, send: Send, worker: RecordingDispatch
) -> None:
    batch = submit(alice, "scan.tif", outputs=(EACH,))
    send(batch, scan(*COLORS))
    worker.work()
    again = jobs.submit.submit(alice, uploads=[rows(batch)[0].upload], outputs=[EACH])
    worker.work()
    assert statuses(again) == ["finished"] * 3


def test_a_document_cannot_be_split_into_pages(alice: Any) -> None:
    pdf = Recipe.parse({"format": "pdf", "frames": "each"})
    files = [NewFile(name, 100) for name in ("a.png", "b.png")]
    with pytest.raises(InvalidSubmission) as caught:
        jobs.submit.submit(alice, files=files, outputs=[pdf], join=True)
    assert [error.pointer for error in caught.value.errors] == ["/outputs/0/frames"]


def test_the_preview_of_a_page_shows_that_page(alice: Any, send: Send, worker: RecordingDispatch) -> None:
    batch = submit(alice, "scan.tif", outputs=(EACH,))
    send(batch, scan(*COLORS))
    worker.work()
    job = rows(batch)[1]
    assert jobs.preview_urls(job) is None
    worker.work()
    data, _ = storage.results.read(job.before_key)
    with Image.open(io.BytesIO(data)) as image:
        red, green, blue = image.convert("RGB").getpixel((5, 5))  # type: ignore[misc]
    assert green > 200 > 50 > max(red, blue)
