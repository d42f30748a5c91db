"""Every endpoint, called by various users: rows are accessible only to their owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from converter import jobs
from converter.api import waiting
from converter.engine import Recipe as EngineRecipe
from converter.jobs.submit import submit
from converter.models import Job, Recipe, Webhook
from converter.webhooks import outbox, signing
from imagesite.accounts.models import ApiToken
from imagesite.api import api
from tests.api.conftest import Program, problem
from tests.conftest import make_photo

pytestmark = pytest.mark.django_db

RECIPE = {"name": "Other", "recipe": {"format": "webp"}}
WEBHOOK = {"url": "https://example.org/", "events": ["job.failed"]}


@dataclass(frozen=True)
class Call:
    """The owner's request body, and the expected status."""

    status: int
    body: Any = None


CALLS = {
    ("get", "batches"): Call(200),
    ("post", "batches"): Call(201, {"files": [{"name": "a", "size": 1}], "outputs": [{"format": "png"}]}),
    ("get", "batches/{batch_id}"): Call(200),
    ("delete", "batches/{batch_id}"): Call(204),
    ("get", "batches/{batch_id}/zip"): Call(202),
    ("post", "batches/{batch_id}/cancel"): Call(409),
    ("post", "batches/{batch_id}/retry"): Call(409),
    ("get", "batches/{batch_id}/shares"): Call(200),
    ("post", "batches/{batch_id}/shares"): Call(201, {}),
    ("delete", "shares/{share_id}"): Call(204),
    ("get", "jobs"): Call(200),
    ("get", "jobs/{job_id}"): Call(200),
    ("post", "jobs/{job_id}/retry"): Call(409),
    ("post", "jobs/{job_id}/cancel"): Call(409),
    ("get", "jobs/{job_id}/download"): Call(302),
    ("post", "jobs/{job_id}/reuse"): Call(201),
    ("post", "uploads"): Call(201),
    ("post", "uploads/forms"): Call(201, {"files": [{"name": "a", "size": 1}]}),
    ("delete", "uploads/{upload_id}"): Call(409),
    ("post", "uploads/{upload_id}/form"): Call(409),
    ("get", "uploads/{upload_id}/download"): Call(302),
    ("get", "uploads/{upload_id}/metadata"): Call(200),
    ("post", "convert"): Call(202),
    ("get", "recipes"): Call(200),
    ("post", "recipes"): Call(201, RECIPE),
    ("get", "recipes/{recipe_id}"): Call(200),
    ("put", "recipes/{recipe_id}"): Call(200, RECIPE),
    ("delete", "recipes/{recipe_id}"): Call(204),
    ("get", "webhooks"): Call(200),
    ("post", "webhooks"): Call(201, WEBHOOK),
    ("get", "webhooks/{webhook_id}"): Call(200),
    ("put", "webhooks/{webhook_id}"): Call(200, WEBHOOK),
    ("delete", "webhooks/{webhook_id}"): Call(204),
    ("post", "webhooks/{webhook_id}/rotate"): Call(200),
    ("post", "webhooks/{webhook_id}/pause"): Call(200),
    ("post", "webhooks/{webhook_id}/resume"): Call(200),
    ("post", "webhooks/{webhook_id}/test"): Call(202),
    ("get", "webhooks/{webhook_id}/deliveries"): Call(200),
    ("post", "webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver"): Call(202),
    ("get", "preferences"): Call(200),
    ("put", "preferences"): Call(200, {"retention_hours": 2, "recipe": None}),
    ("get", "formats"): Call(200),
}


def test_no_endpoint_is_forgotten() -> None:
    paths = api.get_openapi_schema()["paths"]
    described = {
        (method, path.removeprefix("/api/v1/")) for path, methods in paths.items() for method in methods
    }
    assert described == set(CALLS)


