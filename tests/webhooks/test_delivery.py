from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.utils import timezone, translation

from converter import webhooks
from converter.events import clock
from converter.models import Delivery, Webhook
from converter.webhooks import endpoints, outbox
from converter.webhooks.delivery import WAITS
from tests.conftest import make_photo
from tests.receiver import Receiver
from tests.webhooks.conftest import killed, told

pytestmark = pytest.mark.django_db


def rewind(delivery: Delivery) -> None:
    """Let its next attempt be due."""
    Delivery.objects.filter(pk=delivery.pk).update(due_at=timezone.now())


def test_a_receiver_that_fails_is_tried_again_with_the_waits_of_the_standard(
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
        waits.append((delivery.due_at - before).total_seconds())
        rewind(delivery)
    webhooks.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.due_at is None
    assert delivery.delivered_at is None
    assert (delivery.attempts, delivery.answer_status, delivery.answer) == (10, 500, "down")
    standard = [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400]
    assert all(least <= wait <= 1.2 * least + 5 for wait, least in zip(waits, standard, strict=True))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(webhook: Webhook, server: Receiver, status: int) -> None:
    server.answers["/hook"] = (status, {"Location": f"{server.url}/elsewhere"}, b"")
    delivery = outbox.send_test(webhook)
    webhooks.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert [asked.path for asked in server.asked] == ["/hook"]
    assert (delivery.delivered_at, delivery.answer_status) == (None, status)
    assert delivery.due_at is not None


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("3600", 3600),
        ("99999999999999999999", 86400),
        ("soon", 5),
        ("-1", 5),
        ("0", 5),
        ("", 5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 5),
        ("date", 7200),
    ],
)
def test_retry_after_of_a_receiver_is_respected(
    webhook: Webhook, server: Receiver, status: int, said: str, seconds: int
) -> None:
    if said == "date":
        said = format_datetime(timezone.now() + timedelta(hours=2), usegmt=True)
    server.answers["/hook"] = (status, {"Retry-After": said}, b"")
    delivery = outbox.send_test(webhook)
    webhooks.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.due_at is not None
    assert (delivery.due_at - timezone.now()).total_seconds() == pytest.approx(seconds, abs=5)


def test_a_webhook_that_failed_for_days_is_paused_and_its_owner_notified(
    webhook: Webhook, server: Receiver, mailoutbox: Any
) -> None:
    server.answers["/hook"] = (500, {}, b"")
    webhooks.deliver(outbox.send_test(webhook).pk)
    webhook.refresh_from_db()
    assert webhook.failing_since is not None
    assert webhook.disabled_at is None
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=5, seconds=1))
    delivery = outbox.send_test(webhook)
    webhooks.deliver(delivery.pk)
    webhook.refresh_from_db()
    assert webhook.disabled_at is not None
    assert [(mail.to, webhook.url in mail.body) for mail in mailoutbox] == [([webhook.owner.email], True)]
    rewind(delivery)
    webhooks.deliver(delivery.pk)
    assert len(server.asked) == 2
    endpoints.resume(webhook)
    webhook.refresh_from_db()
    assert webhook.failing_since is None


def test_the_notice_of_a_pause_is_in_the_language_of_the_pages_it_was_made_on(
    alice: Any, server: Receiver, mailoutbox: Any
) -> None:
    server.answers["/hook"] = (500, {}, b"")
    with translation.override("de"):
        webhook = endpoints.add(alice, f"{server.url}/hook", ["job.failed"])
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=5, seconds=1))
    webhooks.deliver(outbox.send_test(webhook).pk)
    [mail] = mailoutbox
    assert mail.subject == "Ihr Webhook wurde angehalten"
    assert f"Ihr Webhook {webhook.url} ist seit mehreren Tagen" in mail.body


def test_one_success_ends_the_days_of_failure(webhook: Webhook, server: Receiver) -> None:
    Webhook.objects.update(failing_since=timezone.now() - timedelta(days=5))
    webhooks.deliver(outbox.send_test(webhook).pk)
    webhook.refresh_from_db()
    assert (webhook.failing_since, webhook.disabled_at) == (None, None)


def test_a_message_whose_sender_was_killed_is_sent_again(
    webhook: Webhook, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = outbox.send_test(webhook)
    with monkeypatch.context() as patch:
        patch.setattr("converter.webhooks.delivery._post", killed)
        with pytest.raises(SystemExit):
            webhooks.deliver(delivery.pk)
    webhooks.deliver(delivery.pk)  # another worker may still be delivering it
    assert server.asked == []
    rewind(delivery)
    webhooks.deliver(delivery.pk)
    assert told(server) == ["webhook.test"]


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


def test_a_retry_is_on_time_although_the_clock_was_set_back(
    webhook: Webhook, server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answers["/hook"] = (500, {"Retry-After": "1800"}, b"")
    delivery = outbox.send_test(webhook)
    real = timezone.now
    with monkeypatch.context() as patch:
        patch.setattr("django.utils.timezone.now", lambda: real() + timedelta(hours=1))
        webhooks.deliver(delivery.pk)
        assert outbox.due(timezone.now()) == []
    assert outbox.due(timezone.now()) == [delivery]
    webhooks.deliver(delivery.pk)
    assert outbox.due(timezone.now()) == []  # the half hour requested by the receiver, in real time
    assert outbox.due(timezone.now() + timedelta(minutes=40)) == [delivery]
    assert len(server.asked) == 2


def test_a_receiver_that_returns_410_is_disabled(webhook: Webhook, server: Receiver, convert: Any) -> None:
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
    assert delivery.answer == "This URL is not on the public internet."
    assert delivery.error_params == {"kind": "not_public"}
    assert delivery.due_at is not None
