from __future__ import annotations

import io
import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from PIL import Image

from converter.api import convert, waiting
from converter.jobs.sweep import sweep
from converter.models import Batch, Delivery, Job, Upload, Webhook
from tests.api.conftest import Clock, Program, problem
from tests.conftest import make_photo

pytestmark = pytest.mark.django_db

WEBP = {"format": "webp", "resize": {"width": 20}}


def post(program: Program, content: bytes, recipe: Any, name: str = "a.jpg", **more: str) -> Any:
    text = recipe if isinstance(recipe, str) else json.dumps(recipe)
    return program.client.post(
        "/api/v1/convert", {"file": SimpleUploadedFile(name, content), "recipe": text, **more}
    )


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, worker: Any) -> Clock:
    """Return a clock that advances only while a request waits; the worker runs at the first sleep."""
    clock = Clock()
    clock.at_nap[1] = worker.work
    monkeypatch.setattr(waiting, "time", clock)
    return clock


def test_an_image_is_sent_and_comes_back_converted(program: Program, clock: Clock) -> None:
    response = post(program, make_photo(40, 30), WEBP)
    assert response.status_code == 200
    assert response["Content-Type"] == "image/webp"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == 'attachment; filename="a.webp"'
    image = Image.open(io.BytesIO(response.content))
    assert (image.format, image.size) == ("WEBP", (20, 15))
    job = program.get(f"jobs/{response['Job-Id']}").json()
    assert job["status"] == "finished"
    assert json.loads(response["Job-Report"]) == job["report"]


def test_a_slow_conversion_returns_its_job(program: Program, clock: Clock) -> None:
    clock.at_nap.clear()
    response = post(program, make_photo(), WEBP)
    assert response.status_code == 202
    assert response.json()["status"] == "queued"
    assert "Retry-After" not in response
    assert response["Location"] == f"/api/v1/jobs/{response.json()['id']}"
    assert clock.now == pytest.approx(convert.LONGEST)


def test_a_failed_conversion_returns_the_reason(program: Program, clock: Clock) -> None:
    response = post(program, b"hello", WEBP)
    problem(response, 422, "not_an_image")
    assert program.get(f"jobs/{response['Job-Id']}").json()["status"] == "failed"


@pytest.mark.parametrize("content", [make_photo(40, 30), b"hello"])
def test_with_keep_false_nothing_is_left(
    program: Program, clock: Clock, content: bytes, folders: Path
) -> None:
    response = post(program, content, WEBP, keep="false")
    assert response.status_code in (200, 422)
    assert not Batch.objects.exists()
    assert not Upload.objects.exists()
    assert not [file for file in folders.rglob("*") if file.is_file()]


@pytest.mark.long
def test_with_keep_false_nothing_is_in_the_history_or_sent_to_webhooks(
    program: Program, clock: Clock, alice: Any, worker: Any
) -> None:
    Webhook.objects.create(owner=alice, url="https://example.org/", events=list(Webhook.Event), secret="s")
    listed = []

    def work_and_look() -> None:
        worker.work()
        listed.extend(program.get("batches").json()["items"])

    clock.at_nap[1] = work_and_look
    assert post(program, make_photo(), WEBP, keep="false").status_code == 200
    assert not listed
    assert not Delivery.objects.exists()
    clock.at_nap[clock.naps + 1] = worker.work
    assert post(program, make_photo(), WEBP).status_code == 200
    assert program.get("batches").json()["items"]
    assert Delivery.objects.exists()


def test_with_keep_false_a_slow_conversion_is_an_error(program: Program, clock: Clock) -> None:
    clock.at_nap.clear()
    problem(post(program, make_photo(), WEBP, keep="false"), 422, "not_in_time")
    assert not Batch.objects.exists()


