from __future__ import annotations

import uuid

from django.http import HttpResponse
from django.urls import reverse
from ninja import Query, Router, Status

from converter.api import schemas
from converter.api.access import ApiRequest, own
from converter.api.cursors import Paging, page
from converter.api.openapi import problems
from converter.api.problems import Problem
from converter.models import Delivery, Webhook
from converter.webhooks import endpoints, outbox

router = Router(tags=["webhooks"])


@router.get("", response=schemas.Webhooks, openapi_extra=problems(), url_name="webhooks")
def list_webhooks(request: ApiRequest, paging: Query[Paging]) -> schemas.Webhooks:
    """List your webhooks, newest first."""
    found, following = page(Webhook.objects.filter(owner=request.auth.user.pk), paging)
    return schemas.Webhooks(items=[schemas.Webhook.of(webhook) for webhook in found], next=following)


@router.post("", response={201: schemas.NewWebhook}, openapi_extra=problems(409), url_name="webhooks")
def add_webhook(
    request: ApiRequest, body: schemas.WebhookIn, response: HttpResponse
) -> Status[schemas.NewWebhook]:
    """Create a webhook. The signing secret is only shown in this response."""
    webhook = endpoints.add(request.auth.user, body.url, body.events)
    response["Location"] = reverse("api:webhook", args=[webhook.pk])
    return Status(201, schemas.NewWebhook.of(webhook))


@router.get("/{id:webhook_id}", response=schemas.Webhook, openapi_extra=problems(404), url_name="webhook")
def get_webhook(request: ApiRequest, webhook_id: uuid.UUID) -> schemas.Webhook:
    """Get a webhook."""
    return schemas.Webhook.of(_own(request, webhook_id))


@router.put("/{id:webhook_id}", response=schemas.Webhook, openapi_extra=problems(404), url_name="webhook")
def replace_webhook(request: ApiRequest, webhook_id: uuid.UUID, body: schemas.WebhookIn) -> schemas.Webhook:
    """Change the URL or events of a webhook and resume it."""
    webhook = _own(request, webhook_id)
    endpoints.change(webhook, body.url, body.events)
    return schemas.Webhook.of(webhook)


@router.delete("/{id:webhook_id}", response={204: None}, openapi_extra=problems(404), url_name="webhook")
def delete_webhook(request: ApiRequest, webhook_id: uuid.UUID) -> Status[None]:
    """Delete a webhook."""
    _own(request, webhook_id).delete()
    return Status(204, None)


@router.post(
    "/{id:webhook_id}/rotate",
    response=schemas.NewWebhook,
    openapi_extra=problems(404),
    url_name="rotate_webhook",
)
def rotate_secret(request: ApiRequest, webhook_id: uuid.UUID) -> schemas.NewWebhook:
    """Rotate the signing secret. For 24 hours, requests are also signed with the old one."""
    webhook = _own(request, webhook_id)
    endpoints.rotate(webhook)
    return schemas.NewWebhook.of(webhook)


@router.post(
    "/{id:webhook_id}/pause",
    response=schemas.Webhook,
    openapi_extra=problems(404),
    url_name="pause_webhook",
)
def pause_webhook(request: ApiRequest, webhook_id: uuid.UUID) -> schemas.Webhook:
    """Pause a webhook. Events that happen while it is paused are not sent later."""
    endpoints.pause(_own(request, webhook_id))
    return schemas.Webhook.of(_own(request, webhook_id))


@router.post(
    "/{id:webhook_id}/resume",
    response=schemas.Webhook,
    openapi_extra=problems(404),
    url_name="resume_webhook",
)
def resume_webhook(request: ApiRequest, webhook_id: uuid.UUID) -> schemas.Webhook:
    """Resume a webhook that was paused or returned 410."""
    endpoints.resume(_own(request, webhook_id))
    return schemas.Webhook.of(_own(request, webhook_id))


@router.post(
    "/{id:webhook_id}/test",
    response={202: schemas.Delivery},
    openapi_extra=problems(404, 409),
    url_name="test_webhook",
)
def send_test(request: ApiRequest, webhook_id: uuid.UUID) -> Status[schemas.Delivery]:
    """Send a test event."""
    return Status(202, schemas.Delivery.of(outbox.send_test(_own(request, webhook_id))))


@router.get(
    "/{id:webhook_id}/deliveries",
    response=schemas.Deliveries,
    openapi_extra=problems(404),
    url_name="deliveries",
)
def list_deliveries(request: ApiRequest, webhook_id: uuid.UUID, paging: Query[Paging]) -> schemas.Deliveries:
    """List the deliveries of the last 7 days, newest first."""
    found, following = page(Delivery.objects.filter(webhook=_own(request, webhook_id)), paging)
    return schemas.Deliveries(items=[schemas.Delivery.of(delivery) for delivery in found], next=following)


@router.post(
    "/{id:webhook_id}/deliveries/{id:delivery_id}/redeliver",
    response={202: schemas.Delivery},
    openapi_extra=problems(404, 409),
    url_name="redeliver",
)
def redeliver(request: ApiRequest, webhook_id: uuid.UUID, delivery_id: uuid.UUID) -> Status[schemas.Delivery]:
    """Send a delivery again."""
    sent = Delivery.objects.select_related("webhook")
    delivery = sent.filter(pk=delivery_id, webhook=_own(request, webhook_id)).first()
    if delivery is None:
        raise Problem("not_found", kind="delivery")
    outbox.redeliver(delivery)
    return Status(202, schemas.Delivery.of(delivery))


def _own(request: ApiRequest, pk: uuid.UUID) -> Webhook:
    return own(request, Webhook.objects.all(), pk)
