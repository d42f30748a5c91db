"""Log in users authenticated by a reverse proxy."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.backends import RemoteUserBackend
from django.contrib.auth.middleware import RemoteUserMiddleware
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest

from imagesite.accounts.models import User


class ProxyMiddleware(RemoteUserMiddleware):
    """Log in by the e-mail address in PROXY_AUTH_HEADER; the server drops that of untrusted proxies."""

    header = f"HTTP_{settings.PROXY_AUTH_HEADER.upper().replace('-', '_')}"


class ProxyBackend(RemoteUserBackend):
    """Create accounts for unknown addresses: the proxy decides who has access."""

    def authenticate(self, request: HttpRequest | None, remote_user: str | None = None) -> Any:  # type: ignore[override]
        try:
            validate_email(remote_user)
        except ValidationError:
            return None
        return super().authenticate(request, remote_user=remote_user)  # type: ignore[arg-type]

    def clean_username(self, username: str) -> str:
        return username.lower()

    def configure_user(self, request: HttpRequest, user: Any, created: bool = True) -> User:  # type: ignore[override]
        if created:
            user.set_unusable_password()
            user.save(update_fields=["password"])
        found: User = user
        return found
