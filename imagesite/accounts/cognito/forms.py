"""The forms of the account pages with a Cognito user pool.

They check new passwords before Cognito does: the order in which Cognito checks password and account would
reveal which addresses have an account.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from imagesite.accounts.cognito.errors import MIN_PASSWORD_LENGTH, CognitoError, text


def _email() -> forms.EmailField:
    return forms.EmailField(
        label=_("E-mail address"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
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
    field.widget.attrs["passwordrules"] = RULES
    return field


def check_strength(password: str) -> None:
    """Raise ValidationError for a password that the user pool would reject (infra/identity.tf)."""
    if len(password) < MIN_PASSWORD_LENGTH or not all(
        re.search(kind, password) for kind in ("[a-z]", "[A-Z]", "[0-9]")
    ):
        raise ValidationError(text("weak_password"), code="weak_password")


def _code(help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=_("Code"),
        max_length=12,
        help_text=help_text,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


RULES = f"minlength: {MIN_PASSWORD_LENGTH}; required: lower; required: upper; required: digit;"
STRONG = _("At least 12 characters, with upper-case and lower-case letters and digits.")
EMAILED = _("The code we e-mailed you.")
SHOWN = _("The six digits your authenticator app shows now.")


class CognitoForm(forms.Form):
    error_fields: ClassVar[Mapping[str, str]] = {}  # the field that shows a code of CognitoError
    default_error_field: ClassVar[str | None] = None  # the field for other codes; None: above the form

    def refuse(self, error: CognitoError) -> None:
        """Add the error to the form."""
        field = self.error_fields.get(error.code, self.default_error_field)
        self.add_error(field, text(error.code, error.params))

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean_code(self) -> str:
        return "".join(str(self.cleaned_data["code"]).split())


class LoginForm(CognitoForm):
    email = _email()
    password = _password(_("Password"), "current-password")


class SignupForm(CognitoForm):
    email = _email()
    password = _new_password(_("Password"))
    error_fields = {"weak_password": "password"}


class ConfirmForm(CognitoForm):
    email = _email()
    code = _code(EMAILED)
    default_error_field = "code"


class EmailForm(CognitoForm):
    email = _email()


class ResetForm(CognitoForm):
    email = _email()
    code = _code(EMAILED)
    password = _new_password(_("New password"))
    error_fields = {"weak_password": "password"}
    default_error_field = "code"


class NewPasswordForm(CognitoForm):
    password = _new_password(_("New password"))
    default_error_field = "password"


class PasswordChangeForm(CognitoForm):
    old = _password(_("Current password"), "current-password")
    password = _new_password(_("New password"))
    error_fields = {"wrong_password": "old", "weak_password": "password"}


class CodeForm(CognitoForm):
    code = _code(SHOWN)
    default_error_field = "code"


class PasswordForm(CognitoForm):
    password = _password(_("Password"), "current-password")
    default_error_field = "password"