@pytest.fixture
def ids(alice: Any, send: Any, worker: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the ids of one of each kind of object, all Alice's."""
    monkeypatch.setattr(waiting, "until_done", lambda job, seconds: True)
    photo = make_photo(8, 8)
    webp = EngineRecipe.parse({"format": "webp"})
    batch = submit(alice, outputs=[webp], files=[jobs.NewFile("a.jpg", len(photo))])
    send(batch, photo)
    worker.work()
    job = batch.jobs.get()
    assert job.status == Job.Status.FINISHED
    recipe = Recipe.objects.create(owner=alice, name="Web", recipe={"format": "webp"})
    webhook = Webhook.objects.create(owner=alice, secret=signing.new_secret(), **WEBHOOK)
    return {
        "batch_id": str(batch.pk),
        "job_id": str(job.pk),
        "upload_id": str(job.upload_id),
        "recipe_id": str(recipe.pk),
        "webhook_id": str(webhook.pk),
        "delivery_id": str(outbox.send_test(webhook).pk),
        "share_id": str(jobs.share(batch, batch.jobs.all()).pk),
    }


def call(program: Program, method: str, path: str, ids: dict[str, str]) -> Any:
    body = CALLS[method, path].body
    path = path.format(**ids)
    if path == "convert":
        form = {"file": SimpleUploadedFile("a.jpg", make_photo(8, 8)), "recipe": '{"format": "webp"}'}
        return program.client.post("/api/v1/convert", form)
    if path == "uploads":
        return program.client.post("/api/v1/uploads", {"file": SimpleUploadedFile("a.jpg", make_photo(8, 8))})
    if method in ("get", "delete"):
        return getattr(program, method)(path)
    return getattr(program, method)(path, body)


# Refused calls change nothing, so they can share rows. The owner's calls change some, so each has its own.
@pytest.mark.parametrize(("method", "path"), CALLS)
def test_the_owner_is_served(program: Program, ids: dict[str, str], method: str, path: str) -> None:
    assert call(program, method, path, ids).status_code == CALLS[method, path].status


def test_a_request_without_credentials_is_refused(
    nobody: Program, ids: dict[str, str], subtests: pytest.Subtests
) -> None:
    for method, path in CALLS:
        with subtests.test(method=method, path=path):
            problem(call(nobody, method, path, ids), 401, "unauthenticated")


@pytest.mark.long
def test_a_reader_reads_what_the_owner_does_and_writes_nothing(
    reader: Program, ids: dict[str, str], subtests: pytest.Subtests
) -> None:
    for (method, path), expected in CALLS.items():
        with subtests.test(method=method, path=path):
            response = call(reader, method, path, ids)
            if method == "get":
                assert response.status_code == expected.status
            else:
                problem(response, 403, "read_only_token")


@pytest.mark.long
@pytest.mark.parametrize("who", ["stranger", "staff"])
def test_to_others_it_does_not_exist(
    stranger: Program, django_user_model: Any, ids: dict[str, str], subtests: pytest.Subtests, who: str
) -> None:
    if who == "staff":
        root = django_user_model.objects.create_superuser("root@example.org", "correct horse battery")
        stranger = Program(ApiToken.issue(root, "test")[1])
    for (method, path), expected in CALLS.items():
        with subtests.test(method=method, path=path):
            response = call(stranger, method, path, ids)
            if "{" in path:
                problem(response, 404, "not_found")
                continue
            assert response.status_code == expected.status
            assert not any(value.encode() in response.content for value in ids.values())


@pytest.mark.long
def test_a_browser_without_csrf_token_writes_nothing(
    alice: Any, ids: dict[str, str], subtests: pytest.Subtests
) -> None:
    browser = Program()
    browser.client = Client(enforce_csrf_checks=True)
    browser.client.force_login(alice)
    for (method, path), expected in CALLS.items():
        with subtests.test(method=method, path=path):
            response = call(browser, method, path, ids)
            if method == "get":
                assert response.status_code == expected.status
            else:
                problem(response, 403, "csrf_failed")
