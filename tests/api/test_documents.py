"""Several images joined into one PDF through the API."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from converter.models import Batch
from tests.api.conftest import Program, problem
from tests.api.test_batches import post_file
from tests.conftest import make_photo, streamed

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def join(program: Program, *names: str, **more: Any) -> Any:
    body = {"files": [{"name": name, "size": 9000} for name in names], "outputs": [{}], "join": "pdf", **more}
    return program.post("batches", body)


@pytest.mark.long
def test_images_are_joined_once_all_are_sent(program: Program, worker: Any) -> None:
    batch = join(program, "1.jpg", "2.jpg", "3.jpg", outputs=[{"page": "a4", "margin": 10}]).json()
    assert [upload["name"] for upload in batch["uploads"]] == ["1.jpg", "2.jpg", "3.jpg"]
    (job,) = batch["jobs"]
    assert job["recipe"] == {"format": "pdf", "page": "a4", "margin": 10}
    assert job["uploads"] == [upload["id"] for upload in batch["uploads"]]
    for upload in reversed(batch["uploads"]):
        assert program.get(f"batches/{batch['id']}").json()["status"] == "awaiting_upload"
        assert post_file(upload, make_photo(60, 40)).status_code == 201
        worker.work()
    done = program.get(f"batches/{batch['id']}").json()
    assert (done["status"], done["total"]) == ("finished", 1)
    assert (done["jobs"][0]["result"]["name"], done["jobs"][0]["result"]["format"]) == ("1.pdf", "pdf")
    assert done["jobs"][0]["report"]["frames"] == {"in": 3, "kept": 3}
    assert [job["uploads"] for job in program.get("jobs").json()["items"]] == [job["uploads"]]
    link = program.get(f"jobs/{job['id']}/download")
    assert streamed(program.client.get(link["Location"])).startswith(b"%PDF")


@pytest.mark.long
def test_uploads_are_joined_again_in_another_order(program: Program, worker: Any) -> None:
    batch = join(program, "1.jpg", "2.jpg").json()
    ids = [upload["id"] for upload in batch["uploads"]]
    for upload in batch["uploads"]:
        post_file(upload, make_photo(60, 40))
    again = join(program, uploads=[ids[1], {"id": ids[0], "outputs": [{"rotate": 90}]}]).json()
    worker.work()
    done = program.get(f"batches/{again['id']}").json()
    assert (done["status"], done["jobs"][0]["uploads"]) == ("finished", ids[::-1])
    assert program.delete(f"batches/{batch['id']}").status_code == 204
    assert program.get(f"batches/{again['id']}").json()["status"] == "finished"


def test_an_upload_form_of_any_of_them_can_be_renewed(program: Program) -> None:
    batch = join(program, "1.jpg", "2.jpg").json()
    for upload in batch["uploads"]:
        assert program.post(f"uploads/{upload['id']}/form").status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"outputs": [{}, {"page": "a4"}]}, "/outputs", "join_outputs"),
        ({"outputs": [{"format": "png"}]}, "/outputs/0/format", "join_format"),
        ({"outputs": [{"format": "auto"}]}, "/outputs/0/format", "join_format"),
        (
            {"files": [{"name": "a", "size": 9, "outputs": [{}, {"rotate": 90}]}]},
            "/files/0/outputs",
            "join_outputs",
        ),
        ({"outputs": [{"margin": -1}]}, "/outputs/0/margin", "option_integer"),
        ({"join": "tiff"}, "/join", None),
        ({"files": []}, None, None),
    ],
)
def test_an_invalid_document_is_refused(
    program: Program, body: dict[str, Any], pointer: str | None, code: str | None
) -> None:
    answer = join(program, "a.jpg", "b.jpg", **body)
    assert answer.status_code == 422
    error = answer.json().get("errors", [{}])[0] if pointer else {}
    assert pointer is None or error["pointer"] == pointer
    assert code is None or code in (error["code"], error["params"].get("kind"))
    assert not Batch.objects.exists()


@pytest.mark.long
def test_a_bad_image_is_named(program: Program, worker: Any) -> None:
    batch = join(program, "good.jpg", "bad.jpg").json()
    for upload, content in zip(batch["uploads"], (make_photo(60, 40), b"no image"), strict=True):
        post_file(upload, content)
    worker.work()
    error = program.get(f"jobs/{batch['jobs'][0]['id']}").json()["error"]
    assert error["code"] == "bad_image"
    assert error["params"]["upload"] == batch["uploads"][1]["id"]
    assert error["params"]["reason"]["code"] == "not_an_image"
    assert error["message"].startswith("bad.jpg: ")


def test_strangers_images_cannot_be_joined(program: Program) -> None:
    answer = join(program, uploads=[str(uuid.uuid4())])
    problem(answer, 422, "invalid_submission")
