"""Helpers for requests and responses of the account pages."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from imagesite.accounts.models import User


class LoggedInRequest(HttpRequest):
    """A request that has passed LoginMiddleware."""

    user: User


def clear_site_data(response: HttpResponseBase) -> None:
    """Clear the browser's cache and storage. The remaining cookies identify nobody."""
    response["Clear-Site-Data"] = '"cache", "storage"'
