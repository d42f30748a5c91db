"""What staff set for the whole site, where the database keeps it."""

from __future__ import annotations

from django.db import models


class SiteConfiguration(models.Model):
    """One row: the home twin of the configuration table. What staff changed is logged as a change of it."""

    NAME = "site"

    name = models.CharField(max_length=20, primary_key=True, default=NAME)
    values = models.JSONField(default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "site configuration"

    def __str__(self) -> str:
        return "Site configuration"
