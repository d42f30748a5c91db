from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from converter.web.fields import NameField
from imagesite.accounts.models import ApiToken, User


class DeleteAccountForm(forms.Form):
    email = forms.EmailField(label=_("Type your e-mail address to confirm"))

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email.lower() != self.user.email.lower():
            raise forms.ValidationError(_("This is not your account's address."))
        return email


class TokenForm(forms.Form):
    name = NameField(label=_("Name"), max_length=80, help_text=_("What it is for, such as “backup script”."))
    scope = forms.ChoiceField(
        label=_("Access"),
        choices=ApiToken.Scope.choices,
        initial=ApiToken.Scope.WRITE,
    )
    days = forms.TypedChoiceField(
        label=_("Expires after"),
        choices=[
            ("30", _("30 days")),
            ("90", _("90 days")),
            ("365", _("1 year")),
            ("", _("Never")),
        ],
        coerce=int,
        empty_value=None,
        required=False,
        initial="90",
    )

    @property
    def lifetime(self) -> timedelta | None:
        days = self.cleaned_data["days"]
        return timedelta(days=days) if days else None
