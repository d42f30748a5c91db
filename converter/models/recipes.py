"""Saved recipes, their logos and links."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Logo(models.Model):
    """A watermark image, kept while a recipe or recipe link uses it.

    Its bytes are in the row, since buckets delete files by age.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="logos")
    name = models.CharField(max_length=255, help_text=_("Name given by the owner."))
    data = models.BinaryField()
    size = models.PositiveBigIntegerField(help_text=_("In bytes."))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return self.name


class Outputs(models.Model):
    """One or several outputs: the first in `recipe`, the others in `more`."""

    recipe = models.JSONField(help_text=_("In canonical form."))
    more = models.JSONField(null=True, blank=True, help_text=_("The recipes of its other outputs."))

    class Meta:
        abstract = True

    @property
    def outputs(self) -> list[dict[str, Any]]:
        return [self.recipe, *(self.more or [])]

    @outputs.setter
    def outputs(self, recipes: Sequence[dict[str, Any]]) -> None:
        self.recipe, *more = recipes
        self.more = more or None


class Recipe(Outputs):
    """A saved, named recipe of a user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="recipes")
    name = models.CharField(max_length=80)
    logo = models.ForeignKey(
        Logo, models.SET_NULL, null=True, blank=True, editable=False, related_name="recipes"
    )
    more_logos = models.ManyToManyField(Logo, blank=True, editable=False, related_name="more_recipes")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="recipe_name_of_owner")]

    def __str__(self) -> str:
        return self.name


class RecipeLink(Outputs):
    """A recipe that a user shared by link. It is a copy, unaffected by later changes to the recipe."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="recipe_links")
    hash = models.CharField(max_length=16, help_text=_("First characters of the recipe's hash."))
    logo = models.ForeignKey(
        Logo, models.SET_NULL, null=True, blank=True, editable=False, related_name="links"
    )
    more_logos = models.ManyToManyField(Logo, blank=True, editable=False, related_name="more_links")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.UniqueConstraint(fields=["hash", "owner"], name="recipe_link_of_owner")]

    def __str__(self) -> str:
        return self.hash
