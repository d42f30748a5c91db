"""The account pages where a user pool keeps the accounts: the same addresses as at home, and a few more.

What the pool refuses is shown at the form. No page tells whether an address has an account.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout as end_session
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from imagesite.accounts.cognito import backend
from imagesite.accounts.cognito import client as cognito
from imagesite.accounts.cognito.client import Challenge, Refusal, Tokens
from imagesite.accounts.cognito.forms import (
    CodeForm,
    ConfirmForm,
    EmailForm,
    LoginForm,
    NewPasswordForm,
    PasswordChangeForm,
    PasswordForm,
    PoolForm,
    ResetForm,
    SignupForm,
)
from imagesite.accounts.forms import DeleteAccountForm
from imagesite.accounts.views import UserRequest
from imagesite.accounts.views import delete as delete_here

logger = logging.getLogger(__name__)

EMAIL = "pool-email"  # who signs up, resets a password or tries to log in
CHALLENGE = "pool-challenge"
CHALLENGE_LASTS = 180  # seconds, as the pool's own does
SETUP = "pool-totp"  # the secret of an authenticator that is being set up
NAME = "Imagesite"

View = Callable[..., HttpResponse]


def form_page(*, stranger: bool) -> Callable[[View], View]:
    """Make a page of a form with secrets in it; one for strangers sends away whoever is logged in."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            if stranger and request.user.is_authenticated:
                return redirect("web:convert")
            try:
                return view(request)
            except cognito.PoolFault:
                logger.exception("The pool did not answer")
                messages.error(request, _("The log-in service does not answer. Try again in a moment."))
                return redirect(request.path)
            except cognito.SessionOver as exc:
                return _over(request, exc)

        page = sensitive_post_parameters()(never_cache(require_http_methods(["GET", "POST"])(guarded)))
        return login_not_required(page) if stranger else page

    return decorate


def _over(request: HttpRequest, exc: cognito.SessionOver) -> HttpResponse:
    end_session(request)
    messages.warning(request, str(exc))
    return redirect("accounts:login")


def _show(request: HttpRequest, template: str, form: PoolForm, **context: Any) -> HttpResponse:
    status = 422 if form.is_bound else 200
    wanted = request.POST.get("next") or request.GET.get("next", "")
    return render(request, template, {"form": form, "next": wanted, **context}, status=status)


def _wanted(request: HttpRequest, wanted: str = "") -> str:
    wanted = wanted or request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return reverse("web:convert")


# --- Sign up ------------------------------------------------------------------------------------------------


@form_page(stranger=True)
def signup(request: HttpRequest) -> HttpResponse:
    form = SignupForm(request.POST or None)
    if form.is_valid():
        try:
            cognito.sign_up(form.cleaned_data["email"], form.cleaned_data["password"])
        except Refusal as refusal:
            form.add_error("password" if refusal.code == "weak_password" else None, str(refusal))
        else:
            request.session[EMAIL] = form.cleaned_data["email"]
            return redirect("accounts:confirm")
    return _show(request, "accounts/signup.html", form)


@form_page(stranger=True)
def confirm(request: HttpRequest) -> HttpResponse:
    form = ConfirmForm(request.POST or None, initial={"email": request.session.get(EMAIL, "")})
    if form.is_valid():
        try:
            cognito.confirm(form.cleaned_data["email"], form.cleaned_data["code"])
        except Refusal as refusal:
            form.add_error("code", str(refusal))
        else:
            messages.success(request, _("Your address is confirmed. Log in."))
            return redirect("accounts:login")
    return _show(request, "accounts/confirm.html", form)


@form_page(stranger=True)
def resend(request: HttpRequest) -> HttpResponse:
    form = EmailForm(request.POST or None, initial={"email": request.session.get(EMAIL, "")})
    if form.is_valid():
        try:
            cognito.resend(form.cleaned_data["email"])
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            request.session[EMAIL] = form.cleaned_data["email"]
            messages.success(
                request, _("If somebody waits for a code at this address, a new one is on its way.")
            )
            return redirect("accounts:confirm")
    return _show(request, "accounts/resend.html", form)


# --- Log in -------------------------------------------------------------------------------------------------


