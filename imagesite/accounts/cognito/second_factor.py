"""The second factor: set up an authenticator app (TOTP), or turn it off.

At login, its code is one of the challenges in `views.challenge`.
"""

from __future__ import annotations

from urllib.parse import quote

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from imagesite.accounts.attempts import attempt
from imagesite.accounts.cognito import client
from imagesite.accounts.cognito.errors import CognitoError, is_wrong_guess, text
from imagesite.accounts.cognito.forms import CodeForm, PasswordForm
from imagesite.accounts.cognito.pages import access_token, form_page, show
from imagesite.accounts.http import LoggedInRequest

SECRET = "cognito-totp"  # noqa: S105  # session key: secret of an authenticator being set up
ISSUER = "Imagesite"  # the name of the account in the authenticator app


@form_page(anonymous=False)
def manage(request: LoggedInRequest) -> HttpResponse:
    """Set up an authenticator, or turn it off."""
    if client.has_totp(access_token(request)):
        return _turn_off(request)
    form = CodeForm(request.POST or None)
    try:
        if SECRET not in request.session:
            request.session[SECRET] = client.begin_totp(access_token(request))
        if form.is_valid():
            client.enable_totp(access_token(request), form.cleaned_data["code"])
            del request.session[SECRET]
            messages.success(request, _("Two-factor authentication is on. You need a code at every login."))
            return redirect("accounts:account")
    except CognitoError as error:
        if form.is_bound:
            form.refuse(error)
        else:
            messages.warning(request, text(error.code, error.params))
    setup = setup_of(request.session.get(SECRET, ""), request.user.email)
    return show(request, "accounts/totp.html", form, **setup)


def _turn_off(request: LoggedInRequest) -> HttpResponse:
    form = PasswordForm(request.POST or None)
    if form.is_valid():
        try:
            with attempt(request, "password", request.user.email, is_wrong=is_wrong_guess):
                client.log_in(request.user.email, form.cleaned_data["password"])
            client.disable_totp(access_token(request))
        except CognitoError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Two-factor authentication is off."))
            return redirect("accounts:account")
    return show(request, "accounts/totp_drop.html", form)


def setup_of(secret: str, email: str) -> dict[str, str]:
    """Return what an authenticator app needs: the secret, its otpauth key URI, and a QR code of it."""
    if not secret:
        return {}
    import segno  # slow to import, and few requests need it

    uri = f"otpauth://totp/{ISSUER}:{quote(email)}?secret={secret}&issuer={ISSUER}"
    qr_code = segno.make(uri, error="m").svg_data_uri(scale=5, border=4)
    return {"secret": secret, "key_uri": uri, "qr_code": qr_code}
