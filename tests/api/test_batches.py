from __future__ import annotations

import base64
import io
import uuid
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from PIL import Image

from converter import jobs
from converter.models import Batch, Job, Upload
from tests.api.conftest import Program, problem
from tests.conftest import make_photo, streamed

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def post_file(upload: dict[str, Any], content: bytes) -> Any:
    form = upload["form"]
    file = io.BytesIO(content)
    file.name = upload["name"]
    return Client().post(form["url"], {**form["fields"], "file": file})


@pytest.mark.long
def test_a_batch_is_created_uploaded_converted_and_downloaded(program: Program, worker: Any) -> None:
    photo = make_photo(64, 48)
    batch = program.submit(
        "a.jpg", outputs=[{"format": "webp"}, {"format": "png", "resize": {"width": 32}}], size=len(photo)
    )
    assert batch["status"] == "awaiting_upload"
    assert [job["status"] for job in batch["jobs"]] == ["awaiting_upload"] * 2

    assert post_file(batch["uploads"][0], photo).status_code == 201
    worker.work()

    batch = program.get(f"batches/{batch['id']}").json()
    assert batch["status"] == "finished"
    assert (batch["total"], batch["done"]) == (2, 2)
    png = program.get(f"jobs/{batch['jobs'][1]['id']}").json()
    assert set(png) == {
        "id", "batch", "upload", "uploads", "status", "recipe", "error", "result", "report", "created_at", "started_at", "finished_at"
    }  # fmt: skip
    assert png["error"] is None
    assert png["recipe"] == {"format": "png", "resize": {"width": 32}}
    assert png["result"] | {"size": 0} == {
        "name": "a.png",
        "size": 0,
        "width": 32,
        "height": 24,
        "format": "png",
        "url": f"/api/v1/jobs/{png['id']}/download",
    }
    assert png["report"]["resized"] == {"from": [64, 48], "to": [32, 24]}

    link = program.get(f"jobs/{png['id']}/download")
    assert link.status_code == 302
    content = streamed(Client().get(link["Location"]))
    assert len(content) == png["result"]["size"]
    assert Image.open(io.BytesIO(content)).size == (32, 24)


def test_the_response_has_the_names_of_the_files(program: Program) -> None:
    batch = program.submit("Ferien 🏖.jpg", "../../x.jpg")
    assert [upload["name"] for upload in batch["uploads"]] == ["Ferien 🏖.jpg", "x.jpg"]
    assert all(set(upload["form"]) == {"url", "fields"} for upload in batch["uploads"])


def test_images_sent_before_are_converted_again(program: Program, alice: Any, send: Any, worker: Any) -> None:
    batch = program.submit("a.jpg")
    send(Batch.objects.get(), make_photo())
    worker.work()
    again = program.post("batches", {"uploads": [batch["uploads"][0]["id"]], "outputs": [{"format": "png"}]})
    assert again.status_code == 201
    assert again.json()["uploads"] == [{**batch["uploads"][0], "form": None}]
    assert again.json()["jobs"][0]["status"] == "queued"


def test_uploads_of_others_cannot_be_converted(program: Program, stranger: Program) -> None:
    upload = stranger.submit("a.jpg")["uploads"][0]["id"]
    body = problem(
        program.post("batches", {"uploads": [upload], "outputs": [{"format": "png"}]}),
        422,
        "invalid_submission",
    )
    assert [error["pointer"] for error in body["errors"]] == ["/uploads/0"]


def test_an_upload_that_never_came_cannot_be_converted_again(program: Program) -> None:
    upload = program.submit("a.jpg")["uploads"][0]["id"]
    body = problem(
        program.post("batches", {"uploads": [upload], "outputs": [{"format": "png"}]}), 410, "no_upload"
    )
    assert body["errors"][0]["pointer"] == "/uploads/0"


def test_an_invalid_recipe_has_a_pointer(program: Program) -> None:
    outputs = [{"format": "webp"}, {"format": "jpeg", "quality": 101, "resize": {"wide": 3}}]
    response = program.post("batches", {"files": [{"name": "a.jpg", "size": 3}], "outputs": outputs})
    body = problem(response, 422, "invalid_recipe")
    pointers = {error["pointer"] for error in body["errors"]}
    assert pointers >= {"/outputs/1/quality", "/outputs/1/resize/wide"}
    assert not Batch.objects.exists()