@form_page(stranger=True)
def login(request: HttpRequest) -> HttpResponse:
    form = LoginForm(request.POST or None, initial={"email": request.session.get(EMAIL, "")})
    if form.is_valid():
        email = form.cleaned_data["email"]
        try:
            return _go_on(request, cognito.log_in(email, form.cleaned_data["password"]), _wanted(request))
        except Refusal as refusal:
            request.session[EMAIL] = email
            if refusal.code == "not_confirmed":
                messages.warning(request, str(refusal))
                return redirect("accounts:confirm")
            if refusal.code == "reset_required":
                messages.warning(request, str(refusal))
                return redirect("accounts:password_reset")
            form.add_error(None, str(refusal))
    return _show(request, "accounts/login.html", form)


def _go_on(request: HttpRequest, answer: Tokens | Challenge, wanted: str) -> HttpResponse:
    if isinstance(answer, Challenge):
        _keep(request, answer, wanted)
        return redirect("accounts:challenge")
    request.session.pop(CHALLENGE, None)
    if backend.start_session(request, answer) is None:
        raise Refusal("closed", _("This account is closed. Ask the people who run this site."))
    return redirect(wanted)


def _keep(request: HttpRequest, challenge: Challenge, wanted: str, **more: str) -> None:
    request.session[CHALLENGE] = {
        **vars(challenge),
        "wanted": wanted,
        "until": time.time() + CHALLENGE_LASTS,
        **more,
    }


@form_page(stranger=True)
def challenge(request: HttpRequest) -> HttpResponse:
    """Answer what the pool asks for between password and tokens."""
    held = request.session.get(CHALLENGE)
    if held is None or held["until"] < time.time():
        request.session.pop(CHALLENGE, None)
        messages.warning(request, cognito.messages()["session_expired"])
        return redirect("accounts:login")
    asked = Challenge(held["name"], held["session"], held["username"])
    answer: Callable[[Challenge, str], Tokens | Challenge]
    match asked.name:
        case "NEW_PASSWORD_REQUIRED":
            form: PoolForm = NewPasswordForm(request.POST or None)
            template, field, answer = "accounts/new_password.html", "password", cognito.answer_new_password
        case "SOFTWARE_TOKEN_MFA":
            form = CodeForm(request.POST or None)
            template, field, answer = "accounts/code.html", "code", cognito.answer_code
        case _:
            form = CodeForm(request.POST or None)
            template, field, answer = "accounts/totp.html", "code", cognito.answer_setup
    try:
        if asked.name == "MFA_SETUP" and "secret" not in held:
            secret, asked = cognito.begin_setup(asked)
            _keep(request, asked, held["wanted"], secret=secret)
            held = request.session[CHALLENGE]
        if form.is_valid():
            return _go_on(request, answer(asked, form.cleaned_data[field]), held["wanted"])
    except Refusal as refusal:
        if refusal.code in ("session_expired", "closed", "unsupported"):
            request.session.pop(CHALLENGE, None)
            messages.warning(request, str(refusal))
            return redirect("accounts:login")
        form.add_error(field, str(refusal))
    secret = held.get("secret", "")
    email = request.session.get(EMAIL, "")
    return _show(request, template, form, secret=secret, picture=_qr(secret, email) if secret else "")


def _qr(secret: str, email: str) -> str:
    """Return the picture that an authenticator reads, as an address of its own data."""
    import segno  # few requests draw, and each cold start would load it

    uri = f"otpauth://totp/{NAME}:{email}?secret={secret}&issuer={NAME}"
    return segno.make(uri, error="m").svg_data_uri(scale=5, border=4)


@login_not_required
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    held = request.session.get(backend.SESSION_KEY)
    end_session(request)
    if held:
        try:
            cognito.log_out(held["refresh"])
        except (Refusal, cognito.PoolFault):
            messages.warning(request, _("You are logged out here; the log-in service did not answer."))
    return redirect("web:landing")


# --- Once logged in -----------------------------------------------------------------------------------------


@require_POST
def logout_everywhere(request: UserRequest) -> HttpResponse:
    """End all sessions of this person: each stops when its next token is refused, within a quarter of an hour."""
    try:
        cognito.log_out_everywhere(_access(request))
    except cognito.SessionOver as exc:
        return _over(request, exc)
    except (Refusal, cognito.PoolFault):
        logger.exception("The pool did not log somebody out everywhere")
        messages.error(request, _("That did not work. Try again in a moment."))
        return redirect("accounts:account")
    end_session(request)
    messages.success(request, _("You are logged out here, and within 15 minutes everywhere else."))
    return redirect("accounts:login")


