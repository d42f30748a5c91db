from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from converter.models import Delivery, Webhook
from converter.webhooks import endpoints, outbox, signing
from tests.conftest import text
from tests.fakes import RecordingDispatch
from tests.receiver import Receiver

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.long]

FORM = {"url": "https://example.org/hook", "events": ["job.failed", "batch.finished"]}
HOME = "/accounts/webhooks/"


@pytest.fixture
def webhook(alice: Any, server: Receiver) -> Webhook:
    return Webhook.objects.create(
        owner=alice, url=f"{server.url}/hook", events=["batch.finished"], secret=signing.new_secret()
    )


def at(webhook: Webhook, act: str = "") -> str:
    return f"{HOME}{webhook.pk}/{act}"


def secret_in(response: Any) -> str:
    [secret] = re.findall(r'id="secret"[^>]*>(whsec_[^<]+)<', text(response))
    return str(secret)


def test_a_user_without_webhooks_is_shown_how_to_begin(page: Client) -> None:
    assert "No webhooks yet" in text(page.get(HOME))


def test_a_webhook_is_created_and_its_secret_shown_once(page: Client, alice: Any) -> None:
    response = page.post(HOME, FORM)
    made = Webhook.objects.get()
    assert response.status_code == 201
    assert (made.owner, made.url, made.events) == (alice, FORM["url"], ["batch.finished", "job.failed"])
    assert secret_in(response) == made.secret
    assert "no-store" in response["Cache-Control"]
    for path in (HOME, at(made)):
        shown = text(page.get(path))
        assert made.url in shown
        assert made.secret not in shown


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": "ftp://example.org"}, "A URL must begin with"),
        ({"url": "https://me:secret@example.org/"}, "user name or password"),
        ({"url": ""}, "This field is required."),
        ({"events": []}, "This field is required."),
        ({"events": ["job.started"]}, "Select a valid choice."),
    ],
)
def test_invalid_input_is_refused_and_kept_in_the_form(
    page: Client, webhook: Webhook, change: dict[str, Any], says: str
) -> None:
    for path in (HOME, at(webhook)):
        response = page.post(path, {**FORM, **change})
        assert response.status_code == 422
        assert says in text(response)
        assert response.context["form"]["url"].value() == {**FORM, **change}["url"]
    assert Webhook.objects.get().events == ["batch.finished"]


def test_the_menu_offers_them_only_where_they_can_be_sent(page: Client, settings: Any) -> None:
    link = f'href="{reverse("web:webhooks")}"'
    assert link in page.get("/formats/").content.decode()
    settings.CONVERTER_WEBHOOKS = False
    assert link not in page.get("/formats/").content.decode()


def test_the_number_of_webhooks_is_limited(
    page: Client, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "MOST", 1)
    response = page.post(HOME, FORM)
    assert response.status_code == 422
    assert "You can have at most 1 webhooks." in text(response)


def test_a_webhook_is_changed(page: Client, webhook: Webhook) -> None:
    assert "checked" in text(page.get(at(webhook)))
    response = page.post(at(webhook), FORM, follow=True)
    assert "Webhook saved." in text(response)
    webhook.refresh_from_db()
    assert (webhook.url, webhook.events) == (FORM["url"], ["batch.finished", "job.failed"])


def test_a_new_secret_is_shown_once_and_the_old_one_signs_for_a_day(page: Client, webhook: Webhook) -> None:
    old = webhook.secret
    response = page.post(at(webhook, "secret/"))
    webhook.refresh_from_db()
    assert secret_in(response) == webhook.secret != old
    assert webhook.old_secret == old
    assert webhook.secret not in text(page.get(at(webhook)))


def test_a_paused_webhook_receives_nothing_until_it_is_resumed(
    page: Client, webhook: Webhook, worker: RecordingDispatch
) -> None:
    shown = text(page.post(at(webhook, "pause/"), follow=True))
    assert "Events are not sent until you resume it." in shown
    assert "Send test event" not in shown.split("Deliveries")[0]
    refused = page.post(at(webhook, "test/"))
    assert refused.status_code == 409
    assert "Resume it first." in text(refused)
    assert "Paused" in text(page.get(HOME))
    assert "Webhook resumed." in text(page.post(at(webhook, "resume/"), follow=True))
    page.post(at(webhook, "test/"))
    assert [target for target, _ in worker.asked] == ["converter.events.dispatched.deliver"]


