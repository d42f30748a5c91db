"""Schemathesis sends requests that the OpenAPI schema allows, and others, to a running server."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from converter import jobs
from converter.api import waiting
from converter.engine import Recipe as EngineRecipe
from converter.jobs.submit import submit
from converter.models import Recipe, Webhook
from converter.webhooks import outbox, signing
from imagesite.accounts import attempts
from imagesite.accounts.models import ApiToken
from tests.conftest import make_photo

pytestmark = pytest.mark.slow

schema = schemathesis.pytest.from_fixture("described")


@pytest.fixture
def described(live_server: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    settings.CONVERTER_REQUESTS_A_MINUTE = 0
    monkeypatch.setattr(waiting, "until_done", lambda job, seconds: True)
    return schemathesis.openapi.from_url(f"{live_server.url}/api/v1/openapi.json")


@pytest.fixture
def token(alice: Any, described: Any) -> str:
    return ApiToken.issue(alice, "test")[1]


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow as many wrong tokens as the schema's test tries."""
    monkeypatch.setattr(attempts, "ADDRESS", attempts.Allowance(burst=10_000, interval=0.001))


@pytest.fixture
def real(alice: Any, described: Any, send: Any, worker: Any) -> dict[str, str]:
    """Return an existing id for each kind of id in a path."""
    photo = make_photo()
    batch = submit(
        alice, outputs=[EngineRecipe.parse({"format": "webp"})], files=[jobs.NewFile("a.jpg", len(photo))]
    )
    send(batch, photo)
    worker.work()
    job = batch.jobs.get()
    recipe = Recipe.objects.create(owner=alice, name="Web", recipe={"format": "webp"})
    webhook = Webhook.objects.create(
        owner=alice, url="https://example.org/", events=["job.failed"], secret=signing.new_secret()
    )
    delivery = outbox.send_test(webhook)
    return {
        "batch_id": str(batch.pk),
        "job_id": str(job.pk),
        "upload_id": str(job.upload_id),
        "recipe_id": str(recipe.pk),
        "webhook_id": str(webhook.pk),
        "delivery_id": str(delivery.pk),
        "share_id": str(jobs.share(batch, [job]).pk),
    }


@schema.parametrize()
@hypothesis_settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
def test_no_request_causes_a_server_error(case: Any, token: str, real: dict[str, str]) -> None:
    for name, value in (case.path_parameters or {}).items():
        if name in real and _is_even(value):
            case.path_parameters[name] = real[name]
    # A schema cannot express that two options contradict each other, or which cursors are valid.
    needs_sense = case.operation.body or "cursor" in (case.query or {})
    case.call_and_validate(
        headers={"Authorization": f"Bearer {token}"},
        allow_redirects=False,
        excluded_checks=[positive_data_acceptance] if needs_sense else [],
    )


def _is_even(value: object) -> bool:
    try:
        return int(UUID(str(value))) % 2 == 0
    except ValueError:
        return False
