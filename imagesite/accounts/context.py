"""What every page needs to know of how people get in."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest

from converter import configuration


def access(request: HttpRequest) -> dict[str, object]:
    """Return whether anybody may sign up, the name of the OpenID provider, if there is one, and what staff have to say."""
    return {
        "sign_up_is_open": configuration.current().signing_up == "open",
        "notice": configuration.current().maintenance,
        "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
    }
