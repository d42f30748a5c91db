"""The request as the account pages see it."""

from __future__ import annotations

from django.http import HttpRequest

from imagesite.accounts.models import User


class LoggedInRequest(HttpRequest):
    """A request that the log-in middleware has let through."""

    user: User