@pytest.mark.long
def test_an_image_may_have_outputs_of_its_own(program: Program, alice: Any, send: Any, worker: Any) -> None:
    whole, left = {"format": "png"}, {"format": "png", "crop": {"x": 0, "y": 0, "width": 8, "height": 8}}
    two = [{"format": "webp"}, {"format": "jpeg"}]
    files = [
        {"name": "a.jpg", "size": 1000},
        {"name": "b.jpg", "size": 1000, "outputs": [left]},
        {"name": "c.jpg", "size": 1000, "outputs": two},
    ]
    answer = program.post("batches", {"files": files, "outputs": [whole]})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    by_upload = [
        [job["recipe"] for job in made["jobs"] if job["upload"] == one["id"]] for one in made["uploads"]
    ]
    assert by_upload == [[whole], [left], two]
    batch = Batch.objects.get()
    assert (batch.outputs, batch.tally.images, batch.tally.total) == ([whole], 3, 4)

    for upload in Upload.objects.all():
        jobs.store(upload, io.BytesIO(make_photo(40, 30)))
    again = program.post(
        "batches",
        {
            "uploads": [made["uploads"][0]["id"], {"id": made["uploads"][1]["id"], "outputs": [left]}],
            "outputs": [whole],
        },
    )
    assert [job["recipe"] for job in again.json()["jobs"]] == [whole, left]
    worker.work()
    png = next(job for job in program.get(f"batches/{made['id']}").json()["jobs"] if job["recipe"] == left)
    assert (png["result"]["width"], png["result"]["height"]) == (8, 8)


def test_results_are_named_by_a_pattern(program: Program, send: Any, worker: Any) -> None:
    body = {
        "files": [{"name": "a.jpg", "size": 1000}],
        "outputs": [{"format": "webp"}],
        "name_pattern": "{date}-{name}-{width}.{ext}",
    }
    made = program.post("batches", body).json()
    send(Batch.objects.get(), make_photo(40, 30))
    worker.work()
    (job,) = program.get(f"batches/{made['id']}").json()["jobs"]
    assert job["result"]["name"] == f"{made['created_at'][:10]}-a-40.webp"


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"outputs": [{"format": "webp"}]}, "no_files", None),
        ({"files": [{"name": "a", "size": 1}]}, "invalid_request", "/outputs"),
        ({"files": [{"name": "a", "size": 1}], "outputs": []}, "invalid_request", "/outputs"),
        ({"files": [{"name": "a"}], "outputs": [{"format": "webp"}]}, "invalid_request", "/files/0/size"),
        ({"files": [{"name": "a", "size": 0}], "outputs": [{"format": "webp"}]}, "empty_file", "/files/0/size"),
        ({"files": [{"name": "a", "size": -1}], "outputs": [{"format": "webp"}]}, "invalid_request", "/files/0/size"),
        ({"files": [{"name": "a", "size": True}], "outputs": [{"format": "webp"}]}, "invalid_request", "/files/0/size"),
        ({"files": [{"name": "a", "size": 10**30}], "outputs": [{"format": "webp"}]}, "too_many_bytes", "/files/0/size"),
        ({"files": [{"name": 3, "size": 1}], "outputs": [{"format": "webp"}]}, "invalid_request", "/files/0/name"),
        ({"fils": [], "outputs": [{"format": "webp"}]}, "invalid_request", "/fils"),
        ({"uploads": ["x"], "outputs": [{"format": "webp"}]}, "invalid_request", "/uploads/0"),
        ({"files": [{"name": "a", "size": 1}], "outputs": [{"format": "webp"}], "name_pattern": "{x}"}, "bad_name_pattern", "/name_pattern"),
        ({"uploads": [{"id": "x"}], "outputs": [{"format": "webp"}]}, "invalid_request", "/uploads/0/id"),
        ({"files": [{"name": "a", "size": 1}], "outputs": ["webp"]}, "invalid_request", "/outputs/0"),
        ({"files": [{"name": "a", "size": 1, "outputs": [{"format": "x"}]}], "outputs": [{"format": "webp"}]}, "invalid_recipe", "/files/0/outputs/0/format"),
        ({"files": [{"name": "a", "size": 1, "outputs": [{"format": "webp"}] * 2}], "outputs": [{"format": "webp"}]}, "same_outputs", "/files/0/outputs"),
        ([], "invalid_request", ""),
    ],
)  # fmt: skip
def test_an_invalid_batch_is_refused_with_a_pointer(
    program: Program, body: Any, code: str, pointer: str | None
) -> None:
    refused = problem(program.post("batches", body), 422, code)
    if pointer is not None:
        assert pointer in [error["pointer"] for error in refused["errors"]]
    assert not Batch.objects.exists()


