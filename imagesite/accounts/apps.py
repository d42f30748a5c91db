from __future__ import annotations

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "imagesite.accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from imagesite.accounts import guests

        guests.connect()
