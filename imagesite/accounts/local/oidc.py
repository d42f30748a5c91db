"""Log in with OpenID Connect: authorization code flow with PKCE, state and nonce, all checked by Authlib."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from requests import RequestException

from converter.methods import require_GET
from imagesite.accounts.models import User

logger = logging.getLogger(__name__)

BACKEND = "django.contrib.auth.backends.ModelBackend"
NEXT = "oidc_next"
TIMEOUT = 10  # seconds per request to the provider


class LoginRefused(Exception):
    """The provider authenticated the user, but the site refuses them; the text says why, translated."""


@login_not_required
@never_cache
@require_GET
def start(request: HttpRequest) -> HttpResponse:
    """Redirect the visitor to the provider."""
    provider = _provider()
    wanted = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure()):
        request.session[NEXT] = wanted
    back = request.build_absolute_uri(reverse("accounts:oidc_callback"))
    try:
        answer: HttpResponse = provider.authorize_redirect(request, back)
    except (RequestException, ValueError) as exc:
        return _not_now(request, exc)
    return answer


@login_not_required
@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Log in the user whom the provider redirects back."""
    provider = _provider()
    try:
        user = user_of(_claims(provider, request))
    except LoginRefused as exc:
        messages.error(request, str(exc))
        return redirect("accounts:login")
    except (RequestException, ValueError) as exc:
        return _not_now(request, exc)
    except Exception as exc:
        # Login declined, URL opened twice, or response forged: each raises another exception.
        logger.warning("The OpenID provider's response was rejected", exc_info=exc)
        messages.error(request, _("The login was not completed. Try again."))
        return redirect("accounts:login")
    wanted = request.session.pop(NEXT, "")
    login(request, user, backend=BACKEND)
    return redirect(wanted or "web:convert")


def user_of(claims: dict[str, Any]) -> User:
    """Return the user with the claims' subject or verified address, or a new one. Raises LoginRefused."""
    email = str(claims.get("email") or "").lower()
    with transaction.atomic():
        user = User.objects.filter(oidc_sub=claims["sub"]).first()
        if user is None:
            user = _first_time(str(claims["sub"]), email, claims.get("email_verified"))
    if not user.is_active:
        raise LoginRefused(_("This account is blocked. Contact the site's operator."))
    return user


def _first_time(sub: str, email: str, is_verified: object) -> User:
    if not email:
        raise LoginRefused(_("Your provider did not share your e-mail address."))
    known = User.objects.filter(email__iexact=email).first()
    # Otherwise anyone who can enter any address at the provider could take over the account with that
    # address.
    if is_verified is False or (known and is_verified is not True):
        raise LoginRefused(_("Your provider has not confirmed your e-mail address."))
    if known is None:
        if not settings.OIDC_SIGN_UP:
            raise LoginRefused(_("You have no account here. Contact the site's operator."))
        return User.objects.create_user(email, oidc_sub=sub)
    if known.oidc_sub:
        raise LoginRefused(_("This address belongs to another account of your provider."))
    known.oidc_sub = sub
    known.save(update_fields=["oidc_sub"])
    return known


def _claims(provider: Any, request: HttpRequest) -> dict[str, Any]:
    token = provider.authorize_access_token(request)
    # From the ID token, whose signature, issuer and nonce have been checked.
    claims: dict[str, Any] = dict(token["userinfo"])
    if "email" not in claims:
        more = provider.userinfo(token=token)
        if more.get("sub") == claims["sub"]:
            claims = {**more, **claims}
    return claims


def _not_now(request: HttpRequest, exc: Exception) -> HttpResponse:
    logger.error("The OpenID provider did not respond", exc_info=exc)
    said = _("%(provider)s is not available. Try again later.") % {"provider": settings.OIDC_NAME}
    messages.error(request, said)
    return redirect("accounts:login")


def _provider() -> Any:
    if not settings.OIDC_ISSUER:
        raise Http404
    return _registered(settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID, settings.OIDC_CLIENT_SECRET)


@cache
def _registered(issuer: str, client_id: str, client_secret: str) -> Any:
    from authlib.integrations.django_client import OAuth  # slow to import, and needed only here

    return OAuth().register(
        "oidc",
        server_metadata_url=f"{issuer}/.well-known/openid-configuration",
        client_id=client_id,
        client_secret=client_secret,
        client_kwargs={
            "scope": "openid email",
            "code_challenge_method": "S256",
            "timeout": TIMEOUT,
        },
    )
