from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "imagesite.accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from converter.translation import translate_names
        from imagesite.accounts import guests

        guests.connect()
        translate_names(self)
