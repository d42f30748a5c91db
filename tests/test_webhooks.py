from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from converter import jobs, storage, webhooks
from converter.engine import Message, Recipe
from converter.events import clock
from converter.jobs.run import run
from converter.jobs.submit import submit
from converter.jobs.sweep import sweep
from converter.jobs.tasks import notify_of_job
from converter.models import Batch, Delivery, Upload, Webhook
from tests.conftest import make_photo
from tests.receiver import Receiver, receiver

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Any) -> Iterator[Receiver]:
    settings.CONVERTER_OUTBOUND_ALLOWED = ["127.0.0.1/32"]
    with receiver() as server:
        yield server


@pytest.fixture
def webhook(alice: Any, server: Receiver) -> Webhook:
    return Webhook.objects.create(
        owner=alice, url=f"{server.url}/hook", events=list(Webhook.Event.values), secret=webhooks.new_secret()
    )


@pytest.fixture
def convert(alice: Any, send: Any, worker: Any, django_capture_on_commit_callbacks: Any) -> Any:
    def convert(*contents: bytes) -> Batch:
        files = [jobs.NewFile(f"{n}.jpg", len(content)) for n, content in enumerate(contents)]
        batch = submit(alice, outputs=[Recipe.parse({"format": "webp"})], files=files)
        with django_capture_on_commit_callbacks(execute=True):
            send(batch, *contents)
            worker.work()
        worker.work()
        return batch

    return convert


def told(server: Receiver) -> list[str]:
    return [json.loads(asked.body)["type"] for asked in server.asked]


def test_a_signature_is_that_of_the_standard() -> None:
    # The example of the Standard Webhooks libraries.
    assert (
        webhooks.signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            '{"test": 2432232314}',
        )
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_what_becomes_of_a_batch_is_told_and_signed(webhook: Webhook, server: Receiver, convert: Any) -> None:
    batch = convert(make_photo(), b"not an image")
    assert sorted(told(server)) == ["batch.finished", "job.failed", "job.finished"]
    for asked in server.asked:
        headers = {name.lower(): value for name, value in asked.headers.items()}
        assert asked.path == "/hook"
        assert headers["content-type"] == "application/json"
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
        assert headers["webhook-signature"] == webhooks.signature(
            webhook.secret, headers["webhook-id"], headers["webhook-timestamp"], asked.body.decode()
        )
    bodies = {body["type"]: body for body in (json.loads(asked.body) for asked in server.asked)}
    assert bodies["batch.finished"]["data"] == {
        "id": str(batch.pk),
        "status": "partially_failed",
        "jobs": {"finished": 1, "failed": 1},
    }
    assert bodies["job.failed"]["data"]["error"] == {
        "code": "not_an_image",
        "params": {},
        "message": Message("not_an_image").text,
    }
    assert not Delivery.objects.filter(delivered_at=None).exists()


def test_only_what_was_asked_for_is_told(webhook: Webhook, server: Receiver, convert: Any) -> None:
    webhook.events = ["job.failed"]
    webhook.save()
    convert(make_photo())
    assert told(server) == []


def test_a_stranger_is_told_nothing(webhook: Webhook, bob: Any, server: Receiver, convert: Any) -> None:
    webhook.owner = bob
    webhook.save()
    convert(make_photo())
    assert told(server) == []


