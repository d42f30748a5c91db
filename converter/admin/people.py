"""Quotas and preferences of users."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from converter.admin.base import BoundedAdmin, ReadOnlyAdmin, link
from converter.models import (
    Preferences,
    Quota,
)


@admin.register(Quota)
class QuotaAdmin(BoundedAdmin):
    """Quotas of single users, the only rows that staff can edit."""

    list_display = ("owner", "jobs_a_day", "bytes_kept")
    list_select_related = ("owner",)
    search_fields = ("owner__email",)
    autocomplete_fields = ("owner",)
    readonly_fields = ("person",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ["person" if obj else "owner", "jobs_a_day", "bytes_kept"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Require permission to view users, since the owner is chosen from their list."""
        users = self.admin_site.get_model_admin(get_user_model())
        return super().has_add_permission(request) and users.has_view_permission(request)


@admin.register(Preferences)
class PreferencesAdmin(ReadOnlyAdmin):
    """A user's own preferences."""

    list_display = ("owner", "retention", "recipe")
    list_select_related = ("owner", "recipe")
    search_fields = ("owner__email",)
    fields = ("person", "retention", "its_recipe")

    @admin.display(description=_("recipe"))
    def its_recipe(self, preferences: Any) -> str:
        recipe = preferences.recipe
        return link(preferences.viewer, recipe, recipe) if recipe else "–"
