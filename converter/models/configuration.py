"""The site's configuration, if kept in the database."""

from __future__ import annotations

from django.db import models


class SiteConfiguration(models.Model):
    """A single row, the home twin of the configuration table. The admin log refers to it for every change."""

    NAME = "site"

    name = models.CharField(max_length=20, primary_key=True, default=NAME)
    values = models.JSONField(default=dict)

    class Meta:
        verbose_name = verbose_name_plural = "site configuration"

    def __str__(self) -> str:
        return "Site configuration"
