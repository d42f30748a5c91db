from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from converter import webhooks
from converter.events import clock
from converter.models import Delivery, Webhook
from converter.webhooks import outbox
from converter.webhooks.delivery import WAITS
from tests.conftest import make_photo
from tests.receiver import Receiver
from tests.webhooks.conftest import told

pytestmark = pytest.mark.django_db


def rewind(delivery: Delivery) -> None:
    """Let the time of its next try come."""
    Delivery.objects.filter(pk=delivery.pk).update(due_at=timezone.now())


def test_a_receiver_that_fails_is_tried_again_with_growing_waits_for_a_day(
    webhook: Webhook, server: Receiver
) -> None:
    server.answers["/hook"] = (500, {}, b"down")
    delivery = outbox.send_test(webhook)
    waits = []
    for _ in range(len(WAITS)):
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
    delivery = outbox.send_test(webhook)
    for _ in range(2):
        webhooks.deliver(delivery.pk)
        rewind(delivery)
    assert len({asked.headers["webhook-id"] for asked in server.asked}) == 1


def test_a_message_that_is_not_due_is_not_sent(webhook: Webhook, server: Receiver) -> None:
    delivery = outbox.send_test(webhook)
    webhooks.deliver(delivery.pk)
    webhooks.deliver(delivery.pk)
    assert len(server.asked) == 1


def test_the_clock_asks_for_what_is_due(
    webhook: Webhook, server: Receiver, worker: Any, django_capture_on_commit_callbacks: Any
) -> None:
    outbox.send_test(webhook)
    with django_capture_on_commit_callbacks(execute=True):
        clock.sweep({}, None)
    worker.work()
    assert told(server) == ["webhook.test"]


def test_a_receiver_that_is_gone_is_disabled(webhook: Webhook, server: Receiver, convert: Any) -> None:
    server.answers["/hook"] = (410, {}, b"")
    first, second = outbox.send_test(webhook), outbox.send_test(webhook)
    webhooks.deliver(first.pk)
    webhook.refresh_from_db()
    assert webhook.disabled_at is not None
    webhooks.deliver(second.pk)
    convert(make_photo())
    assert len(server.asked) == 1
    assert not Delivery.objects.exclude(due_at=None).exists()


def test_an_address_that_is_not_public_is_not_called(
    webhook: Webhook, server: Receiver, settings: Any
) -> None:
    settings.CONVERTER_OUTBOUND_ALLOWED = []
    delivery = outbox.send_test(webhook)
    webhooks.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert server.asked == []
    assert delivery.answer == "This address is not on the public internet."
    assert delivery.error_params == {"kind": "not_public"}
    assert delivery.due_at is not None
