"""One PDF of several images: one job, which starts when its last image arrives and reports on each."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image

from converter import jobs, storage
from converter.engine import Recipe
from converter.jobs import NewFile
from converter.models import Batch, Job, Source, Upload
from tests.fakes import RecordingDispatch
from tests.jobs.conftest import Send, put, statuses, the_job

pytestmark = [
    pytest.mark.django_db(transaction=False),
    pytest.mark.postgres,
    pytest.mark.usefixtures("commit_at_once"),
]

PDF = Recipe.parse({"format": "pdf"})
Submit = Callable[..., Batch]


def png(color: str, size: tuple[int, int] = (40, 30)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, color).save(data, "PNG")
    return data.getvalue()


def join(owner: Any, *names: str, output: Recipe = PDF, **more: Any) -> Batch:
    files = [NewFile(name, 10_000) for name in names]
    return jobs.submit.submit(owner, files=files, outputs=[output], join=True, **more)


def send_to(batch: Batch, *contents: bytes) -> None:
    """Send the images of the document, in order."""
    for upload, content in zip(the_job(batch).uploads, contents, strict=False):
        put(upload.key, content)


def result_of(batch: Batch) -> bytes:
    data, _ = storage.results.read(the_job(batch).result_key)
    return data


def colors(pdf: bytes) -> list[tuple[int, ...]]:
    """Return the colour in the middle of each page, as rendered by poppler."""
    found = []
    for number in range(1, pages(pdf) + 1):
        page = ["-f", str(number), "-l", str(number)]
        drawn = subprocess.run(
            ["pdftoppm", "-r", "20", *page, "-"], input=pdf, capture_output=True, check=True
        )
        image = Image.open(io.BytesIO(drawn.stdout)).convert("RGB")
        pixel = image.getpixel((image.width // 2, image.height // 2))
        assert isinstance(pixel, tuple)
        found.append(tuple(round(value / 255) for value in pixel))
    return found


def pages(pdf: bytes) -> int:
    told = subprocess.run(["pdfinfo", "-"], input=pdf, capture_output=True, check=True).stdout.decode()
    return next(int(line.split()[1]) for line in told.splitlines() if line.startswith("Pages:"))


def test_images_become_the_pages_in_their_order(alice: Any, worker: RecordingDispatch) -> None:
    batch = join(alice, "red.png", "green.png", "blue.png")
    assert statuses(batch) == ["awaiting_upload"]
    send_to(batch, png("red"), png("lime"), png("blue"))
    worker.work()
    job = the_job(batch)
    assert (job.status, job.images, job.result_name) == ("finished", 3, "red.pdf")
    pdf = result_of(batch)
    assert colors(pdf) == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert b"CreationDate" not in pdf
    assert job.report
    assert job.report["frames"] == {"in": 3, "kept": 3}
    assert job.report["bytes_before"] == sum(upload.size for upload in job.uploads)
    assert job.report["notes"][0]["code"] == "joined"


@pytest.mark.long
def test_it_starts_when_the_last_image_has_arrived(alice: Any, worker: RecordingDispatch) -> None:
    batch = join(alice, "1.png", "2.png", "3.png")
    first, second, third = the_job(batch).uploads
    for upload, color in ((third, "blue"), (first, "red")):
        put(upload.key, png(color))
        worker.work()
        assert statuses(batch) == ["awaiting_upload"]
    put(second.key, png("lime"))
    worker.work()
    assert statuses(batch) == ["finished"]
    assert colors(result_of(batch)) == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]


def test_each_image_has_metadata_and_a_thumbnail(alice: Any, worker: RecordingDispatch) -> None:
    batch = join(alice, "a.png", "b.png")
    send_to(batch, png("red", (40, 30)), png("blue", (50, 60)))
    worker.work()
    found = [(upload.format, upload.width, upload.height) for upload in the_job(batch).uploads]
    assert found == [("png", 40, 30), ("png", 50, 60)]
    assert all(upload.thumbnail_key for upload in the_job(batch).uploads)


def test_pages_of_an_image_follow_one_another(alice: Any, worker: RecordingDispatch) -> None:
    tiff = io.BytesIO()
    Image.new("RGB", (9, 9), "red").save(
        tiff, "TIFF", save_all=True, append_images=[Image.new("RGB", (9, 9), "blue")]
    )
    batch = join(alice, "scan.tif", "last.png")
    send_to(batch, tiff.getvalue(), png("lime"))
    worker.work()
    assert colors(result_of(batch)) == [(1, 0, 0), (0, 0, 1), (0, 1, 0)]


def test_one_bad_image_fails_it_by_name(alice: Any, worker: RecordingDispatch) -> None:
    batch = join(alice, "good.png", "bad.png")
    send_to(batch, png("red"), png("blue")[:60])
    worker.work()
    job = the_job(batch)
    assert (job.status, job.error_code) == ("failed", "bad_image")
    assert job.error_params is not None
    assert job.error_params["name"] == "bad.png"
    assert job.error_params["upload"] == str(job.uploads[1].pk)
    assert job.error_params["reason"]["code"] == "truncated"
    assert job.error_message.startswith("bad.png: The end of this ")
    assert jobs.retry_refusal(job)


@pytest.mark.long
def test_existing_images_come_before_new_ones(alice: Any, worker: RecordingDispatch) -> None:
    batch = join(alice, "a.png", "b.png")
    send_to(batch, png("red"), png("blue"))
    worker.work()
    again = join(alice, "c.png", uploads=list(reversed(the_job(batch).uploads)))
    assert statuses(again) == ["awaiting_upload"]
    put(the_job(again).uploads[2].key, png("lime"))
    worker.work()
    assert colors(result_of(again)) == [(0, 0, 1), (1, 0, 0), (0, 1, 0)]


@pytest.mark.long
def test_existing_images_start_immediately(alice: Any, worker: RecordingDispatch) -> None:
    batch = join(alice, "a.png", "b.png")
    send_to(batch, png("red"), png("blue"))
    worker.work()
    again = jobs.submit.submit(alice, uploads=the_job(batch).uploads, outputs=[PDF], join=True)
    worker.work()
    assert statuses(again) == ["finished"]


def test_an_image_may_have_its_own_recipe(alice: Any, worker: RecordingDispatch) -> None:
    rotated = Recipe.parse({"format": "pdf", "rotate": 90})
    files = [NewFile("a.png", 1000), NewFile("b.png", 1000, outputs=(rotated,))]
    batch = jobs.submit.submit(alice, files=files, outputs=[PDF], join=True)
    send_to(batch, png("red", (150, 300)), png("red", (150, 300)))
    worker.work()
    told = subprocess.run(
        ["pdfinfo", "-l", "2", "-"], input=result_of(batch), capture_output=True, check=True
    )
    sizes = [
        line.split()[3:6:2]
        for line in told.stdout.decode().splitlines()
        if line.startswith("Page ") and "size" in line
    ]
    assert sizes == [["72", "144"], ["144", "72"]]


def test_one_image_is_a_document_too(alice: Any, worker: RecordingDispatch) -> None:
    batch = join(alice, "a.png")
    send_to(batch, png("red"))
    worker.work()
    assert statuses(batch) == ["finished"]
    assert pages(result_of(batch)) == 1
    assert not Source.objects.exists()


@pytest.mark.long
def test_a_maximum_size_applies_to_the_whole_document(alice: Any, worker: RecordingDispatch) -> None:
    noise = io.BytesIO()
    Image.effect_noise((400, 300), 90).save(noise, "PNG")
    most = 30_000
    batch = join(
        alice,
        "1.png",
        "2.png",
        "3.png",
        output=Recipe.parse({"format": "pdf", "target_bytes": most, "shrink_to_fit": True}),
    )
    send_to(batch, *[noise.getvalue()] * 3)
    worker.work()
    assert statuses(batch) == ["finished"]
    assert most * 0.6 < len(result_of(batch)) <= most


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_document_bytes": 200}, "too_many_bytes"),
        ({"max_document_pixels": 2000}, "too_many_pixels"),
        ({"document_seconds": 0}, "timed_out"),
        ({"max_frames": 2}, "too_many_frames"),
    ],
)
def test_limits_apply_to_the_whole_document(
    alice: Any, worker: RecordingDispatch, settings: Any, limits: dict[str, int], code: str
) -> None:
    batch = join(alice, "1.png", "2.png", "3.png")
    settings.CONVERTER_LIMITS = limits
    send_to(batch, png("red"), png("lime"), png("blue"))
    worker.work()
    job = the_job(batch)
    assert (job.status, job.error_code) == ("failed", code)
    assert job.error_params is not None
    assert job.error_params["kind"] == "document"


def test_an_image_with_one_page_counts_as_one(alice: Any, worker: RecordingDispatch, settings: Any) -> None:
    first = Recipe.parse({"format": "pdf", "frames": "first"})
    files = [NewFile("a.tif", 10_000, outputs=(first,)), NewFile("b.png", 10_000)]
    batch = jobs.submit.submit(alice, files=files, outputs=[PDF], join=True)
    settings.CONVERTER_LIMITS = {"max_frames": 3}
    tiff = io.BytesIO()
    page = Image.new("RGB", (40, 30), "red")
    page.save(tiff, "TIFF", save_all=True, append_images=[page, page])
    send_to(batch, tiff.getvalue(), png("blue"))
    worker.work()
    assert statuses(batch) == ["finished"]
    assert pages(result_of(batch)) == 2


def test_a_document_known_to_be_too_large_is_refused_immediately(alice: Any, settings: Any) -> None:
    settings.CONVERTER_LIMITS = {"max_document_bytes": 15_000}
    with pytest.raises(jobs.InvalidSubmission) as refusal:
        join(alice, "1.png", "2.png")
    assert refusal.value.code == "too_many_bytes"


@pytest.mark.parametrize(
    ("outputs", "kind"),
    [
        ([PDF, Recipe.parse({"format": "pdf", "dpi": 99})], "join_outputs"),
        ([{"format": "png"}], "join_format"),
    ],
)
def test_a_document_is_one_pdf(alice: Any, outputs: Any, kind: str) -> None:
    recipes = [output if isinstance(output, Recipe) else Recipe.parse(output) for output in outputs]
    with pytest.raises(jobs.InvalidSubmission) as refusal:
        jobs.submit.submit(alice, files=[NewFile("a.png", 9)], outputs=recipes, join=True)
    assert refusal.value.message.params["kind"] == kind


def test_each_image_counts_as_a_conversion(alice: Any, settings: Any) -> None:
    settings.CONVERTER_JOBS_A_DAY = 2
    with pytest.raises(jobs.OverQuota):
        join(alice, "1.png", "2.png", "3.png")


@pytest.mark.long
def test_an_image_that_never_arrives_fails_the_document_and_is_named(
    alice: Any, worker: RecordingDispatch
) -> None:
    batch = join(alice, "here.png", "missing.png")
    send_to(batch, png("red"))
    worker.work()
    long_ago = timezone.now() - timedelta(hours=3)
    Job.objects.update(asks=jobs.sweep.UPLOAD_ASKS)
    Upload.objects.filter(name="here.png").update(received_at=long_ago)
    jobs.sweep.sweep()
    job = the_job(batch)
    assert (job.status, job.error_code) == ("failed", "upload_timed_out")
    assert job.error_message == "missing.png never arrived. Upload it again."
    put(job.uploads[1].key, png("blue"))
    worker.work()
    assert statuses(batch) == ["finished"]


def test_a_lost_event_is_recovered(alice: Any, worker: RecordingDispatch) -> None:
    batch = join(alice, "a.png", "b.png")
    send_to(batch, png("red"), png("blue"))
    worker.asked.clear()
    Job.objects.update(created_at=timezone.now() - timedelta(minutes=10), asked_at=None)
    jobs.sweep.sweep()
    worker.work()
    assert statuses(batch) == ["finished"]


def test_a_retry_makes_it_again(alice: Any, worker: RecordingDispatch, settings: Any) -> None:
    batch = join(alice, "a.png", "b.png")
    settings.CONVERTER_LIMITS = {"document_seconds": 0}
    send_to(batch, png("red"), png("blue"))
    worker.work()
    assert jobs.retry_refusal(the_job(batch)) is None
    settings.CONVERTER_LIMITS = {}
    assert jobs.retry_batch(batch, where_it_may_help=True) == 1
    worker.work()
    assert statuses(batch) == ["finished"]


def test_it_cannot_be_retried_without_all_of_its_images(alice: Any, worker: RecordingDispatch) -> None:
    batch = join(alice, "a.png", "b.png")
    send_to(batch, png("red"))
    jobs.cancel(the_job(batch))
    with pytest.raises(jobs.Conflict):
        jobs.retry(the_job(batch))


def test_all_images_and_the_document_are_deleted_with_it(
    alice: Any, worker: RecordingDispatch, folders: Any
) -> None:
    batch = join(alice, "a.png", "b.png")
    send_to(batch, png("red"), png("blue"))
    worker.work()
    jobs.remove(batch)
    assert not Upload.objects.exists()
    assert not [path for path in folders.rglob("*") if path.is_file()]


@pytest.mark.long
def test_an_image_that_another_document_uses_stays(alice: Any, worker: RecordingDispatch) -> None:
    batch = join(alice, "a.png", "b.png")
    send_to(batch, png("red"), png("blue"))
    worker.work()
    again = jobs.submit.submit(alice, uploads=the_job(batch).uploads, outputs=[PDF], join=True)
    jobs.remove(batch)
    worker.work()
    assert statuses(again) == ["finished"]


def test_a_batch_counts_its_images(alice: Any, worker: RecordingDispatch) -> None:
    batch = join(alice, "a.png", "b.png", "c.png")
    send_to(batch, png("red"), png("lime"), png("blue"))
    worker.work()
    tally = Batch.objects.get(pk=batch.pk).tally
    assert (tally.images, tally.total, tally.finished) == (3, 1, 1)
    assert tally.bytes_before == sum(upload.size for upload in the_job(batch).uploads)


def test_a_cancelled_document_is_not_made(
    alice: Any, worker: RecordingDispatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = join(alice, "a.png", "b.png")
    read = type(storage.uploads).read
    reads = []

    def cancelling(self: Any, key: str) -> Any:
        reads.append(key)
        jobs.cancel_batch(batch)
        return read(self, key)

    monkeypatch.setattr("converter.storage.folder.FolderStorage.read", cancelling)
    send_to(batch, png("red"), png("blue"))
    worker.work()
    assert statuses(batch) == ["cancelled"]


def test_documents_do_not_delay_other_jobs(alice: Any, worker: RecordingDispatch, send: Send) -> None:
    """An image of a document that is also converted by itself does not wait for the others."""
    batch = join(alice, "a.png", "b.png")
    first = the_job(batch).uploads[0]
    put(first.key, png("red"))
    worker.work()
    first.refresh_from_db()
    alone = jobs.submit.submit(alice, uploads=[first], outputs=[Recipe.parse({"format": "webp"})])
    worker.work()
    assert (statuses(alone), statuses(batch)) == (["finished"], ["awaiting_upload"])
