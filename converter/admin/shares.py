"""Shares of results."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from converter import jobs
from converter.admin.base import ReadOnlyAdmin, link
from converter.models import (
    Share,
)


@admin.register(Share)
class ShareAdmin(ReadOnlyAdmin):
    """Shares without their links, which would open the images without a log entry."""

    list_display = ("id", "person", "batch", "opened", "created_at", "expires_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "created_at", "expires_at")
    list_select_related = ("owner", "batch")
    search_fields = ("=id", "=batch__id", "owner__email")
    fields = (
        "id", "person", "in_batch", "opened", "created_at", "expires_at", "revoked_at",
    )  # fmt: skip
    actions = ("revoke",)

    @admin.display(description=_("batch"))
    def in_batch(self, share: Any) -> str:
        return link(share.viewer, share.batch, share.batch_id)

    @admin.action(description=_("Revoke links"), permissions=["oversee"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Share]) -> None:
        self.act(request, queryset, jobs.revoke_share, _("Revoked"))
