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
    """Return the new invitation and its link, which cannot be read again. With `email`, for that address alone."""
    invitation, secret = Invitation.issue(email, by=by, lifetime=lifetime)
    return invitation, link(secret)


def link(secret: str) -> str:
    """Return the link of an invitation: at the first of ALLOWED_HOSTS, since no request says where the site is."""
    host = settings.ALLOWED_HOSTS[0]
    site = f"https://{host}" if settings.HTTPS else f"http://{host}:8000"
    return site + reverse("accounts:invited", args=[secret])
