from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from converter import jobs, webhooks
from converter.engine import Recipe
from converter.events import clock
from converter.jobs.run import run
from converter.jobs.submit import submit
from converter.jobs.sweep import sweep
from converter.models import Delivery, Upload, Webhook
from converter.webhooks import outbox, signing
from tests.conftest import make_photo
from tests.receiver import Receiver
from tests.webhooks.conftest import killed, told

pytestmark = pytest.mark.django_db


def test_the_end_of_a_batch_is_sent_and_signed(webhook: Webhook, server: Receiver, convert: Any) -> None:
    batch = convert(make_photo(), b"not an image")
    assert sorted(told(server)) == ["batch.finished", "job.failed", "job.finished"]
    for asked in server.asked:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        assert asked.path == "/hook"
        assert headers["content-type"] == "application/json"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
        assert headers["webhook-signature"] == signing.signature(
            webhook.secret, headers["webhook-id"], headers["webhook-timestamp"], asked.body.decode()
        )
    bodies = {body["type"]: body for body in (json.loads(asked.body) for asked in server.asked)}
    assert bodies["batch.finished"]["data"] == {
        "id": str(batch.pk),
        "status": "partially_failed",
        "jobs": {"finished": 1, "failed": 1},
    }
    failed = batch.jobs.get(status="failed")
    assert bodies["job.failed"]["data"]["error"] == {
        "code": "not_an_image",
        "params": failed.error_params,
        "message": failed.error_message,
    }
    assert not Delivery.objects.filter(delivered_at=None).exists()


def test_only_subscribed_events_are_sent(webhook: Webhook, server: Receiver, convert: Any) -> None:
    webhook.events = ["job.failed"]
    webhook.save()
    convert(make_photo())
    assert told(server) == []


def test_strangers_receive_nothing(webhook: Webhook, bob: Any, server: Receiver, convert: Any) -> None:
    webhook.owner = bob
    webhook.save()
    convert(make_photo())
    assert told(server) == []


def test_a_cancelled_batch_has_ended(
    webhook: Webhook, server: Receiver, alice: Any, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    batch = submit(alice, outputs=[Recipe.parse({"format": "webp"})], files=[jobs.NewFile("a", 5)])
    with django_capture_on_commit_callbacks(execute=True):
        jobs.cancel_batch(batch)
    worker.work()
    assert told(server) == ["batch.finished"]


def test_an_end_is_sent_once_and_a_new_end_again(
    webhook: Webhook, server: Receiver, convert: Any, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    batch = convert(b"not an image")
    webhooks.notify_of_batch(batch.pk, batch.owner_id)
    with django_capture_on_commit_callbacks(execute=True):
        jobs.retry_batch(batch)
    with django_capture_on_commit_callbacks(execute=True):
        worker.work()
    worker.work()
    assert sorted(told(server)) == ["batch.finished"] * 2 + ["job.failed"] * 2


def test_a_worker_killed_after_a_job_has_announced_its_batch(
    webhook: Webhook,
    server: Receiver,
    upload: Upload,
    worker: Any,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    monkeypatch.setattr("converter.jobs.run.metrics.emit", killed)  # the first line after the commit
    with pytest.raises(SystemExit):
        run(upload.pk)
    assert upload.jobs.get().status == "finished"
    worker.asked.clear()
    with django_capture_on_commit_callbacks(execute=True):
        clock.sweep({}, None)
    worker.work()
    assert sorted(told(server)) == ["batch.finished", "job.finished"]


@pytest.mark.parametrize("line", ["_note_end", "_note"])
def test_a_worker_killed_while_announcing_has_not_finished_the_job(
    webhook: Webhook, upload: Upload, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(outbox, line, killed)
        with pytest.raises(SystemExit):
            run(upload.pk)
    assert upload.jobs.get().status == "processing"
    assert not Delivery.objects.exists()
    upload.jobs.update(lease_until=timezone.now())  # let the lease expire
    run(upload.pk)
    assert sorted(Delivery.objects.values_list("event", flat=True)) == ["batch.finished", "job.finished"]


@pytest.mark.parametrize("act", [jobs.cancel_batch, lambda batch: jobs.cancel(batch.jobs.get())])
def test_a_process_killed_while_cancelling_has_cancelled_nothing(
    webhook: Webhook, upload: Upload, monkeypatch: pytest.MonkeyPatch, act: Any
) -> None:
    monkeypatch.setattr(outbox, "_note_end", killed)
    with pytest.raises(SystemExit):
        act(upload.jobs.get().batch)
    assert upload.jobs.get().status == "queued"


def test_a_killed_sweep_has_ended_nothing_without_announcing_it(
    webhook: Webhook, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload.jobs.update(asks=jobs.sweep.QUEUE_ASKS)
    with monkeypatch.context() as patch:
        patch.setattr(outbox, "_note_end", killed)
        with pytest.raises(SystemExit):
            sweep()
    assert upload.jobs.get().status == "queued"
    sweep()
    assert sorted(Delivery.objects.values_list("event", flat=True)) == ["batch.finished", "job.failed"]


def test_the_clock_announces_a_job_without_its_file(
    webhook: Webhook, server: Receiver, alice: Any, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    batch = submit(alice, outputs=[Recipe.parse({"format": "webp"})], files=[jobs.NewFile("a", 5)])
    batch.jobs.update(asks=jobs.sweep.UPLOAD_ASKS)
    with django_capture_on_commit_callbacks(execute=True):
        clock.sweep({}, None)
    worker.work()
    assert sorted(told(server)) == ["batch.finished", "job.failed"]


def test_old_deliveries_are_forgotten(webhook: Webhook) -> None:
    done, waiting = outbox.send_test(webhook), outbox.send_test(webhook)
    long_ago = timezone.now() - timedelta(days=8)
    Delivery.objects.update(created_at=long_ago)
    Delivery.objects.filter(pk=done.pk).update(due_at=None)
    assert webhooks.forget_old(timezone.now()) == 1
    assert list(Delivery.objects.all()) == [waiting]


def test_without_webhooks_a_job_needs_one_query(alice: Any, django_assert_num_queries: Any) -> None:
    batch = submit(alice, outputs=[Recipe.parse({"format": "webp"})], files=[jobs.NewFile("a", 5)])
    job = batch.jobs.get()
    with django_assert_num_queries(1):
        webhooks.notify_of_job(job)
