"""Helpers for the account pages with a Cognito user pool."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters

from converter.methods import require_http_methods
from imagesite.accounts.cognito import backend
from imagesite.accounts.cognito.errors import CognitoUnavailable, SessionExpired, text
from imagesite.accounts.cognito.forms import CognitoForm

logger = logging.getLogger(__name__)

EMAIL = "cognito-email"  # session key: the address that signs up, resets its password or tries to log in

View = Callable[..., HttpResponse]


def form_page(*, anonymous: bool) -> Callable[[View], View]:
    """Decorate a form view that handles secrets. If `anonymous`, it redirects logged-in users.

    CognitoUnavailable and SessionExpired become a redirect with a message.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest) -> HttpResponse:
            if anonymous and request.user.is_authenticated:
                return redirect("web:convert")
            try:
                return view(request)
            except CognitoUnavailable:
                logger.exception("Cognito did not respond")
                messages.error(request, _("The login service is not responding. Try again in a moment."))
                return redirect(request.path)
            except SessionExpired:
                return redirect_to_login(request)

        page = sensitive_post_parameters()(never_cache(require_http_methods(["GET", "POST"])(guarded)))
        return login_not_required(page) if anonymous else page

    return decorate


def redirect_to_login(request: HttpRequest) -> HttpResponse:
    """Log out a user whose session was ended elsewhere, and redirect to the login."""
    logout(request)
    messages.warning(request, text("session_expired"))
    return redirect("accounts:login")


def show(request: HttpRequest, template: str, form: CognitoForm, **context: Any) -> HttpResponse:
    """Render the form, with status 422 if it was submitted and is invalid."""
    status = 422 if form.is_bound else 200
    wanted = request.POST.get("next") or request.GET.get("next", "")
    return render(request, template, {"form": form, "next": wanted, **context}, status=status)


def next_url(request: HttpRequest) -> str:
    """Return the URL to go to after login: the form's `next` if it is on this site."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        return wanted
    return reverse("web:convert")


def access_token(request: HttpRequest) -> str:
    """Return the session's access token."""
    token: str = request.session[backend.SESSION_KEY]["access"]
    return token
