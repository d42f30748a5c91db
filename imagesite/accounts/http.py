"""Request and response as the account pages see them."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from imagesite.accounts.models import User


class LoggedInRequest(HttpRequest):
    """A request that the log-in middleware has let through."""

    user: User


def clear_site_data(response: HttpResponseBase) -> None:
    """Have the browser forget what it kept of the pages; the cookies that stay say nothing of the person."""
    response["Clear-Site-Data"] = '"cache", "storage"'
