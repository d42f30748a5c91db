from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.urls import reverse
from ninja import Query, Router, Status

from converter import jobs, outbound, webhooks
from converter.api import schemas
from converter.api.access import ApiRequest, own
from converter.api.cursors import Paging, page
from converter.api.openapi import problems
from converter.api.problems import Problem
from converter.models import Delivery, Webhook

router = Router(tags=["webhooks"])

MOST = 20


@router.get("", response=schemas.Webhooks, openapi_extra=problems(), url_name="webhooks")
def list_webhooks(request: ApiRequest, paging: Query[Paging]) -> schemas.Webhooks:
    """Your webhooks, newest first."""
    found, following = page(Webhook.objects.filter(owner=request.auth.user.pk), paging)
    return schemas.Webhooks(items=[schemas.Webhook.of(webhook) for webhook in found], next=following)


@router.post("", response={201: schemas.NewWebhook}, openapi_extra=problems(409), url_name="webhooks")
def add_webhook(
    request: ApiRequest, body: schemas.WebhookIn, response: HttpResponse
) -> Status[schemas.NewWebhook]:
    """Have an address told of what becomes of your jobs. The secret that signs the messages is shown now only."""
    if Webhook.objects.filter(owner=request.auth.user.pk).count() >= MOST:
        raise Problem("conflict", f"You have {MOST} webhooks, which is the most. Delete one first.")
    _check(body)
    webhook = Webhook.objects.create(
        owner_id=request.auth.user.pk, url=body.url, events=_events(body), secret=webhooks.new_secret()
    )
    response["Location"] = reverse("api:webhook", args=[webhook.pk])
    return Status(201, schemas.NewWebhook.of(webhook))


@router.get("/{uuid:webhook_id}", response=schemas.Webhook, openapi_extra=problems(404), url_name="webhook")
def get_webhook(request: ApiRequest, webhook_id: uuid.UUID) -> schemas.Webhook:
    """One webhook."""
    return schemas.Webhook.of(_own(request, webhook_id))


@router.put("/{uuid:webhook_id}", response=schemas.Webhook, openapi_extra=problems(404), url_name="webhook")
def replace_webhook(request: ApiRequest, webhook_id: uuid.UUID, body: schemas.WebhookIn) -> schemas.Webhook:
    """Change its address or events, and enable it again."""
    webhook = _own(request, webhook_id)
    _check(body)
    webhook.url, webhook.events, webhook.disabled_at = body.url, _events(body), None
    webhook.save(update_fields=["url", "events", "disabled_at"])
    return schemas.Webhook.of(webhook)


@router.delete("/{uuid:webhook_id}", response={204: None}, openapi_extra=problems(404), url_name="webhook")
def delete_webhook(request: ApiRequest, webhook_id: uuid.UUID) -> Status[None]:
    """Tell this address nothing more."""
    _own(request, webhook_id).delete()
    return Status(204, None)


@router.post(
    "/{uuid:webhook_id}/rotate",
    response=schemas.NewWebhook,
    openapi_extra=problems(404),
    url_name="rotate_webhook",
)
def rotate_secret(request: ApiRequest, webhook_id: uuid.UUID) -> schemas.NewWebhook:
    """Make a new secret; for 24 hours messages are signed with the old one too."""
    webhook = _own(request, webhook_id)
    webhooks.rotate(webhook)
    return schemas.NewWebhook.of(webhook)


@router.post(
    "/{uuid:webhook_id}/test",
    response={202: schemas.Delivery},
    openapi_extra=problems(404, 409),
    url_name="test_webhook",
)
def send_test(request: ApiRequest, webhook_id: uuid.UUID) -> Status[schemas.Delivery]:
    """Send a message that tells of nothing."""
    webhook = _enabled(_own(request, webhook_id))
    delivery = webhooks.note_test(webhook)
    jobs.send_to_webhook(delivery)
    return Status(202, schemas.Delivery.of(delivery))


@router.get(
    "/{uuid:webhook_id}/deliveries",
    response=schemas.Deliveries,
    openapi_extra=problems(404),
    url_name="deliveries",
)
def list_deliveries(request: ApiRequest, webhook_id: uuid.UUID, paging: Query[Paging]) -> schemas.Deliveries:
    """What was sent in the last week, newest first."""
    found, following = page(Delivery.objects.filter(webhook=_own(request, webhook_id)), paging)
    return schemas.Deliveries(items=[schemas.Delivery.of(delivery) for delivery in found], next=following)


@router.post(
    "/{uuid:webhook_id}/deliveries/{uuid:delivery_id}/redeliver",
    response={202: schemas.Delivery},
    openapi_extra=problems(404, 409),
    url_name="redeliver",
)
def redeliver(request: ApiRequest, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> Status[schemas.Delivery]:
    """Send a message again."""
    webhook = _enabled(_own(request, webhook_id))
    delivery = Delivery.objects.filter(pk=delivery_id, webhook=webhook).first()
    if delivery is None:
        raise Problem("not_found", "This webhook has no delivery with this id.")
    jobs.send_to_webhook(delivery)
    delivery.refresh_from_db()
    return Status(202, schemas.Delivery.of(delivery))


def _own(request: ApiRequest, pk: uuid.UUID) -> Webhook:
    return own(request, Webhook.objects.all(), pk)


def _enabled(webhook: Webhook) -> Webhook:
    if webhook.disabled_at:
        raise Problem("conflict", "This webhook is disabled. Put it again to enable it.")
    return webhook


def _events(body: schemas.WebhookIn) -> list[str]:
    return sorted({event.value for event in body.events})


def _check(body: schemas.WebhookIn) -> None:
    try:
        outbound.parts(body.url)
    except outbound.Unreachable as exc:
        raise Problem("invalid_request", str(exc), errors=[{"pointer": "/url", "detail": str(exc)}]) from exc
