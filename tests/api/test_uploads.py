from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from converter import jobs
from converter.models import Batch, Upload
from tests.api.conftest import Program, problem
from tests.conftest import make_photo

pytestmark = pytest.mark.django_db


@pytest.mark.long
def test_what_is_known_of_an_image_is_told(
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
