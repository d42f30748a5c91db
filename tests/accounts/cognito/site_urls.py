"""The site's URLs with a Cognito user pool."""

from __future__ import annotations

from django.urls import include, path

from imagesite import urls
from imagesite.accounts import urls as accounts_urls
from imagesite.accounts.cognito import urls as cognito_urls

accounts = [*cognito_urls.urlpatterns, *accounts_urls.urlpatterns[1:]]
urlpatterns = [
    path("accounts/", include((accounts, "accounts"))),
    *(pattern for pattern in urls.urlpatterns if str(pattern.pattern) != "accounts/"),
]
