"""The account pages with a Cognito user pool: those of the local twin, and a few more.

Errors by Cognito are shown in the form. No page reveals whether an address has an account.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout as end_session
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from converter import configuration
from converter.methods import require_http_methods, require_POST
from imagesite.accounts.attempts import attempt, count_request, remember_device
from imagesite.accounts.cognito import backend, client
from imagesite.accounts.cognito.client import Challenge, Tokens
from imagesite.accounts.cognito.errors import (
    CognitoError,
    CognitoUnavailable,
    SessionExpired,
    SignUpClosed,
    is_wrong_guess,
    text,
)
from imagesite.accounts.cognito.forms import (
    CodeForm,
    CognitoForm,
    ConfirmForm,
    EmailForm,
    LoginForm,
    NewPasswordForm,
    PasswordChangeForm,
    ResetForm,
    SignupForm,
)
from imagesite.accounts.cognito.pages import EMAIL, access_token, form_page, next_url, redirect_to_login, show
from imagesite.accounts.cognito.second_factor import setup_of
from imagesite.accounts.forms import DeleteAccountForm
from imagesite.accounts.http import LoggedInRequest, clear_site_data
from imagesite.accounts.views import delete as delete_rows

logger = logging.getLogger(__name__)

CHALLENGE = "cognito-challenge"  # session key
CHALLENGE_LIFETIME = 180  # seconds, like Cognito's own


# --- Sign-up ------------------------------------------------------------------------------------------------


@form_page(anonymous=True)
def signup(request: HttpRequest) -> HttpResponse:
    if configuration.current().signing_up != "open":
        return _signup_closed(request)
    form = SignupForm(request.POST or None)
    if form.is_valid():
        # Cognito mails a code, and charges for users.
        count_request(request, "mail", form.cleaned_data["email"])
        try:
            client.sign_up(form.cleaned_data["email"], form.cleaned_data["password"])
        except CognitoError as error:
            form.refuse(error)
        except SignUpClosed:
            return _signup_closed(request)
        else:
            request.session[EMAIL] = form.cleaned_data["email"]
            return redirect("accounts:confirm")
    return show(request, "accounts/signup.html", form)


def _signup_closed(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/signup_closed.html", {"is_invited": False}, status=403)


@form_page(anonymous=True)
def confirm(request: HttpRequest) -> HttpResponse:
    form = ConfirmForm(request.POST or None, initial={"email": request.session.get(EMAIL, "")})
    if form.is_valid():
        try:
            email = form.cleaned_data["email"]
            with attempt(request, "confirmation", email, is_wrong=is_wrong_guess):
                client.confirm_sign_up(email, form.cleaned_data["code"])
        except CognitoError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Your e-mail address is confirmed. You can log in now."))
            return redirect("accounts:login")
    return show(request, "accounts/confirm.html", form)


@form_page(anonymous=True)
def resend(request: HttpRequest) -> HttpResponse:
    form = EmailForm(request.POST or None, initial={"email": request.session.get(EMAIL, "")})
    if form.is_valid():
        count_request(request, "mail", form.cleaned_data["email"])
        try:
            client.resend_code(form.cleaned_data["email"])
        except CognitoError as error:
            form.refuse(error)
        else:
            request.session[EMAIL] = form.cleaned_data["email"]
            messages.success(request, _("If this address is waiting for a code, we have sent a new one."))
            return redirect("accounts:confirm")
    return show(request, "accounts/resend.html", form)


# --- Login and logout ---------------------------------------------------------------------------------------

LOGIN_CONTINUES_AT = {"not_confirmed": "accounts:confirm", "reset_required": "accounts:password_reset"}


@form_page(anonymous=True)
def login(request: HttpRequest) -> HttpResponse:
    form = LoginForm(request.POST or None, initial={"email": request.session.get(EMAIL, "")})
    if form.is_valid():
        email = form.cleaned_data["email"]
        try:
            with attempt(request, "password", email, is_wrong=is_wrong_guess):
                result = client.log_in(email, form.cleaned_data["password"])
            return _continue_login(request, result, next_url(request))
        except CognitoError as error:
            request.session[EMAIL] = email
            if page := LOGIN_CONTINUES_AT.get(error.code):
                messages.warning(request, text(error.code, error.params))
                return redirect(page)
            form.refuse(error)
    return show(request, "accounts/login.html", form)


def _continue_login(request: HttpRequest, result: Tokens | Challenge, next_url: str) -> HttpResponse:
    """Log in with the tokens, or redirect to the challenge. Raises CognitoError `account_closed`."""
    if isinstance(result, Challenge):
        _hold(request, result, next_url)
        return redirect("accounts:challenge")
    request.session.pop(CHALLENGE, None)
    user = backend.start_session(request, result)
    if user is None:
        raise CognitoError("account_closed")
    response = redirect(next_url)
    remember_device(response, user.email)
    return response


def _hold(request: HttpRequest, challenge: Challenge, next_url: str, **more: str) -> None:
    request.session[CHALLENGE] = {
        **vars(challenge),
        "next": next_url,
        "until": time.time() + CHALLENGE_LIFETIME,
        **more,
    }


@dataclass(frozen=True)
class ChallengePage:
    """The page and the call that answer a challenge."""

    form: type[CognitoForm]
    template: str
    field: str
    answer: Callable[[Challenge, str], Tokens | Challenge]


CHALLENGE_PAGES = {
    "NEW_PASSWORD_REQUIRED": ChallengePage(
        NewPasswordForm, "accounts/new_password.html", "password", client.answer_new_password
    ),
    "SOFTWARE_TOKEN_MFA": ChallengePage(CodeForm, "accounts/code.html", "code", client.answer_totp),
    "MFA_SETUP": ChallengePage(CodeForm, "accounts/totp.html", "code", client.answer_mfa_setup),
}


@form_page(anonymous=True)
def challenge(request: HttpRequest) -> HttpResponse:
    """Answer a challenge that Cognito sets between password and tokens."""
    held = request.session.get(CHALLENGE)
    if held is None or held["until"] < time.time():
        return _end_challenge(request, CognitoError("session_expired"))
    page = CHALLENGE_PAGES[held["name"]]
    form = page.form(request.POST or None)
    try:
        held = _with_secret(request, held)
        if form.is_valid():
            with attempt(request, "code", held["username"], is_wrong=is_wrong_guess):
                answer = page.answer(_challenge(held), form.cleaned_data[page.field])
            return _continue_login(request, answer, held["next"])
    except CognitoError as error:
        if not form.is_bound or error.code in ("session_expired", "account_closed", "unsupported"):
            return _end_challenge(request, error)
        form.refuse(error)
    setup = setup_of(held.get("secret", ""), request.session.get(EMAIL, ""))
    return show(request, page.template, form, **setup)


def _challenge(held: dict[str, Any]) -> Challenge:
    return Challenge(held["name"], held["session"], held["username"])


def _with_secret(request: HttpRequest, held: dict[str, Any]) -> dict[str, Any]:
    """Return the held challenge, with an authenticator secret if one has to be set up."""
    if held["name"] != "MFA_SETUP" or "secret" in held:
        return held
    secret, begun = client.begin_mfa_setup(_challenge(held))
    _hold(request, begun, held["next"], secret=secret)
    renewed: dict[str, Any] = request.session[CHALLENGE]
    return renewed


def _end_challenge(request: HttpRequest, error: CognitoError) -> HttpResponse:
    request.session.pop(CHALLENGE, None)
    messages.warning(request, text(error.code, error.params))
    return redirect("accounts:login")


@login_not_required
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    held = request.session.get(backend.SESSION_KEY)
    end_session(request)
    if held:
        try:
            client.log_out(held["refresh"])
        except (CognitoError, CognitoUnavailable):
            messages.warning(request, _("You are logged out here, but the login service is not responding."))
    response = redirect("web:landing")
    clear_site_data(response)
    return response


@require_POST
def logout_everywhere(request: LoggedInRequest) -> HttpResponse:
    """End all sessions of this user: each ends when its next token is refused, within 15 minutes."""
    try:
        client.log_out_everywhere(access_token(request))
    except SessionExpired:
        return redirect_to_login(request)
    except (CognitoError, CognitoUnavailable):
        logger.exception("Cognito did not log a user out everywhere")
        messages.error(request, _("Something went wrong. Try again in a moment."))
        return redirect("accounts:account")
    end_session(request)
    messages.success(
        request, _("You are logged out here. All other devices are logged out within 15 minutes.")
    )
    response = redirect("accounts:login")
    clear_site_data(response)
    return response


# --- Logged-in users ----------------------------------------------------------------------------------------


@form_page(anonymous=False)
def password_change(request: LoggedInRequest) -> HttpResponse:
    form = PasswordChangeForm(request.POST or None)
    if form.is_valid():
        try:
            with attempt(request, "password", request.user.email, is_wrong=is_wrong_guess):
                client.change_password(
                    access_token(request), form.cleaned_data["old"], form.cleaned_data["password"]
                )
        except CognitoError as error:
            form.refuse(error)
        else:
            return _restart_session(request, form.cleaned_data["password"])
    return show(request, "accounts/password_change.html", form)


def _restart_session(request: LoggedInRequest, password: str) -> HttpResponse:
    """Log out everywhere, since others may know the old password, and log in again here."""
    email = request.user.email
    client.log_out_everywhere(access_token(request))
    end_session(request)
    messages.success(
        request,
        _("Your password has been changed. All other devices are logged out within 15 minutes."),
    )
    try:
        return _continue_login(request, client.log_in(email, password), reverse("accounts:account"))
    except CognitoError:
        return redirect("accounts:login")  # throttled


@require_http_methods(["GET", "POST"])
def delete(request: LoggedInRequest) -> HttpResponse:
    """Delete the account in the user pool, then everything stored here."""
    if DeleteAccountForm(request.user, request.POST or None).is_valid():
        try:
            client.delete_account(access_token(request))
        except SessionExpired:
            return redirect_to_login(request)
        except (CognitoError, CognitoUnavailable):
            logger.exception("Cognito did not delete an account")
            messages.error(request, _("Something went wrong. Try again in a moment."))
            return redirect("accounts:account")
    return delete_rows(request)


# --- Forgotten password -------------------------------------------------------------------------------------


@form_page(anonymous=True)
def password_reset(request: HttpRequest) -> HttpResponse:
    form = EmailForm(request.POST or None, initial={"email": request.session.get(EMAIL, "")})
    if form.is_valid():
        count_request(request, "mail", form.cleaned_data["email"])
        try:
            client.request_password_reset(form.cleaned_data["email"])
        except CognitoError as error:
            form.refuse(error)
        else:
            request.session[EMAIL] = form.cleaned_data["email"]
            return redirect("accounts:password_reset_confirm")
    return show(request, "accounts/reset_email.html", form)


@form_page(anonymous=True)
def password_reset_confirm(request: HttpRequest) -> HttpResponse:
    form = ResetForm(request.POST or None, initial={"email": request.session.get(EMAIL, "")})
    if form.is_valid():
        entered = form.cleaned_data
        try:
            with attempt(request, "reset", entered["email"], is_wrong=is_wrong_guess):
                client.reset_password(entered["email"], entered["code"], entered["password"])
        except CognitoError as error:
            form.refuse(error)
        else:
            messages.success(request, _("Your password has been changed. You can log in now."))
            return redirect("accounts:login")
    return show(request, "accounts/reset_code.html", form)
