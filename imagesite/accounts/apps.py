from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "imagesite.accounts"
    verbose_name = "Accounts"