@pytest.fixture
def crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let as many requests wait as are allowed."""
    monkeypatch.setattr(waiting, "AT_ONCE", 0)


@pytest.mark.usefixtures("crowd")
def test_with_too_many_waiting_requests_the_job_is_returned_or_refused(program: Program) -> None:
    response = post(program, make_photo(), WEBP)
    assert (response.status_code, response["Retry-After"]) == (202, "1")
    response = post(program, make_photo(), WEBP, keep="false")
    problem(response, 503, "unavailable")
    assert int(response["Retry-After"]) > 0
    assert Batch.objects.count() == 1


def test_an_unknown_or_repeated_field_has_a_pointer(program: Program) -> None:
    body = problem(post(program, make_photo(), WEBP, kepe="false"), 422, "invalid_request")
    assert [error["pointer"] for error in body["errors"]] == ["/kepe"]
    files = [SimpleUploadedFile(name, make_photo()) for name in ("a.jpg", "b.jpg")]
    form = {"file": files, "recipe": json.dumps(WEBP)}
    body = problem(program.client.post("/api/v1/convert", form), 422, "invalid_request")
    assert [error["pointer"] for error in body["errors"]] == ["/file"]
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("recipe", "pointer"),
    [
        ({"format": "webp", "quality": 0}, "/recipe/quality"),
        ("{", "/recipe"),
        ("[]", "/recipe"),
        ('{"format": "webp", "quality": NaN}', "/recipe"),
    ],
)
def test_an_invalid_recipe_has_a_pointer(program: Program, recipe: Any, pointer: str) -> None:
    body = problem(post(program, make_photo(), recipe), 422, "invalid_recipe")
    assert [error["pointer"] for error in body["errors"]] == [pointer]
    assert not Batch.objects.exists()


def test_both_parts_are_needed(program: Program) -> None:
    body = problem(program.client.post("/api/v1/convert", {}), 422, "invalid_request")
    assert [error["pointer"] for error in body["errors"]] == ["/recipe"]
    body = problem(program.client.post("/api/v1/convert", {"recipe": "{}"}), 422, "invalid_request")
    assert [error["pointer"] for error in body["errors"]] == ["/file"]


@pytest.fixture
def here(transactional_db: None, program: Program, clock: Clock) -> Upload:
    """Return an image that was uploaded before."""
    response = post(program, make_photo(40, 30), {"format": "png"})
    clock.at_nap[clock.naps + 1] = clock.at_nap[1]
    return Job.objects.select_related("upload").get(pk=response["Job-Id"]).upload


def again(program: Program, upload: Any, **more: Any) -> Any:
    return program.client.post("/api/v1/convert", {"upload": str(upload), "recipe": json.dumps(WEBP), **more})


@pytest.mark.long
def test_an_uploaded_image_is_not_sent_again(program: Program, here: Upload) -> None:
    response = again(program, here.pk)
    assert response.status_code == 200
    assert Image.open(io.BytesIO(response.content)).size == (20, 15)
    assert Job.objects.filter(upload=here).count() == 2
    assert Upload.objects.count() == 1


@pytest.mark.long
@pytest.mark.parametrize("listed", [True, False])
def test_a_preview_of_an_uploaded_image_does_not_change_it(
    program: Program, here: Upload, folders: Path, listed: bool
) -> None:
    if not listed:  # such as a result used as an image, which is in no batch
        Batch.objects.all().delete()
    soon = timezone.now() + timedelta(minutes=5)
    Upload.objects.update(expires_at=soon)
    files = {file for file in folders.rglob("*") if file.is_file()}
    known = program.get(f"uploads/{here.pk}/metadata").json()
    assert again(program, here.pk, keep="false").status_code == 200
    assert Batch.objects.count() == listed
    assert {file for file in folders.rglob("*") if file.is_file()} == files
    assert program.get(f"uploads/{here.pk}/metadata").json() == known
    here.refresh_from_db()
    assert (here.is_here, here.expires_at) == (True, soon)


def test_either_a_file_or_an_image_that_is_here(program: Program, here: Upload) -> None:
    file = SimpleUploadedFile("a.jpg", make_photo())
    problem(again(program, here.pk, file=file), 422, "invalid_request")
    assert Batch.objects.count() == 1


def test_the_image_of_a_stranger_is_not_there(program: Program, here: Upload, bob: Any) -> None:
    Upload.objects.update(owner=bob)
    problem(again(program, here.pk), 404, "not_found")


@pytest.mark.long
def test_an_image_that_is_deleted_is_gone(program: Program, here: Upload) -> None:
    Upload.objects.update(expires_at=timezone.now())
    problem(again(program, here.pk), 410, "expired")
    sweep()
    problem(again(program, here.pk), 410, "expired")
    problem(again(program, uuid.uuid4()), 404, "not_found")


def test_an_image_that_is_too_large_for_this_is_refused(program: Program, settings: Any) -> None:
    settings.CONVERTER_ONE_SHOT_BYTES = 10
    problem(post(program, make_photo(), WEBP), 413, "body_too_large")
    assert not Batch.objects.exists()


def test_a_result_that_is_too_large_for_this_is_fetched(
    program: Program, clock: Clock, settings: Any
) -> None:
    photo = make_photo(64, 48)
    settings.CONVERTER_ONE_SHOT_BYTES = len(photo)
    response = post(program, photo, {"format": "bmp"})
    assert response.status_code == 202
    assert response.json()["result"]["size"] > len(photo)


def test_an_empty_file_is_refused(program: Program) -> None:
    body = problem(post(program, b"", WEBP), 422, "empty_file")
    assert [error["pointer"] for error in body["errors"]] == ["/file"]
    assert not Job.objects.exists()


def test_a_missing_watermark_has_a_pointer(program: Program) -> None:
    recipe = {"format": "webp", "watermark": {"image": str(uuid.uuid4())}}
    body = problem(post(program, make_photo(), recipe), 422, "no_watermark")
    assert [error["pointer"] for error in body["errors"]] == ["/recipe/watermark/image"]


def test_an_image_that_never_arrived_has_a_pointer(program: Program) -> None:
    upload = program.submit("a.jpg")["uploads"][0]["id"]
    body = problem(again(program, upload), 410, "no_upload")
    assert [error["pointer"] for error in body["errors"]] == ["/upload"]


def test_a_form_that_cannot_be_read_is_refused(program: Program) -> None:
    response = program.client.post("/api/v1/convert", b"x", content_type="multipart/form-data")
    problem(response, 400, "bad_request")


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", ""])
def test_a_body_of_another_type_is_refused(program: Program, content_type: str) -> None:
    response = program.client.post("/api/v1/convert", b"{}", content_type=content_type)
    problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_the_recipe_may_come_as_a_file(program: Program, clock: Clock, mark: bytes) -> None:
    recipe = SimpleUploadedFile("recipe.json", mark + json.dumps(WEBP).encode(), "application/octet-stream")
    sent = {"file": SimpleUploadedFile("a.jpg", make_photo(40, 30)), "recipe": recipe}
    response = program.client.post("/api/v1/convert", sent)
    assert response.status_code == 200, response.content
    assert Image.open(io.BytesIO(response.content)).size == (20, 15)


@pytest.mark.parametrize("content", [b"\xff\xfe{\0}\0", b'{"format": "\xe9"}', b"", b'{"format": '])
def test_a_file_that_is_no_recipe_is_refused(program: Program, content: bytes) -> None:
    sent = {"file": SimpleUploadedFile("a.jpg", make_photo()), "recipe": SimpleUploadedFile("r", content)}
    wrong = problem(program.client.post("/api/v1/convert", sent), 422, "invalid_recipe")
    assert [(error["pointer"], error["code"]) for error in wrong["errors"]] == [
        ("/recipe", "recipe_not_json")
    ]


def test_a_recipe_is_sent_once_and_is_no_larger_as_a_file(program: Program, settings: Any) -> None:
    def sent(recipe: str, *more: str) -> Any:
        files = [SimpleUploadedFile("r.json", text.encode()) for text in more]
        photo = SimpleUploadedFile("a.jpg", make_photo())
        return program.client.post(
            "/api/v1/convert", {"file": photo, "recipe": [recipe, *files] if recipe else files}
        )

    text = json.dumps(WEBP)
    for response in (sent(text, text), sent("", text, text)):
        wrong = problem(response, 422, "invalid_request")
        assert [(error["pointer"], error["code"]) for error in wrong["errors"]] == [
            ("/recipe", "field_repeated")
        ]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    problem(sent("", text + " " * 100), 413, "body_too_large")
