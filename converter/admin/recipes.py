"""Saved recipes and links to them."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from converter import engine
from converter.admin.base import ReadOnlyAdmin, pretty
from converter.models import (
    Recipe,
    RecipeLink,
)
from converter.translation import recipe_sentence


@admin.register(Recipe)
class RecipeAdmin(ReadOnlyAdmin):
    list_display = ("name", "person", "sentence", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("=id", "owner__email", "name")
    fields = ("id", "name", "person", "sentence", "canonical", "created_at", "updated_at")
    ordering = ("-updated_at",)

    @admin.display(description=_("summary"))
    def sentence(self, recipe: Recipe) -> str:
        return "; ".join(recipe_sentence(engine.Recipe.parse(output)) for output in recipe.outputs)

    @admin.display(description=_("outputs"))
    def canonical(self, recipe: Recipe) -> str:
        return pretty(recipe.outputs)


@admin.register(RecipeLink)
class RecipeLinkAdmin(ReadOnlyAdmin):
    list_display = ("hash", "person", "created_at")
    list_select_related = ("owner",)
    search_fields = ("=hash", "owner__email")
    fields = (*list_display, "canonical")

    @admin.display(description=_("outputs"))
    def canonical(self, link: RecipeLink) -> str:
        return pretty(link.outputs)