def test_a_webhook_whose_url_is_gone_says_so(
    page: Client, webhook: Webhook, server: Receiver, worker: RecordingDispatch
) -> None:
    server.answers["/hook"] = (410, {}, b"")
    page.post(at(webhook, "test/"))
    worker.work()
    shown = text(page.get(at(webhook)))
    assert "Paused because the URL returned 410 Gone." in shown
    assert "Save and resume" in shown
    page.post(at(webhook), {"url": f"{server.url}/other", "events": ["batch.finished"]})
    assert "410 Gone" not in text(page.get(at(webhook)))


def test_a_test_message_is_shown_from_its_way_to_its_answer(
    page: Client, webhook: Webhook, server: Receiver, worker: RecordingDispatch
) -> None:
    assert "No deliveries in the last 7 days" in text(page.get(at(webhook)))
    server.answers["/hook"] = (200, {}, b"thank <you>")
    shown = text(page.post(at(webhook, "test/"), follow=True))
    assert "Sending" in shown
    assert 'hx-trigger="load delay:' in shown
    worker.work()
    part = text(page.get(at(webhook), headers={"HX-Request": "true"}))
    assert part.lstrip().startswith('<section id="deliveries"')
    assert "hx-trigger" not in part
    for said in ("Delivered", "1 attempt", "response 200", "thank &lt;you&gt;", "webhook.test"):
        assert said in part
    assert "Delivered" in text(page.get(HOME))


def test_a_rejected_message_says_when_it_is_retried(
    page: Client, webhook: Webhook, server: Receiver, worker: RecordingDispatch
) -> None:
    server.answers["/hook"] = (500, {}, b"down")
    page.post(at(webhook, "test/"))
    worker.work()
    shown = text(page.get(at(webhook)))
    for said in ("Retrying", "response 500", "from now"):
        assert said in shown
    Delivery.objects.update(due_at=timezone.now())
    assert "retrying shortly" in text(page.get(at(webhook)))
    Delivery.objects.update(due_at=None)
    assert "Not delivered" in text(page.get(at(webhook)))


def test_errors_are_in_the_readers_language(page: Client, webhook: Webhook) -> None:
    delivery = outbox.send_test(webhook)
    Delivery.objects.filter(pk=delivery.pk).update(
        attempts=1, answer="There is no host.", error_params={"kind": "no_host"}
    )
    shown = text(page.get(at(webhook), headers={"accept-language": "de"}))
    assert "Den Server in dieser URL gibt es nicht." in shown
    assert "Testereignis" in shown


def test_a_message_is_sent_again(
    page: Client, webhook: Webhook, server: Receiver, worker: RecordingDispatch
) -> None:
    page.post(at(webhook, "test/"))
    worker.work()
    delivery = Delivery.objects.get()
    response = page.post(f"{HOME}deliveries/{delivery.pk}/", follow=True)
    assert "Sending" in text(response)
    worker.work()
    assert [asked.body for asked in server.asked] == [delivery.body.encode()] * 2
    page.post(at(webhook, "pause/"))
    assert page.post(f"{HOME}deliveries/{delivery.pk}/").status_code == 409


def test_the_page_waits_for_a_slow_receiver(page: Client, webhook: Webhook) -> None:
    outbox.send_test(webhook)
    Delivery.objects.update(
        attempts=1, due_at=timezone.now() + timedelta(minutes=1)
    )  # a worker is delivering it
    shown = text(page.get(at(webhook)))
    assert "Sending" in shown
    assert "hx-trigger" in shown


def test_waiting_for_an_answer_ends(page: Client, webhook: Webhook) -> None:
    outbox.send_test(webhook)
    assert "hx-trigger" in text(page.get(at(webhook) + "?polls=3"))
    assert "hx-trigger" not in text(page.get(at(webhook) + "?polls=8"))
    assert page.get(at(webhook) + "?polls=nonsense").status_code == 200


