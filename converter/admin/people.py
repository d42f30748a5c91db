"""What each person may use and has chosen."""

from __future__ import annotations

from django.contrib import admin

from converter.admin.base import BoundedAdmin, ReadOnlyAdmin
from converter.models import (
    Preferences,
    Quota,
)


@admin.register(Quota)
class QuotaAdmin(BoundedAdmin):
    """Quotas of single users, the only rows staff edit."""

    list_display = ("owner", "jobs_a_day", "bytes_kept")
    list_select_related = ("owner",)
    search_fields = ("owner__email",)
    autocomplete_fields = ("owner",)


@admin.register(Preferences)
class PreferencesAdmin(ReadOnlyAdmin):
    """A user's own preferences."""

    list_display = ("owner", "retention", "recipe")
    list_select_related = ("owner", "recipe")
    search_fields = ("owner__email",)
    fields = list_display
