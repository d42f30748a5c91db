"""A session lasts as long as the user pool stands by it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from imagesite.accounts.cognito import backend
from imagesite.accounts.cognito import client as cognito

logger = logging.getLogger(__name__)

EARLY = 30  # seconds before its end that an access token is changed for a new one


class PoolMiddleware:
    """Asks the pool for new tokens when the old have run out (15 minutes). Whoever gets none is logged out."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            try:
                self._renew(request)
            except cognito.PoolFault:
                logger.exception("A session could not be renewed")
                text = _("The log-in service does not answer. Try again in a moment.")
                return HttpResponse(text, status=503, content_type="text/plain", headers={"Retry-After": "5"})
        return self.get_response(request)

    def _renew(self, request: HttpRequest) -> None:
        held = request.session.get(backend.SESSION_KEY)
        if held is None:
            logout(request)
            return
        if held["until"] - EARLY > time.time():
            return
        try:
            id_token, access = cognito.refresh(held["refresh"])
            user, until = backend.identify(id_token, access)
        except cognito.Refusal as exc:
            if exc.code == "too_many_attempts":
                raise cognito.PoolFault("The pool is throttled.") from exc
            logout(request)
            return
        if user.pk != request.user.pk or not user.is_active:
            logout(request)
            return
        request.session[backend.SESSION_KEY] = {"access": access, "refresh": held["refresh"], "until": until}
        request.user = user