def test_messages_are_paged(page: Client, webhook: Webhook) -> None:
    now = timezone.now()
    Delivery.objects.bulk_create(
        Delivery(
            webhook=webhook,
            event="job.finished",
            subject=str(n),
            body=f"message {n}.",
            created_at=now - timedelta(minutes=n),
        )
        for n in range(45)
    )
    seen, path = [], at(webhook)
    while path:
        shown = text(page.get(path))
        seen += [int(n) for n in re.findall(r"message (\d+)\.", shown)]
        older = re.search(r'href="([^"]+)">Older', shown)
        path = older[1].replace("&amp;", "&") if older else ""
    assert seen == list(range(45))


def test_an_older_message_that_is_sent_again_stays_in_sight(
    page: Client, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    old = Delivery.objects.create(
        webhook=webhook, event="job.failed", subject="old", body="old", created_at=now - timedelta(days=1)
    )
    monkeypatch.setattr(outbox, "BY_HAND", 1000)
    for _ in range(20):
        outbox.send_test(webhook)
    older = re.search(r'href="[^"]*\?after=([^"]+)">Older', text(page.get(at(webhook))))
    assert older
    place = unquote(older[1])
    response = page.post(f"{HOME}deliveries/{old.pk}/", {"after": place}, follow=True)
    assert str(old.pk) in text(response)
    assert "Sending" in text(response)
    asked_again = re.search(r'hx-get="([^"]+)"', text(response))
    assert asked_again
    assert str(old.pk) in text(page.get(asked_again[1].replace("&amp;", "&")))


def test_a_webhook_is_deleted_after_confirmation(page: Client, webhook: Webhook) -> None:
    outbox.send_test(webhook)
    assert "Delete this webhook?" in text(page.get(at(webhook, "delete/")))
    assert Webhook.objects.exists()
    page.post(at(webhook, "delete/"))
    assert not Webhook.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("act", ["", "secret/", "pause/", "resume/", "test/", "delete/"])
def test_to_a_stranger_it_does_not_exist(strangers_page: Client, webhook: Webhook, act: str) -> None:
    assert strangers_page.post(at(webhook, act), FORM).status_code == 404
    if act in ("", "delete/"):
        assert strangers_page.get(at(webhook, act)).status_code == 404
    assert Webhook.objects.get().secret == webhook.secret
    assert webhook.url not in text(strangers_page.get(HOME))


def test_a_stranger_sends_nothing_again(strangers_page: Client, webhook: Webhook) -> None:
    delivery = outbox.send_test(webhook)
    assert strangers_page.post(f"{HOME}deliveries/{delivery.pk}/").status_code == 404


@pytest.mark.parametrize("act", ["", "secret/", "pause/", "resume/", "test/", "delete/"])
def test_a_form_without_a_csrf_token_does_nothing(alice: Any, webhook: Webhook, act: str) -> None:
    forged = Client(enforce_csrf_checks=True)
    forged.force_login(alice)
    assert forged.post(at(webhook, act), FORM).status_code == 403
    webhook.refresh_from_db()
    assert (webhook.events, webhook.disabled_at) == (["batch.finished"], None)


@pytest.mark.parametrize("act", ["secret/", "pause/", "resume/", "test/"])
def test_get_requests_change_nothing(page: Client, webhook: Webhook, act: str) -> None:
    assert page.get(at(webhook, act)).status_code == 405


def test_many_webhooks_and_messages_cost_no_more_queries(
    page: Client,
    alice: Any,
    webhook: Webhook,
    django_assert_max_num_queries: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "BY_HAND", 1000)
    others = [Webhook(owner=alice, url="https://example.org/", events=["job.failed"]) for _ in range(15)]
    Webhook.objects.bulk_create(others)
    for one in [webhook, *others]:
        for _ in range(3):
            outbox.send_test(one)
    for path in (HOME, at(webhook)):
        with django_assert_max_num_queries(12):
            page.get(path)
