"""The site's URLs with a Cognito user pool."""

from __future__ import annotations

from typing import Any

from django.urls import include, path

from imagesite import urls
from imagesite.accounts import urls as accounts_urls
from imagesite.accounts.cognito import urls as cognito_urls

accounts: list[Any] = [*cognito_urls.urlpatterns, *accounts_urls.urlpatterns[1:]]
site: list[Any] = list(urls.urlpatterns)
urlpatterns: list[Any] = [
    path("accounts/", include((accounts, "accounts"))),
    *(pattern for pattern in site if str(pattern.pattern) != "accounts/"),
]
