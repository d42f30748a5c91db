from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client

from converter import jobs
from converter.models import Batch
from converter.problems import ERRORS, title
from converter.storage import StorageFault
from tests.api.conftest import Program, problem

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["nothing", "batches/", "batches/1", "jobs/x/retry", ""])
def test_an_unknown_address_is_a_problem_too(program: Program, path: str) -> None:
    problem(program.get(path), 404, "not_found")


def test_an_unknown_url_outside_the_version_is_a_problem_too(program: Program) -> None:
    problem(program.client.get("/api/v2/jobs"), 404, "not_found")


def test_a_wrong_method_returns_the_allowed_ones(program: Program) -> None:
    response = program.put("batches", {})
    problem(response, 405, "method_not_allowed")
    assert sorted(response["Allow"].split(", ")) == ["GET", "HEAD", "POST"]


@pytest.mark.parametrize(
    "body",
    ["{", "", "\xff", '{"files": NaN}', "[" * 100_000],
    ids=["open", "empty", "latin", "nan", "deep"],
)
def test_a_body_that_is_not_json_is_refused(program: Program, body: str) -> None:
    response = program.client.post("/api/v1/batches", body.encode("latin-1"), content_type="application/json")
    if body:
        problem(response, 400, "malformed_json")
    else:
        problem(response, 422, "invalid_request")


def test_a_body_of_another_type_is_refused(program: Program) -> None:
    response = program.client.post("/api/v1/batches", b"a=b", content_type="text/plain")
    problem(response, 415, "unsupported_media_type")


def test_a_compressed_body_is_refused_by_name(program: Program) -> None:
    body = gzip.compress(b'{"files": [{"name": "a", "size": 1}], "outputs": [{"format": "webp"}]}')
    refused = program.client.post(
        "/api/v1/batches", body, content_type="application/json", headers={"Content-Encoding": "gzip"}
    )
    assert "Content-Encoding" in problem(refused, 415, "unsupported_media_type")["detail"]
    assert refused["Accept-Encoding"] == "identity"  # RFC 9110, 15.5.16


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/api/v1/nothing", "/results/x/a.png", "/nothing", "/s/x/"])
def test_no_cache_keeps_an_error(client: Client, path: str) -> None:
    refused = client.get(path)
    assert refused.status_code in (401, 404)
    assert "no-store" in refused["Cache-Control"]