def test_two_equal_outputs_are_refused(program: Program) -> None:
    outputs = [{"format": "jpeg"}, {"format": "jpg", "quality": None}]
    problem(
        program.post("batches", {"files": [{"name": "a", "size": 1}], "outputs": outputs}),
        422,
        "same_outputs",
    )


@pytest.mark.long
def test_batches_are_paged_and_newest_first(program: Program, stranger: Program, alice: Any) -> None:
    ids = [program.submit()["id"] for _ in range(5)]
    stranger.submit()
    # Two batches with the same time, which the cursor must distinguish too.
    moment = timezone.now() - timedelta(days=1)
    Batch.objects.filter(pk__in=ids[:2]).update(created_at=moment)
    seen: list[str] = []
    cursor = None
    for expected in (2, 2, 1):
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        found = program.get("batches", **query).json()
        assert len(found["items"]) == expected
        seen += [item["id"] for item in found["items"]]
        cursor = found["next"]
    assert cursor is None
    assert seen == [*reversed(ids[2:]), *sorted(ids[:2], reverse=True)]


@pytest.mark.long
def test_a_list_needs_the_same_queries_for_one_row_and_for_thirty(
    program: Program, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.CONVERTER_REQUESTS_A_MINUTE = 0
    program.submit()
    for rows in (1, 30):
        while Batch.objects.count() < rows:
            program.submit()
        with django_assert_num_queries(5):  # authentication, the page, progress (3)
            assert len(program.get("batches", limit=100).json()["items"]) == rows


@pytest.mark.parametrize("cursor", ["x", "%00", "eHg", "MjAyNi0xMS0yMSB4", "é"])
def test_an_invalid_cursor_is_refused(program: Program, cursor: str) -> None:
    body = problem(program.get("batches", cursor=cursor), 422, "invalid_request")
    assert body["errors"][0]["parameter"] == "cursor"


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-01-01T00:00:00"]
)
def test_a_cursor_of_no_moment_is_refused(program: Program, moment: str) -> None:
    cursor = base64.urlsafe_b64encode(f"{moment} {uuid.uuid4()}".encode()).decode()
    problem(program.get("batches", cursor=cursor), 422, "invalid_request")


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1"])
def test_a_limit_out_of_range_is_refused(program: Program, limit: str) -> None:
    body = problem(program.get("batches", limit=limit), 422, "invalid_request")
    assert body["errors"][0]["parameter"] == "limit"


