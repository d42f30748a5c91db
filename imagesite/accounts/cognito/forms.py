"""What people enter where a user pool keeps the accounts.

The pool judges new passwords, and these forms do before it: in which order it looks at password and account would tell
a stranger who has one.
"""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from imagesite.accounts.cognito.client import messages


def _email() -> forms.EmailField:
    return forms.EmailField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )


def _password(label: Any, autocomplete: str, help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=256,
        strip=False,
        help_text=help_text,
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
    )


def _new_password(label: Any) -> forms.CharField:
    field = _password(label, "new-password", STRONG)
    field.validators.append(check_strength)
    return field


def check_strength(password: str) -> None:
    """Raise ValidationError for what the pool's own rule refuses (infra/identity.tf)."""
    if len(password) < SHORTEST or not all(re.search(kind, password) for kind in ("[a-z]", "[A-Z]", "[0-9]")):
        raise ValidationError(messages()["weak_password"])


def _code(help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=_("Code"),
        max_length=12,
        help_text=help_text,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


SHORTEST = 12
STRONG = _("At least 12 characters, with capital and small letters and digits.")
MAILED = _("From the mail that we sent.")
SHOWN = _("The six digits that your authenticator shows now.")


class PoolForm(forms.Form):
    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean_code(self) -> str:
        return "".join(str(self.cleaned_data["code"]).split())


class LoginForm(PoolForm):
    email = _email()
    password = _password(_("Password"), "current-password")


class SignupForm(PoolForm):
    email = _email()
    password = _new_password(_("Password"))


class ConfirmForm(PoolForm):
    email = _email()
    code = _code(MAILED)


class EmailForm(PoolForm):
    email = _email()


class ResetForm(PoolForm):
    email = _email()
    code = _code(MAILED)
    password = _new_password(_("New password"))


class NewPasswordForm(PoolForm):
    password = _new_password(_("New password"))


class PasswordChangeForm(PoolForm):
    old = _password(_("Present password"), "current-password")
    password = _new_password(_("New password"))


class CodeForm(PoolForm):
    code = _code(SHOWN)


class PasswordForm(PoolForm):
    password = _password(_("Password"), "current-password")
