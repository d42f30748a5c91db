from __future__ import annotations

from threading import Thread
from typing import Any

from django import forms
from django.contrib.auth import forms as auth_forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import get_script_prefix, set_script_prefix
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from imagesite.accounts.attempts import attempt
from imagesite.accounts.models import Invitation, User


def _is_wrong(exc: Exception) -> bool:
    return isinstance(exc, ValidationError)


class LoginForm(auth_forms.AuthenticationForm):
    error_messages = {
        **auth_forms.AuthenticationForm.error_messages,
        "invalid_login": _("Wrong e-mail address or password. Passwords are case-sensitive."),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("E-mail address")
        self.fields["username"].widget = forms.EmailInput(attrs={"autocomplete": "username"})

    def clean(self) -> dict[str, Any]:
        """Raises TooManyAttempts."""
        email = self.cleaned_data.get("username")
        if not email or not self.cleaned_data.get("password"):
            return super().clean()
        assert self.request is not None
        with attempt(self.request, "password", email, is_wrong=_is_wrong):
            return super().clean()


class NewPassword:
    """Ask for the password once, since it can be shown, with the rules in one line and its errors beside it.

    Django asks twice, lists four rules, and shows errors at the repeated password.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, forms.Field] = self.fields  # type: ignore[attr-defined]
        for name in list(fields):
            if name.endswith("password2"):
                del fields[name]
            elif name.endswith("password1"):
                fields[name].help_text = _(
                    "At least 8 characters, not all digits, and not a commonly used password."
                )
                fields[name].widget.attrs["passwordrules"] = "minlength: 8;"

    def full_clean(self) -> None:
        """Focus the first field with an error."""
        super().full_clean()  # type: ignore[misc]
        fields: dict[str, forms.Field] = self.fields  # type: ignore[attr-defined]
        wrong = next((name for name in fields if name in self.errors), None)  # type: ignore[attr-defined]
        if wrong:
            for name, field in fields.items():
                field.widget.attrs["autofocus"] = name == wrong

    def validate_password_for_user(self, user: User, password_field_name: str = "password2") -> None:  # noqa: S107  # the name of a field
        # Django reads the password from the second field, which is gone here, and puts its errors there.
        first = password_field_name.removesuffix("2") + "1"
        super().validate_password_for_user(user, first)  # type: ignore[misc]


class PasswordChangeForm(NewPassword, auth_forms.PasswordChangeForm):
    def __init__(self, user: User, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        """Raises TooManyAttempts."""
        with attempt(self.request, "password", self.user.email, is_wrong=_is_wrong):
            return super().clean_old_password()


class PasswordResetForm(auth_forms.PasswordResetForm):
    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        """Send the e-mail in a thread: the response time would reveal who has an account."""
        # A new thread has the site's default language and no script prefix.
        language, path, send = get_language(), get_script_prefix(), super().send_mail

        def beside() -> None:
            set_script_prefix(path)
            with override(language):
                send(*args, **kwargs)

        Thread(target=beside).start()


class SetPasswordForm(NewPassword, auth_forms.SetPasswordForm):  # type: ignore[type-arg]  # not generic at run time
    pass


class SignupForm(NewPassword, auth_forms.BaseUserCreationForm):  # type: ignore[type-arg]  # not generic at run time
    class Meta:
        model = User
        fields = ["email"]
        labels = {"email": _("E-mail address")}
        widgets = {"email": forms.EmailInput(attrs={"autocomplete": "username"})}

    def __init__(self, *args: Any, invitation: Invitation | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if invitation and invitation.email:
            self.fields["email"].initial = invitation.email
            self.fields["email"].disabled = True

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if User.objects.filter(email__iexact=email).exists():
            raise forms.ValidationError(
                _("This address already has an account. Log in or reset your password.")
            )
        return email
