from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from converter.models import Delivery, Webhook
from tests.api.conftest import Program, problem
from tests.receiver import Receiver

pytestmark = pytest.mark.django_db


BODY = {"url": "https://example.org/hook", "events": ["job.failed", "batch.finished"]}


def test_without_outbound_access_webhooks_are_refused(program: Program, settings: Any) -> None:
    settings.CONVERTER_WEBHOOKS = False
    body = problem(program.post("webhooks", BODY), 409, "conflict")
    assert body["detail"] == "Webhooks are turned off on this site."
    assert not Webhook.objects.exists()


def test_a_webhook_is_added_changed_and_deleted(program: Program) -> None:
    made = program.post("webhooks", BODY)
    assert made.status_code == 201
    webhook = made.json()
    path = f"webhooks/{webhook['id']}"
    assert made["Location"] == f"/api/v1/{path}"
    assert webhook["secret"].startswith("whsec_")
    assert webhook["events"] == ["batch.finished", "job.failed"]

    shown = program.get(path).json()
    assert shown == {key: value for key, value in webhook.items() if key != "secret"}
    Webhook.objects.update(disabled_at=timezone.now())
    changed = program.put(path, {"url": "https://example.org/other", "events": ["job.finished"]}).json()
    assert (changed["url"], changed["events"], changed["disabled_at"]) == (
        "https://example.org/other",
        ["job.finished"],
        None,
    )
    assert [item["id"] for item in program.get("webhooks").json()["items"]] == [webhook["id"]]
    assert program.delete(path).status_code == 204
    problem(program.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"url": "ftp://example.org"}, "/url"),
        ({"url": "https://user:pw@example.org"}, "/url"),
        ({"url": "https://"}, "/url"),
        ({"url": "http://127.0.0.1/"}, "/url"),
        ({"url": "https://example.org:22/"}, "/url"),
        ({"events": []}, "/events"),
        ({"events": ["job.started"]}, "/events/0"),
    ],
)
def test_an_invalid_webhook_is_refused(program: Program, change: Any, pointer: str) -> None:
    body = problem(program.post("webhooks", {**BODY, **change}), 422, "invalid_request")
    assert pointer in [error["pointer"] for error in body["errors"]]


def test_the_number_of_webhooks_is_limited(program: Program, alice: Any) -> None:
    Webhook.objects.bulk_create(Webhook(owner=alice, url="https://example.org", events=[]) for _ in range(20))
    problem(program.post("webhooks", BODY), 409, "conflict")


def test_a_secret_is_rotated(program: Program) -> None:
    webhook = program.post("webhooks", BODY).json()
    rotated = program.post(f"webhooks/{webhook['id']}/rotate").json()
    assert rotated["secret"] != webhook["secret"]


def test_a_test_message_is_sent_listed_and_sent_again(
    program: Program, server: Receiver, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    webhook = program.post("webhooks", {**BODY, "url": f"{server.url}/hook"}).json()
    path = f"webhooks/{webhook['id']}"
    with django_capture_on_commit_callbacks(execute=True):
        assert program.post(f"{path}/test").status_code == 202
    worker.work()
    (delivery,) = program.get(f"{path}/deliveries").json()["items"]
    assert (delivery["event"], delivery["answer_status"], delivery["attempts"]) == ("webhook.test", 200, 1)
    assert delivery["delivered_at"]

    with django_capture_on_commit_callbacks(execute=True):
        again = program.post(f"{path}/deliveries/{delivery['id']}/redeliver")
    assert (again.status_code, again.json()["delivered_at"]) == (202, None)
    worker.work()
    assert len(server.asked) == 2
    assert server.asked[0].body == server.asked[1].body


@pytest.mark.long
def test_at_most_ten_events_are_sent_by_hand_at_once(program: Program, stranger: Program) -> None:
    path = f"webhooks/{program.post('webhooks', BODY).json()['id']}"
    first = program.post(f"{path}/test").json()
    answers = [program.post(f"{path}/test") for _ in range(5)]
    answers += [program.post(f"{path}/deliveries/{first['id']}/redeliver") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202] * 9 + [429]
    refused = problem(answers[-1], 429, "too_many_requests")
    assert answers[-1]["Retry-After"] == str(refused["params"]["seconds"])
    other = f"webhooks/{stranger.post('webhooks', BODY).json()['id']}"
    assert stranger.post(f"{other}/test").status_code == 202


def test_a_disabled_webhook_sends_nothing(program: Program, alice: Any) -> None:
    path = f"webhooks/{program.post('webhooks', BODY).json()['id']}"
    Webhook.objects.update(disabled_at=timezone.now())
    problem(program.post(f"{path}/test"), 409, "conflict")
    assert not Delivery.objects.exists()


def test_a_webhook_is_paused_and_resumed(program: Program) -> None:
    path = f"webhooks/{program.post('webhooks', BODY).json()['id']}"
    paused = program.post(f"{path}/pause").json()
    assert paused["disabled_at"]
    assert program.post(f"{path}/pause").json() == paused
    problem(program.post(f"{path}/test"), 409, "conflict")
    assert program.post(f"{path}/resume").json()["disabled_at"] is None
    assert program.post(f"{path}/resume").status_code == 200
    assert program.post(f"{path}/test").status_code == 202


def test_a_strangers_webhook_does_not_exist(program: Program, stranger: Program) -> None:
    webhook = program.post("webhooks", BODY).json()
    program.post(f"webhooks/{webhook['id']}/test")
    delivery = Delivery.objects.get()
    path = f"webhooks/{webhook['id']}"
    for response in (
        stranger.get(path),
        stranger.put(path, BODY),
        stranger.delete(path),
        stranger.post(f"{path}/rotate"),
        stranger.post(f"{path}/test"),
        stranger.get(f"{path}/deliveries"),
        stranger.post(f"{path}/deliveries/{delivery.pk}/redeliver"),
    ):
        problem(response, 404, "not_found")
    own = stranger.post("webhooks", BODY).json()
    problem(stranger.post(f"webhooks/{own['id']}/deliveries/{delivery.pk}/redeliver"), 404, "not_found")


def test_the_scheme_of_an_address_has_no_case(program: Program) -> None:
    made = program.post("webhooks", {**BODY, "url": "HTTPS://example.org/hook"})
    assert made.status_code == 201, made.content


@pytest.mark.parametrize("url", ["ftp://example.org/", "example.org", "javascript:alert(1)"])
def test_an_invalid_url_is_explained(program: Program, url: str) -> None:
    wrong = problem(program.post("webhooks", {**BODY, "url": url}), 422, "invalid_request")
    fetched = {"files": [{"url": url}], "outputs": [{"format": "webp"}]}
    also = problem(program.post("batches", fetched), 422, "invalid_submission")
    assert {wrong["detail"], also["detail"]} == {"A URL must begin with https:// or http://."}
    assert [wrong["errors"][0]["pointer"], also["errors"][0]["pointer"]] == ["/url", "/files/0/url"]
