"""Uploads."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from converter.admin.base import ThumbnailAdmin, link, picture
from converter.admin.jobs import SourceFilter
from converter.admin.retrying import ending
from converter.models import (
    Upload,
)
from converter.translation import bytes_in_words


@admin.register(Upload)
class UploadAdmin(ThumbnailAdmin):
    list_display = (
        "name", "person", "format", "dimensions", "frames", "bytes", "created_at", "received_at", "deleted_at",
    )  # fmt: skip
    list_filter = (SourceFilter, "created_at", ("deleted_at", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("=id", "owner__email", "name")
    search_help_text = _("Search by owner's e-mail, image name or id")
    fields = (
        "id", "name", "picture", "person", "bytes", "format", "dimensions", "frames", "mode", "profile", "key", "etag",
        "created_at", "received_at", "expires_at", "deleted_at", "its_jobs",
    )  # fmt: skip

    @admin.display(description=_("thumbnail"))
    def picture(self, upload: Upload) -> str:
        return picture(upload)

    @admin.display(description=_("Dimensions"))
    def dimensions(self, upload: Upload) -> str:
        return f"{upload.width}×{upload.height}" if upload.width else "–"

    @admin.display(description=_("size"), ordering="size")
    def bytes(self, upload: Upload) -> str:
        return bytes_in_words(upload.size)

    @admin.display(description=_("jobs"))
    def its_jobs(self, upload: Any) -> SafeString:
        rows = upload.jobs.order_by("created_at", "position")
        return format_html_join(
            "",
            "<div>{} – {}</div>",
            ((link(upload.viewer, job, job.output_format), ending(job)) for job in rows),
        )
