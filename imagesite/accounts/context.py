"""What every page needs to know of how people get in."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def access(request: HttpRequest) -> dict[str, object]:
    """Return whether anybody may sign up, and the name of the OpenID provider, if there is one."""
    return {
        "sign_up_is_open": settings.SIGN_UP == "open",
        "provider": settings.OIDC_NAME if settings.OIDC_ISSUER else "",
    }
