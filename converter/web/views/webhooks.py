"""The webhook pages, built on the same functions as the API."""

from __future__ import annotations

import uuid
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from converter.methods import require_http_methods, require_POST
from converter.models import Delivery, Webhook
from converter.paging import page_or_first
from converter.translation import translated
from converter.web.access import delivery_of, webhook_of
from converter.web.errors import refusal_page
from converter.web.forms import WebhookForm
from converter.web.http import LoggedInRequest
from converter.webhooks import InvalidEndpoint, WebhookError, endpoints, outbox

PAGE = 20
MOST_POLLS = 8  # about a minute; a receiver has 20 seconds to respond


@never_cache
@require_http_methods(["GET", "POST"])
def webhooks(request: LoggedInRequest) -> HttpResponse:
    """List the webhooks, or add one. Only the response to adding one shows its secret."""
    form, made = WebhookForm(request.POST or None), None
    if form.is_valid():
        try:
            made = endpoints.add(request.user, **form.cleaned_data)
        except WebhookError as refusal:
            _say(refusal, form)
    latest = Prefetch("deliveries", Delivery.objects.order_by("-created_at", "-pk")[:1], to_attr="latest")
    context = {
        "form": WebhookForm() if made else form,
        "made": made,
        "webhooks": Webhook.objects.filter(owner_id=request.user.pk).prefetch_related(latest),
    }
    status = 201 if made else 422 if form.is_bound else 200
    return render(request, "web/webhooks.html", context, status=status)


@never_cache
@require_http_methods(["GET", "POST"])
def webhook(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Show a webhook and its deliveries, or change it."""
    found = webhook_of(request, pk)
    if request.method == "GET":
        return _page(request, found, WebhookForm(initial={"url": found.url, "events": found.events}))
    form = WebhookForm(request.POST)
    if form.is_valid():
        try:
            endpoints.change(found, **form.cleaned_data)
        except WebhookError as refusal:
            _say(refusal, form)
        else:
            messages.success(request, _("Webhook saved."))
            return redirect("web:webhook", pk)
    return _page(request, found, form, status=422)


@never_cache
@require_POST
def new_secret(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    """Create a new secret, which only this response shows."""
    found = webhook_of(request, pk)
    endpoints.rotate(found)
    form = WebhookForm(initial={"url": found.url, "events": found.events})
    return _page(request, found, form, rotated=True)


@require_POST
def pause(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    if endpoints.pause(webhook_of(request, pk)):
        messages.success(request, _("Webhook paused. Events are not sent until you resume it."))
    return redirect("web:webhook", pk)


@require_POST
def resume(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    if endpoints.resume(webhook_of(request, pk)):
        messages.success(request, _("Webhook resumed. New events will be sent."))
    return redirect("web:webhook", pk)


@require_POST
def send_test(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    try:
        outbox.send_test(webhook_of(request, pk))
    except WebhookError as refusal:
        return refusal_page(request, refusal)
    messages.success(request, _("Test event sent. The response appears below."))
    return redirect("web:webhook", pk)


@require_POST
def redeliver(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    delivery = delivery_of(request, pk)
    try:
        outbox.redeliver(delivery)
    except WebhookError as refusal:
        return refusal_page(request, refusal)
    messages.success(request, _("Event sent again. The response appears below."))
    page = reverse("web:webhook", args=[delivery.webhook_id])
    place = request.POST.get("after")
    return redirect(f"{page}?{urlencode({'after': place})}" if place else page)


@require_http_methods(["GET", "POST"])
def delete(request: LoggedInRequest, pk: uuid.UUID) -> HttpResponse:
    found = webhook_of(request, pk)
    if request.method == "GET":
        return render(request, "web/webhook_delete.html", {"webhook": found})
    found.delete()
    messages.success(request, _("Webhook deleted."))
    return redirect("web:webhooks")


def _page(
    request: LoggedInRequest, found: Webhook, form: WebhookForm, *, rotated: bool = False, status: int = 200
) -> HttpResponse:
    sent = Delivery.objects.filter(webhook=found)
    place = request.GET.get("after", "")
    deliveries, after = page_or_first(sent, place, PAGE)
    polls = int(text) if (text := request.GET.get("polls", "")[:3]).isdecimal() else 0
    context = {
        "webhook": found,
        "form": form,
        "rotated": rotated,
        "answered_410": found.disabled_at and _last_answer(found) == 410,
        "deliveries": deliveries,
        "after": after,
        "place": place,
        "awaited": polls < MOST_POLLS and any(delivery.is_on_its_way for delivery in deliveries),
        "polls": polls + 1,
        "delay": min(2**polls, 10),
    }
    template = "web/_deliveries.html" if request.htmx else "web/webhook.html"
    return render(request, template, context, status=status)


def _last_answer(found: Webhook) -> int | None:
    answered = found.deliveries.exclude(answer_status=None).order_by("-created_at", "-pk")
    return answered.values_list("answer_status", flat=True).first()


def _say(refusal: WebhookError, form: WebhookForm) -> None:
    field = "url" if isinstance(refusal, InvalidEndpoint) else None
    form.add_error(field, translated(refusal.message))
