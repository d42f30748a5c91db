"""User preferences."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from converter.models.recipes import Recipe


class Preferences(models.Model):
    """A user's choices for future batches. There is no row before the first choice."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="preferences"
    )
    retention = models.DurationField(
        null=True, blank=True, help_text=_("How long files are kept. Leave empty for the site's default.")
    )
    recipe = models.ForeignKey(
        Recipe,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("Default recipe for new conversions."),
    )

    class Meta:
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return str(self.owner)

    @classmethod
    def of(cls, owner: AbstractBaseUser) -> Preferences:
        if getattr(owner, "is_guest", False):
            return cls(owner_id=owner.pk, retention=settings.CONVERTER_GUEST_RETENTION)
        return cls.objects.filter(owner=owner.pk).first() or cls(owner_id=owner.pk)

    @classmethod
    def choose(cls, owner: AbstractBaseUser, **choice: Any) -> None:
        cls.objects.update_or_create(owner_id=owner.pk, defaults=choice)

    @property
    def kept_for(self) -> timedelta:
        """How long new files are kept: the site's maximum may have been lowered since the choice."""
        return min(self.retention or settings.CONVERTER_RETENTION, settings.CONVERTER_MAX_RETENTION)
