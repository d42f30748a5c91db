"""End sessions that Cognito has ended."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from imagesite.accounts.cognito import backend, client
from imagesite.accounts.cognito.errors import CognitoError, CognitoUnavailable

logger = logging.getLogger(__name__)

REFRESH_MARGIN = 30  # seconds; an access token is renewed this long before it expires


class CognitoMiddleware:
    """Renew the session's tokens when they expire (after 15 minutes); log users out if Cognito refuses."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            try:
                self._renew(request)
            except CognitoUnavailable:
                logger.exception("Could not renew a session")
                text = _("The login service is not responding. Try again in a moment.")
                return HttpResponse(text, status=503, content_type="text/plain", headers={"Retry-After": "5"})
        return self.get_response(request)

    def _renew(self, request: HttpRequest) -> None:
        held = request.session.get(backend.SESSION_KEY)
        if held is None:
            logout(request)
            return
        if held["until"] - REFRESH_MARGIN > time.time():
            return
        try:
            id_token, access = client.refresh(held["refresh"])
            user, until = backend.identify(id_token, access)
        except CognitoError as exc:
            if exc.code == "too_many_attempts":
                raise CognitoUnavailable("Cognito is throttling.") from exc
            logout(request)
            return
        if user.pk != request.user.pk or not user.is_active:
            logout(request)
            return
        request.session[backend.SESSION_KEY] = {"access": access, "refresh": held["refresh"], "until": until}
        request.user = user
