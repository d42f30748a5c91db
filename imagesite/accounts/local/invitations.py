"""Invitations: links that allow one sign-up each."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.urls import reverse

from imagesite.accounts.models import Invitation, User

LIFETIME = timedelta(days=7)


def invite(
    email: str = "", *, by: User | None = None, lifetime: timedelta = LIFETIME
) -> tuple[Invitation, str]:
    """Create an invitation, for `email` only if given; return it with its link, which is not stored."""
    invitation, secret = Invitation.issue(email, by=by, lifetime=lifetime)
    return invitation, link(secret)


def link(secret: str) -> str:
    """Return the link of an invitation, on the first of ALLOWED_HOSTS, since there may be no request."""
    host = settings.ALLOWED_HOSTS[0]
    site = f"https://{host}" if settings.HTTPS else f"http://{host}:8000"
    return site + reverse("accounts:invited", args=[secret])
