"""The request as these pages see it."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class PersonRequest(HttpRequest):
    """The middleware lets nobody in who is not logged in."""

    user: AbstractBaseUser  # type: ignore[assignment]  # which model it is, this room does not know
    htmx: HtmxDetails