@form_page(stranger=False)
def password_change(request: UserRequest) -> HttpResponse:
    form = PasswordChangeForm(request.POST or None)
    if form.is_valid():
        try:
            cognito.change_password(_access(request), form.cleaned_data["old"], form.cleaned_data["password"])
        except Refusal as refusal:
            fields = {"wrong_password": "old", "weak_password": "password"}
            form.add_error(fields.get(refusal.code), str(refusal))
        else:
            return _begin_anew(request, form.cleaned_data["password"])
    return _show(request, "accounts/password_change.html", form)


def _begin_anew(request: UserRequest, password: str) -> HttpResponse:
    """Log out everywhere, since somebody else may have known the old password, and in again here with the new one."""
    email = request.user.email
    cognito.log_out_everywhere(_access(request))
    end_session(request)
    messages.success(
        request, _("Your password is changed. Everywhere else it is asked for within 15 minutes.")
    )
    try:
        return _go_on(request, cognito.log_in(email, password), reverse("accounts:account"))
    except Refusal:
        return redirect("accounts:login")  # too much is asked of the pool at this moment


@form_page(stranger=False)
def second_factor(request: UserRequest) -> HttpResponse:
    """Set an authenticator up, or, knowing the password, do without it again."""
    if cognito.has_totp(_access(request)):
        return _drop_second_factor(request)
    form = CodeForm(request.POST or None)
    try:
        if SETUP not in request.session:
            request.session[SETUP] = cognito.begin_totp(_access(request))
        if form.is_valid():
            cognito.finish_totp(_access(request), form.cleaned_data["code"])
            del request.session[SETUP]
            messages.success(request, _("From now on a code is asked for when you log in."))
            return redirect("accounts:account")
    except Refusal as refusal:
        form.add_error("code", str(refusal)) if form.is_bound else messages.warning(request, str(refusal))
    secret = request.session.get(SETUP, "")
    return _show(request, "accounts/totp.html", form, secret=secret, picture=_qr(secret, request.user.email))


def _drop_second_factor(request: UserRequest) -> HttpResponse:
    form = PasswordForm(request.POST or None)
    if form.is_valid():
        try:
            cognito.log_in(request.user.email, form.cleaned_data["password"])
            cognito.drop_totp(_access(request))
        except Refusal as refusal:
            form.add_error("password", str(refusal))
        else:
            messages.success(request, _("From now on the password is enough to log in."))
            return redirect("accounts:account")
    return _show(request, "accounts/totp_drop.html", form)


@require_http_methods(["GET", "POST"])
def delete(request: UserRequest) -> HttpResponse:
    """Delete the account in the pool, then all that is here."""
    if DeleteAccountForm(request.user, request.POST or None).is_valid():
        try:
            cognito.delete_account(_access(request))
        except cognito.SessionOver as exc:
            return _over(request, exc)
        except (Refusal, cognito.PoolFault):
            logger.exception("The pool did not delete an account")
            messages.error(request, _("That did not work. Try again in a moment."))
            return redirect("accounts:account")
    return delete_here(request)


def _access(request: HttpRequest) -> str:
    access: str = request.session[backend.SESSION_KEY]["access"]
    return access


# --- A forgotten password -----------------------------------------------------------------------------------


@form_page(stranger=True)
def password_reset(request: HttpRequest) -> HttpResponse:
    form = EmailForm(request.POST or None, initial={"email": request.session.get(EMAIL, "")})
    if form.is_valid():
        try:
            cognito.forgot(form.cleaned_data["email"])
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            request.session[EMAIL] = form.cleaned_data["email"]
            return redirect("accounts:password_reset_confirm")
    return _show(request, "accounts/reset_email.html", form)


@form_page(stranger=True)
def password_reset_confirm(request: HttpRequest) -> HttpResponse:
    form = ResetForm(request.POST or None, initial={"email": request.session.get(EMAIL, "")})
    if form.is_valid():
        entered = form.cleaned_data
        try:
            cognito.reset(entered["email"], entered["code"], entered["password"])
        except Refusal as refusal:
            form.add_error("password" if refusal.code == "weak_password" else "code", str(refusal))
        else:
            messages.success(request, _("The password is changed. Log in."))
            return redirect("accounts:login")
    return _show(request, "accounts/reset_code.html", form)