def test_a_body_that_is_too_large_is_refused(program: Program, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    problem(program.post("batches", {"files": []}), 413, "body_too_large")


def test_an_internal_error_is_a_problem_without_secrets(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*args: Any) -> None:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(jobs, "zip_url", break_down)
    batch = program.submit()
    program.client.raise_request_exception = False
    response = program.get(f"batches/{batch['id']}/zip")
    problem(response, 500, "internal_error")
    assert b"secret" not in response.content


@pytest.mark.parametrize("fault", [StorageFault("down"), OperationalError("database is locked")])
def test_a_temporary_fault_has_retry_after(
    program: Program, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def break_down(*args: Any) -> None:
        raise fault

    monkeypatch.setattr(jobs, "zip_url", break_down)
    response = program.get(f"batches/{program.submit()['id']}/zip")
    problem(response, 503, "unavailable")
    assert int(response["Retry-After"]) > 0


def test_a_title_is_the_same_whatever_the_occasion(program: Program) -> None:
    def refused(files: int) -> dict[str, Any]:
        body = {"files": [{"name": "a", "size": 1}] * files, "outputs": [{"format": "webp"}]}
        return problem(program.post("batches", body), 422, "too_many_files")

    first, second = refused(201), refused(300)
    assert first["title"] == second["title"]
    assert "300" in second["detail"]


def test_every_code_that_is_explained_has_a_title() -> None:
    assert all(title(code) for code in ERRORS)


def test_a_title_is_english_whatever_the_program_would_rather_read(program: Program) -> None:
    path = "/api/v1/batches/00000000-0000-0000-0000-000000000000"
    refused = program.client.get(path, headers={"Accept-Language": "de"})
    assert problem(refused, 404, "not_found")["title"] == "Not found"


@pytest.mark.parametrize("path", ["jobs", "nothing", "formats"])
def test_english_responses_are_marked_as_english(program: Program, path: str) -> None:
    answer = program.client.get(f"/api/v1/{path}", headers={"Accept-Language": "de"})
    assert answer["Content-Language"] == "en"


def test_missing_values_are_named_in_the_message_too(program: Program) -> None:
    refused = problem(
        program.post("batches", {"files": [{"name": "a"}, {"size": 1}], "outputs": []}),
        422,
        "invalid_request",
    )
    assert "/files/0/size: Field required." in refused["detail"]
    assert "/files/1/name: Field required." in refused["detail"]


def test_a_page_that_is_not_of_the_api_keeps_its_face(program: Program) -> None:
    response = program.client.get("/admin/nothing")
    assert "json" not in response.get("Content-Type", "")
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a", "name": "b", "recipe": {"format": "webp"}}',
        '{"name": "a", "recipe": {"format": "webp", "format": "png"}}',
        '{"name": "a", "recipe": {"format": "webp", "resize": {"width": 1, "width": 2}}}',
        "[" * 100_000,
    ],
)
def test_ambiguous_json_is_refused(program: Program, text: str) -> None:
    body = problem(program.post("recipes", text), 400, "malformed_json")
    assert "contains a name twice, is nested too deeply" in body["detail"]


def test_a_number_of_any_length_is_json(program: Program) -> None:
    text = '{"files": [{"name": "a", "size": %s}], "outputs": [{"format": "webp", "quality": %s}]}'
    body = problem(program.post("batches", text % ("9" * 5000, "80")), 422, "invalid_request")
    assert body["errors"][0]["pointer"] == "/files/0/size"
    body = problem(program.post("batches", text % ("9", "9" * 5000)), 422, "invalid_recipe")
    assert body["errors"][0]["pointer"] == "/outputs/0/quality"


FORM = "application/x-www-form-urlencoded"
MANY = "&".join(f"a{number}=1" for number in range(1_001))


def test_too_many_parameters_are_refused(program: Program, nobody: Program) -> None:
    refused = problem(program.client.get(f"/api/v1/jobs?{MANY}"), 400, "bad_request")
    assert refused["detail"] == "A request can have at most 1,000 parameters or form fields."
    form = {f"a{number}": "1" for number in range(1_001)}
    assert problem(program.client.post("/api/v1/convert", form), 400, "bad_request") == refused
    problem(nobody.client.get(f"/api/v1/jobs?{MANY}"), 401, "unauthenticated")


def test_too_many_files_are_refused(program: Program, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FILES = 2
    form = {f"a{number}": SimpleUploadedFile("a.jpg", b"a") for number in range(3)}
    refused = problem(program.client.post("/api/v1/convert", form), 400, "bad_request")
    assert refused["detail"] == "A form can have at most 2 files."


def test_a_form_in_another_encoding_is_refused(program: Program) -> None:
    response = program.client.post("/api/v1/convert", "a=b", content_type=f"{FORM}; charset=utf-16")
    problem(response, 400, "bad_request")


def test_an_integer_may_have_a_decimal_point(program: Program) -> None:
    body = '{"files": [{"name": "a.jpg", "size": 1000.0}], "outputs": [{"format": "webp", "quality": 80.0}]}'
    response = program.post("batches", body)
    assert response.status_code == 201, response.content
    [job] = response.json()["jobs"]
    assert json.dumps(job["recipe"]) == '{"format": "webp", "quality": 80}'
    assert program.post("batches", body.replace("1000.0", "true")).status_code == 422
    assert program.post("batches", body.replace("80.0", "80.5")).status_code == 422
