from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from converter import engine, jobs, metadata
from converter.models import Batch, Job, Upload
from tests.conftest import text
from tests.fakes import RecordingDispatch
from tests.web.conftest import sent, submit

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_tells_the_report_and_what_was_found(page: Client, job: Job) -> None:
    shown = text(page.get(f"/jobs/{job.pk}/"))
    assert "What changed" in shown
    assert "About the original" in shown
    assert "64×48" in shown
    assert f"{job.result_size:,} bytes" in shown


@pytest.mark.long
def test_settings_and_times_are_readable(page: Client, job: Job) -> None:
    settings = {"quality": 90, "optimize": True, "progressive": False, "advanced": {"tune": "ssim"}}
    report = {"encoder": {"name": "JPEG", "settings": settings}, "notes": [], "warnings": []}
    Job.objects.filter(pk=job.pk).update(report=report)
    store = metadata.store()
    facts = store.get(job.upload_id)
    assert facts
    store.update(job.upload_id, {"taken_at": "2026-05-01T12:30:00"}, expires_at=job.upload.expires_at)
    shown = text(page.get(f"/jobs/{job.pk}/"))
    assert "JPEG, quality 90, optimize, tune ssim<" in shown
    assert "1 May 2026, 12:30" in shown


@pytest.mark.long
def test_the_comparison_is_made_on_request(page: Client, job: Job, worker: RecordingDispatch) -> None:
    assert "Preparing the comparison" in text(page.get(f"/jobs/{job.pk}/"))
    worker.work()
    shown = text(page.get(f"/jobs/{job.pk}/compare/"))
    assert "data-before" in shown
    assert "<html" not in shown


def test_a_tiff_is_compared_through_a_preview(page: Client, batch: Batch, worker: RecordingDispatch) -> None:
    tiff = batch.jobs.get(output_format="tiff")
    page.get(f"/jobs/{tiff.pk}/")
    worker.work()
    assert text(page.get(f"/jobs/{tiff.pk}/compare/")).count("preview.webp") == 2


def test_download_leads_to_the_bytes(page: Client, job: Job) -> None:
    response = page.get(f"/jobs/{job.pk}/download/", follow=True)
    assert response["Content-Type"] == "image/webp"
    assert (
        "photo%200.webp" in response["Content-Disposition"]
        or "photo 0.webp" in response["Content-Disposition"]
    )
    assert len(b"".join(response.streaming_content)) == job.result_size  # type: ignore[attr-defined]


def test_there_is_no_download_before_the_result(page: Client, alice: Any, photo: bytes) -> None:
    job = submit(alice, photo).jobs.get()
    assert page.get(f"/jobs/{job.pk}/download/").status_code == 409


@pytest.mark.long
def test_an_expired_result_is_gone(page: Client, batch: Batch, job: Job) -> None:
    jobs.expire(batch)
    assert page.get(f"/jobs/{job.pk}/download/").status_code == 410
    assert "Deleted on" in text(page.get(f"/jobs/{job.pk}/"))


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("awaiting_upload", "Waiting for the image"),
        ("queued", "Queued"),
        ("processing", "Converting"),
        ("failed", "This file ends too early."),
        ("cancelled", "Nothing was converted"),
    ],
)
def test_every_state_is_shown(page: Client, alice: Any, photo: bytes, status: str, says: str) -> None:
    job = submit(alice, photo).jobs.get()
    message = (
        {"error_code": "truncated", "error_message": "This file ends too early."}
        if status == "failed"
        else {}
    )
    Job.objects.filter(pk=job.pk).update(status=status, **message)
    assert says in text(page.get(f"/jobs/{job.pk}/"))


def test_a_lost_upload_is_sent_again(
    page: Client, alice: Any, photo: bytes, worker: RecordingDispatch
) -> None:
    job = submit(alice, photo).jobs.get()
    page.post(f"/jobs/{job.pk}/file/", {"file": sent("other name.jpg", photo)})
    worker.work()
    job.refresh_from_db()
    assert job.status == "finished"


def test_an_uploaded_file_is_not_accepted_again(page: Client, job: Job, photo: bytes) -> None:
    assert page.post(f"/jobs/{job.pk}/file/", {"file": sent("a.jpg", photo)}).status_code == 409


def test_sending_nothing_again_says_so(page: Client, alice: Any, photo: bytes) -> None:
    job = submit(alice, photo).jobs.get()
    assert "Choose the image" in text(page.post(f"/jobs/{job.pk}/file/", follow=True))


@pytest.mark.long
def test_cancel_then_retry(
    page: Client, alice: Any, photo: bytes, send: Callable[..., None], worker: RecordingDispatch
) -> None:
    batch = submit(alice, photo)
    job = batch.jobs.get()
    send(batch, photo)
    page.post(f"/jobs/{job.pk}/cancel/")
    worker.work()
    job.refresh_from_db()
    assert job.status == "cancelled"
    assert page.post(f"/jobs/{job.pk}/retry/", {"from": "batch"}).url == f"/batches/{batch.pk}/"  # type: ignore[attr-defined]
    worker.work()
    job.refresh_from_db()
    assert job.status == "finished"


@pytest.mark.parametrize("act", ["cancel", "retry"])
def test_actions_that_do_not_fit_the_state_are_refused(page: Client, job: Job, act: str) -> None:
    response = page.post(f"/jobs/{job.pk}/{act}/")
    assert response.status_code == 409
    assert "Not possible right now" in text(response)


