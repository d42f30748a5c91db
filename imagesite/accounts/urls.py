"""URLs of the account pages: those of the twin (login, sign-up, passwords) and the shared ones."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from imagesite.accounts import views

app_name = "accounts"

TWIN = "imagesite.accounts.cognito.urls" if settings.COGNITO_USER_POOL_ID else "imagesite.accounts.local.urls"

urlpatterns = [
    path("", include(TWIN)),
    path("", views.account, name="account"),
    path("data/", views.data, name="data"),
    path("delete/", views.delete, name="delete"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/revoke/", views.revoke_all, name="tokens_revoke"),
    path("tokens/<id:pk>/revoke/", views.revoke, name="token_revoke"),
]
