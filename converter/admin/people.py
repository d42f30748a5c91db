"""What each person may use and has chosen."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from converter.admin.base import BoundedAdmin, ReadOnlyAdmin, link
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

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        owner = "owner" if obj is None or self.has_change_permission(request) else "person"
        return [owner, "jobs_a_day", "bytes_kept"]


@admin.register(Preferences)
class PreferencesAdmin(ReadOnlyAdmin):
    """A user's own preferences."""

    list_display = ("owner", "retention", "recipe")
    list_select_related = ("owner", "recipe")
    search_fields = ("owner__email",)
    fields = ("person", "retention", "its_recipe")

    @admin.display(description="recipe")
    def its_recipe(self, preferences: Any) -> str:
        recipe = preferences.recipe
        return link(preferences.viewer, recipe, recipe) if recipe else "–"
