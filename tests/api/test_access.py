"""Who may call which endpoint, and the error otherwise."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from converter.models import Batch
from imagesite.accounts.models import ApiToken
from tests.api.conftest import Program, problem

pytestmark = pytest.mark.django_db

BODY = {"files": [{"name": "a.jpg", "size": 5}], "outputs": [{"format": "webp"}]}


@pytest.mark.parametrize("path", ["batches", "jobs", "formats"])
def test_a_request_without_credentials_is_refused(nobody: Program, path: str) -> None:
    response = nobody.get(path)
    problem(response, 401, "unauthenticated")
    assert response["WWW-Authenticate"] == "Bearer"


def test_an_invalid_token_is_refused_even_with_a_session(alice: Any) -> None:
    program = Program("img_nonsense")
    program.client.force_login(alice)
    response = program.post("batches", BODY)
    problem(response, 401, "invalid_token")
    assert response["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_token_that_may_read_may_not_write(reader: Program) -> None:
    assert reader.get("batches").status_code == 200
    response = reader.post("batches", BODY)
    problem(response, 403, "read_only_token")
    assert "insufficient_scope" in response["WWW-Authenticate"]


@pytest.mark.parametrize(
    "change",
    [
        {"revoked_at": timezone.now()},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
    ],
)
def test_an_expired_token_is_refused(program: Program, change: dict[str, Any]) -> None:
    assert program.get("batches").status_code == 200
    ApiToken.objects.update(**change)
    problem(program.get("batches"), 401, "invalid_token")


def test_the_token_of_a_suspended_user_is_refused(program: Program, alice: Any) -> None:
    alice.is_active = False
    alice.save()
    problem(program.get("batches"), 401, "invalid_token")


def test_a_browser_may_read_with_its_session(alice: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.get("/api/v1/batches").status_code == 200


def test_a_browser_must_send_its_csrf_token_to_write(alice: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    problem(client.post("/api/v1/batches", BODY, content_type="application/json"), 403, "csrf_failed")

    client.cookies["csrftoken"] = "t" * 32
    headers = {"X-CSRFToken": "t" * 32}
    response = client.post("/api/v1/batches", BODY, content_type="application/json", headers=headers)
    assert response.status_code == 201


def test_a_program_needs_no_csrf_token(alice: Any) -> None:
    secret = ApiToken.issue(alice, "test")[1]
    client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {secret}"})
    assert client.post("/api/v1/batches", BODY, content_type="application/json").status_code == 201


def test_a_token_may_stand_behind_more_than_one_space(alice: Any, client: Client) -> None:
    secret = ApiToken.issue(alice, "test")[1]
    for scheme in ("Bearer", "bearer ", "BEARER  "):
        answer = client.get("/api/v1/jobs", headers={"Authorization": f"{scheme} {secret}"})
        assert answer.status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "delete", "trace", "options"])
def test_the_reference_is_read_only(client: Client, method: str) -> None:
    answer = getattr(client, method)("/api/v1/openapi.json")
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")


def test_every_get_url_accepts_head(program: Program, nobody: Program) -> None:
    got, head = program.get("formats"), program.client.head("/api/v1/formats")
    assert head.status_code == 200
    assert head["Content-Type"] == got["Content-Type"]
    assert head.content == b""
    assert nobody.client.head("/api/v1/formats").status_code == 401
    assert program.client.head("/api/v1/convert").status_code == 405


@pytest.mark.parametrize("path", ["", "/jobs", "/zip"])
def test_a_strangers_batch_does_not_exist(program: Program, stranger: Program, path: str) -> None:
    batch = program.submit()
    problem(stranger.get(f"batches/{batch['id']}{path}"), 404, "not_found")
    assert stranger.get("jobs", batch=batch["id"]).json() == {"items": [], "next": None}


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_does_not_prevent_reading_and_deleting(
    program: Program, folders: Path, send: Any
) -> None:
    made = program.submit()
    send(Batch.objects.get(), b"x" * 1000)

    def refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")) and any(
            path.is_file() for path in folders.rglob("*")
        ):
            raise OperationalError("database or disk is full")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        assert program.get(f"batches/{made['id']}").status_code == 200
        assert program.get("jobs").status_code == 200
        assert program.delete(f"batches/{made['id']}").status_code == 204
        assert program.get(f"batches/{made['id']}").status_code == 404