@pytest.mark.parametrize("act", ["", "compare/", "download/"])
def test_a_stranger_gets_404(strangers_page: Client, job: Job, act: str) -> None:
    assert strangers_page.get(f"/jobs/{job.pk}/{act}").status_code == 404


@pytest.mark.parametrize("act", ["cancel/", "retry/", "file/"])
def test_a_stranger_changes_nothing(strangers_page: Client, job: Job, act: str) -> None:
    assert strangers_page.post(f"/jobs/{job.pk}/{act}").status_code == 404


def test_each_job_links_to_its_neighbours(page: Client, batch: Batch) -> None:
    first, second = batch.jobs.order_by("position")
    assert f"/jobs/{second.pk}/" in text(page.get(f"/jobs/{first.pk}/"))
    assert f"/jobs/{first.pk}/" in text(page.get(f"/jobs/{second.pk}/"))


def test_a_location_in_the_photo_is_shown(page: Client, job: Job) -> None:
    from converter import metadata

    facts = metadata.store().get(job.upload_id)
    assert facts
    metadata.store().put(
        job.upload_id,
        {**facts, "has_location": True, "location": [48.1, 11.5]},
        expires_at=job.upload.expires_at,
    )
    shown = text(page.get(f"/jobs/{job.pk}/"))
    assert "The original contains a location. The result does not." in shown
    assert "48.1, 11.5" in shown
    Job.objects.filter(pk=job.pk).update(status="failed", error_code="crashed", report=None)
    shown = text(page.get(f"/jobs/{job.pk}/"))
    assert "The original contains a location.</p>" in shown  # without a result there is nothing more to say


@pytest.mark.parametrize(
    ("code", "other_image"), [("truncated", True), ("unsupported_format", True), ("cannot_produce", False)]
)
def test_other_settings_are_offered_only_where_they_may_help(
    page: Client, job: Job, code: str, other_image: bool
) -> None:
    Job.objects.filter(pk=job.pk).update(status="failed", error_code=code, report=None)
    shown = text(page.get(f"/jobs/{job.pk}/"))
    assert ("Same settings, new image" in shown) == other_image
    assert ("Try other settings" in shown) != other_image
    assert not page.get(f"/convert/?job={job.pk}&without={job.upload_id}").context["uploads"]


@pytest.mark.long
def test_a_result_becomes_an_image(page: Client, job: Job, worker: RecordingDispatch) -> None:
    response = page.post(f"/jobs/{job.pk}/reuse/")
    upload = Upload.objects.latest("created_at")
    assert response.url == f"/convert/?upload={upload.pk}"  # type: ignore[attr-defined]
    assert (upload.name, upload.size, upload.is_here) == ("photo 0.webp", job.result_size, True)
    assert f'value="{upload.pk}"' in text(page.get(f"/convert/?upload={upload.pk}"))


def test_without_a_result_there_is_nothing_to_use(page: Client, alice: Any, photo: bytes) -> None:
    job = submit(alice, photo).jobs.get()
    assert page.post(f"/jobs/{job.pk}/reuse/").status_code == 409


def test_an_image_fetched_from_a_url_is_not_requested_from_the_user(page: Client, alice: Any) -> None:
    files = [jobs.NewFile("a.jpg", 0, url="https://example.org/a.jpg")]
    job = jobs.submit.submit(alice, outputs=[engine.Recipe.parse({"format": "webp"})], files=files).jobs.get()
    shown = text(page.get(f"/jobs/{job.pk}/"))
    assert "From https://example.org/a.jpg" in shown
    assert "Upload again" not in shown


@pytest.mark.long
def test_the_web_page_gets_its_html(
    page: Client, alice: Any, send: Callable[..., None], worker: RecordingDispatch, photo: bytes
) -> None:
    recipes: list[dict[str, Any]] = [
        {"format": "jpeg"},
        {"format": "webp", "resize": {"width": 32}},
        {"format": "webp"},
        {"format": "tiff"},
    ]
    batch = submit(alice, photo, recipes=recipes)
    send(batch, photo)
    worker.work()
    job = batch.jobs.order_by("position")[0]
    snippet = page.get(f"/jobs/{job.pk}/").context["picture"]
    assert snippet == (
        "<picture>\n"
        '  <source type="image/webp" srcset="photo%200-32.webp 32w, photo%200-64.webp 64w" sizes="100vw">\n'
        '  <img src="photo%200-64.jpg" width="64" height="48" loading="lazy" decoding="async" alt="">\n'
        "</picture>"
    )
    assert "&lt;picture&gt;" in text(page.get(f"/jobs/{job.pk}/"))


@pytest.mark.long
def test_html_names_each_width_once_though_small_images_are_not_enlarged(
    page: Client, alice: Any, send: Callable[..., None], worker: RecordingDispatch, photo: bytes
) -> None:
    recipes = [
        {"format": format, "resize": {"mode": "fit", "width": width}}
        for format in ("webp", "jpeg")
        for width in (32, 960, 1600)
    ]
    batch = submit(alice, photo, recipes=recipes)
    send(batch, photo)
    worker.work()
    job = batch.jobs.order_by("position")[0]
    snippet = page.get(f"/jobs/{job.pk}/").context["picture"]
    assert re.findall(r'srcset="([^"]+)"', snippet) == [
        f"photo%200-32.{end} 32w, photo%200-64.{end} 64w" for end in ("webp", "jpg")
    ]


def test_one_result_alone_needs_no_html(page: Client, job: Job) -> None:
    assert page.get(f"/jobs/{job.pk}/").context["picture"] == ""