def test_a_batch_that_is_cancelled_has_come_to_its_end(
    webhook: Webhook, server: Receiver, alice: Any, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    batch = submit(alice, outputs=[Recipe.parse({"format": "webp"})], files=[jobs.NewFile("a", 5)])
    with django_capture_on_commit_callbacks(execute=True):
        jobs.cancel_batch(batch)
    worker.work()
    assert told(server) == ["batch.finished"]


def test_an_end_is_told_once_and_a_new_end_again(
    webhook: Webhook, server: Receiver, convert: Any, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    batch = convert(b"not an image")
    assert webhooks.note_batch(batch.pk, batch.owner_id) == []
    with django_capture_on_commit_callbacks(execute=True):
        jobs.retry_batch(batch)
    with django_capture_on_commit_callbacks(execute=True):
        worker.work()
    worker.work()
    assert sorted(told(server)) == ["batch.finished"] * 2 + ["job.failed"] * 2


@pytest.fixture
def upload(alice: Any, send: Any) -> Upload:
    """An image that is here, with its one job waiting for a worker."""
    photo = make_photo()
    files = [jobs.NewFile("a.jpg", len(photo))]
    batch = submit(alice, outputs=[Recipe.parse({"format": "webp"})], files=files)
    send(batch, photo)
    job = batch.jobs.select_related("upload").get()
    jobs.receive(job.upload.key, storage.uploads.stat(job.upload.key))
    return job.upload


def killed(*args: Any, **kwargs: Any) -> None:
    raise SystemExit("killed")


def test_a_worker_killed_when_a_job_is_finished_has_told_of_its_batch(
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
def test_a_worker_killed_while_it_tells_has_not_finished_the_job(
    webhook: Webhook, upload: Upload, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(webhooks, line, killed)
        with pytest.raises(SystemExit):
            run(upload.pk)
    assert upload.jobs.get().status == "processing"
    assert not Delivery.objects.exists()
    upload.jobs.update(lease_until=timezone.now())  # time goes by
    run(upload.pk)
    assert sorted(Delivery.objects.values_list("event", flat=True)) == ["batch.finished", "job.finished"]


@pytest.mark.parametrize("act", [jobs.cancel_batch, lambda batch: jobs.cancel(batch.jobs.get())])
def test_who_is_killed_while_cancelling_has_cancelled_nothing(
    webhook: Webhook, upload: Upload, monkeypatch: pytest.MonkeyPatch, act: Any
) -> None:
    monkeypatch.setattr(webhooks, "_note_end", killed)
    with pytest.raises(SystemExit):
        act(upload.jobs.get().batch)
    assert upload.jobs.get().status == "queued"


def test_the_sweep_killed_while_it_tells_has_ended_nothing_untold(
    webhook: Webhook, upload: Upload, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload.jobs.update(queued_at=timezone.now() - timedelta(days=1))
    with monkeypatch.context() as patch:
        patch.setattr(webhooks, "_note_end", killed)
        with pytest.raises(SystemExit):
            sweep()
    assert upload.jobs.get().status == "queued"
    sweep()
    assert sorted(Delivery.objects.values_list("event", flat=True)) == ["batch.finished", "job.failed"]


def test_a_job_that_never_got_its_file_is_told_by_the_clock(
    webhook: Webhook, server: Receiver, alice: Any, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    batch = submit(alice, outputs=[Recipe.parse({"format": "webp"})], files=[jobs.NewFile("a", 5)])
    batch.jobs.update(created_at=timezone.now() - timedelta(days=1))
    with django_capture_on_commit_callbacks(execute=True):
        clock.sweep({}, None)
    worker.work()
    assert sorted(told(server)) == ["batch.finished", "job.failed"]


def rewind(delivery: Delivery) -> None:
    """Let the time of its next try come."""
    Delivery.objects.filter(pk=delivery.pk).update(due_at=timezone.now())


def test_a_receiver_that_fails_is_tried_again_with_growing_waits_for_a_day(
    webhook: Webhook, server: Receiver
) -> None:
    server.answers["/hook"] = (500, {}, b"down")
    delivery = webhooks.note_test(webhook)
    waits = []
    for _ in range(len(webhooks.WAITS)):
        before = timezone.now()
        webhooks.deliver(delivery.pk)
        delivery.refresh_from_db()
        assert delivery.due_at is not None
        waits.append(delivery.due_at - before)
        rewind(delivery)
    webhooks.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.due_at is None
    assert delivery.delivered_at is None
    assert (delivery.attempts, delivery.answer_status, delivery.answer) == (7, 500, "down")
    assert waits == sorted(waits)
    assert timedelta(hours=20) < sum(waits, timedelta()) < timedelta(hours=28)


def test_one_message_keeps_its_id_through_all_tries(webhook: Webhook, server: Receiver) -> None:
    server.answers["/hook"] = (500, {}, b"")
    delivery = webhooks.note_test(webhook)
    for _ in range(2):
        webhooks.deliver(delivery.pk)
        rewind(delivery)
    assert len({asked.headers["webhook-id"] for asked in server.asked}) == 1


def test_a_message_that_is_not_due_is_not_sent(webhook: Webhook, server: Receiver) -> None:
    delivery = webhooks.note_test(webhook)
    webhooks.deliver(delivery.pk)
    webhooks.deliver(delivery.pk)
    assert len(server.asked) == 1


def test_the_clock_asks_for_what_is_due(
    webhook: Webhook, server: Receiver, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    webhooks.note_test(webhook)
    with django_capture_on_commit_callbacks(execute=True):
        clock.sweep({}, None)
    worker.work()
    assert told(server) == ["webhook.test"]


def test_a_receiver_that_is_gone_is_disabled(webhook: Webhook, server: Receiver, convert: Any) -> None:
    server.answers["/hook"] = (410, {}, b"")
    first, second = webhooks.note_test(webhook), webhooks.note_test(webhook)
    webhooks.deliver(first.pk)
    webhook.refresh_from_db()
    assert webhook.disabled_at is not None
    webhooks.deliver(second.pk)
    convert(make_photo())
    assert len(server.asked) == 1
    assert not Delivery.objects.exclude(due_at=None).exists()


def test_for_a_day_both_secrets_sign(webhook: Webhook, server: Receiver) -> None:
    old = webhook.secret
    webhooks.rotate(webhook)
    assert webhook.secret != old
    webhooks.deliver(webhooks.note_test(webhook).pk)
    Webhook.objects.update(old_secret_until=timezone.now())
    webhooks.deliver(webhooks.note_test(webhook).pk)

    def signed_with(asked: Any, secret: str) -> bool:
        headers = asked.headers
        made = webhooks.signature(
            secret, headers["webhook-id"], headers["webhook-timestamp"], asked.body.decode()
        )
        return made in headers["webhook-signature"].split(" ")

    during, after = server.asked
    assert signed_with(during, webhook.secret)
    assert signed_with(during, old)
    assert signed_with(after, webhook.secret)
    assert not signed_with(after, old)


def test_an_address_that_is_not_public_is_not_called(
    webhook: Webhook, server: Receiver, settings: Any
) -> None:
    settings.CONVERTER_OUTBOUND_ALLOWED = []
    delivery = webhooks.note_test(webhook)
    webhooks.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert server.asked == []
    assert delivery.answer == "This address is not on the public internet."
    assert delivery.error_params == {"kind": "not_public"}
    assert delivery.due_at is not None


def test_old_deliveries_are_forgotten(webhook: Webhook) -> None:
    done, waiting = webhooks.note_test(webhook), webhooks.note_test(webhook)
    long_ago = timezone.now() - timedelta(days=8)
    Delivery.objects.update(created_at=long_ago)
    Delivery.objects.filter(pk=done.pk).update(due_at=None)
    assert webhooks.forget_old(timezone.now()) == 1
    assert list(Delivery.objects.all()) == [waiting]


def test_where_nobody_listens_a_job_costs_one_question(alice: Any, django_assert_num_queries: Any) -> None:
    batch = submit(alice, outputs=[Recipe.parse({"format": "webp"})], files=[jobs.NewFile("a", 5)])
    job = batch.jobs.get()
    with django_assert_num_queries(1):
        notify_of_job(job)