def test_a_batch_is_deleted_with_its_bytes(program: Program, send: Any, worker: Any, folders: Any) -> None:
    batch = program.submit()
    send(Batch.objects.get(), make_photo())
    worker.work()
    response = program.delete(f"batches/{batch['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert not Batch.objects.exists()
    assert not Upload.objects.exists()
    assert [path for path in folders.rglob("*") if path.is_file()] == []
    problem(program.get(f"batches/{batch['id']}"), 404, "not_found")


@pytest.mark.long
def test_unfinished_jobs_of_a_batch_are_cancelled_and_retried(
    program: Program, send: Any, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    path = f"batches/{program.submit('a.jpg', 'b.jpg')['id']}"
    assert program.post(f"{path}/cancel").json()["status"] == "cancelled"
    problem(program.post(f"{path}/cancel"), 409, "conflict")
    problem(program.post(f"{path}/retry"), 409, "conflict")  # the image is missing, so a retry is impossible
    send(Batch.objects.get(), make_photo(), make_photo(8, 8))
    worker.work()
    with django_capture_on_commit_callbacks(execute=True):
        assert program.post(f"{path}/retry").json()["status"] == "queued"
    worker.work()
    assert program.get(path).json()["status"] == "finished"


@pytest.mark.long
def test_the_zip_is_made_and_then_handed_out(
    program: Program, send: Any, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    batch = program.submit("a.jpg", "b.jpg")
    problem(program.get(f"batches/{batch['id']}/zip"), 409, "no_result")
    send(Batch.objects.get(), make_photo(), make_photo(8, 8))
    worker.work()

    with django_capture_on_commit_callbacks(execute=True):
        response = program.get(f"batches/{batch['id']}/zip")
    assert response.status_code == 202
    assert int(response["Retry-After"]) > 0
    assert response.json()["detail"]
    worker.work()

    response = program.get(f"batches/{batch['id']}/zip")
    assert response.status_code == 302
    content = streamed(Client().get(response["Location"]))
    assert sorted(zipfile.ZipFile(io.BytesIO(content)).namelist()) == ["a.webp", "b.webp", "manifest.csv"]


def test_an_expired_batch_says_so(program: Program, send: Any, worker: Any) -> None:
    batch = program.submit()
    send(Batch.objects.get(), make_photo())
    worker.work()
    jobs.expire(Batch.objects.get())
    problem(program.get(f"batches/{batch['id']}/zip"), 410, "expired")
    problem(program.get(f"jobs/{batch['jobs'][0]['id']}/download"), 410, "expired")
    assert program.get(f"batches/{batch['id']}").json()["status"] == Job.Status.EXPIRED


def test_a_new_form_is_available_until_the_file_arrives(program: Program, send: Any, worker: Any) -> None:
    upload = program.submit("a.jpg")["uploads"][0]
    form = program.post(f"uploads/{upload['id']}/form").json()
    assert form["fields"]["key"] == upload["form"]["fields"]["key"]
    send(Batch.objects.get(), make_photo())
    worker.work()
    problem(program.post(f"uploads/{upload['id']}/form"), 409, "already_uploaded")
    Upload.objects.update(expires_at=timezone.now())
    problem(program.post(f"uploads/{upload['id']}/form"), 410, "expired")
    Upload.objects.update(received_at=None)
    problem(program.post(f"uploads/{upload['id']}/form"), 410, "expired")
    problem(program.post(f"uploads/{uuid.uuid4()}/form"), 404, "not_found")


ODD_NAMES = {
    "😀": "😀",
    "!!!": "!!!",
    "？": "？",
    "©®": "©®",
    "(": "(",
    "...": "image",
    "漢" * 85: "漢" * 85,
    "می\u200cخواهم.png": "می\u200cخواهم.png",
    "\u202egpj.exe": "gpj.exe",
    "CON.png": "CON.png",
    "Dr. Smith portrait": "Dr. Smith portrait",
}


@pytest.mark.long
def test_no_name_is_a_reason_to_refuse_a_batch(program: Program) -> None:
    body = {"files": [{"name": name, "size": 9} for name in ODD_NAMES], "outputs": [{"format": "webp"}]}
    answer = program.post("batches", body)
    assert answer.status_code == 201, answer.content
    assert [upload["name"] for upload in answer.json()["uploads"]] == list(ODD_NAMES.values())


def test_an_upload_that_is_in_the_list_twice_is_refused(program: Program, alice: Any) -> None:
    upload = jobs.keep_image(alice, jobs.NewFile("a.jpg", 5)).pk
    other = {"id": str(upload), "outputs": [{"format": "png"}]}
    for again in (str(upload), str(upload).upper(), other):
        body = {"uploads": [str(upload), again], "outputs": [{"format": "webp"}]}
        wrong = problem(program.post("batches", body), 422, "invalid_submission")["errors"]
        assert [(error["pointer"], error["code"]) for error in wrong] == [("/uploads/1", "upload_repeated")]
    assert not Batch.objects.exists()
