"""Webhooks and their deliveries."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from converter.admin.base import ReadOnlyAdmin, link
from converter.models import (
    Delivery,
    Webhook,
)
from converter.webhooks import endpoints


@admin.register(Webhook)
class WebhookAdmin(ReadOnlyAdmin):
    """Webhooks without their secrets."""

    list_display = ("url", "person", "events", "created_at", "disabled_at")
    list_filter = (("disabled_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("owner",)
    search_fields = ("=id", "owner__email", "url")
    fields = ("id", *list_display)
    actions = ("pause", "resume")

    @admin.action(description=_("Pause"), permissions=["oversee"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        self.act(request, queryset, endpoints.pause, _("Paused"))

    @admin.action(description=_("Resume"), permissions=["oversee"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        self.act(request, queryset, endpoints.resume, _("Resumed"))


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ("event", "webhook", "attempts", "answer_status", "created_at", "due_at", "delivered_at")
    list_filter = (
        "event",
        ("delivered_at", admin.EmptyFieldListFilter),
        ("due_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("webhook__owner",)
    search_fields = ("=id", "=webhook__id", "webhook__owner__email")
    fields = (
        "id", "event", "receiver", "attempts", "attempted_at", "answer_status", "created_at", "due_at", "delivered_at",
        "answer", "body",
    )  # fmt: skip

    @admin.display(description=_("webhook"))
    def receiver(self, delivery: Any) -> str:
        return link(delivery.viewer, delivery.webhook, delivery.webhook)
