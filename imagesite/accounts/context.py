"""The template context of every page."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from converter import configuration


def access(request: HttpRequest) -> dict[str, object]:
    """Return whether sign-up is open, the notice by staff, and the name of the OpenID provider, if any."""
    return {
        "sign_up_is_open": configuration.current().signing_up == "open",
        "notice": configuration.current().maintenance,
        "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
    }
