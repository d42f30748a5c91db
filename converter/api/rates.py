"""Rate limiting of API requests.

Each request uses one interval of a minute's allowance, which refills continuously. After a minute without
requests, a caller may send a whole minute's requests at once.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest

from converter.api.access import Caller
from converter.api.problems import Problem
from converter.lock_timeout import short_lock_timeout
from converter.models import RateLimit

logger = logging.getLogger(__name__)

MINUTE = 60.0
TOKENS = 5


@dataclass(frozen=True)
class Allowance:
    """A caller's remaining requests, and the seconds until the allowance is full again."""

    requests: int
    seconds: int

    def headers(self) -> dict[str, str]:
        """Return the headers that draft-ietf-httpapi-ratelimit-headers defines."""
        most = settings.CONVERTER_REQUESTS_A_MINUTE
        return {
            "RateLimit-Policy": f'"minute";q={most};w=60',
            "RateLimit": f'"minute";r={self.requests};t={self.seconds}',
        }


def spend(request: HttpRequest, caller: Caller) -> None:
    """Count one request of this caller, or raise Problem with the time to wait.

    All tokens of a user together have TOKENS times the allowance of one.

    If the database cannot be written, such as with a full disk or a lock, the request is not counted, so that
    reading still works.
    """
    if not settings.CONVERTER_REQUESTS_A_MINUTE:
        return
    try:
        with short_lock_timeout():
            _spend(request, caller)
    except OperationalError as exc:
        logger.warning("Could not count a request: %s", exc)


def _spend(request: HttpRequest, caller: Caller) -> None:
    _count(f"person:{caller.user.pk}", TOKENS * settings.CONVERTER_REQUESTS_A_MINUTE)
    allowance = _count(caller.key, settings.CONVERTER_REQUESTS_A_MINUTE)
    request.allowance = allowance  # type: ignore[attr-defined]


def _count(key: str, requests: int) -> Allowance:
    interval, now = MINUTE / requests, time.time()
    if wait := RateLimit.objects.spend(key, now, interval, requests):
        raise Problem(
            "too_many_requests",
            kind="allowance",
            requests=requests,
            seconds=wait,
            headers={"Retry-After": str(wait), **Allowance(0, wait).headers()},
        )
    caught_up_at = RateLimit.objects.filter(key=key).values_list("caught_up_at", flat=True).first() or now
    left = math.floor((now + MINUTE - caught_up_at) / interval + 1e-6)
    return Allowance(max(0, left), max(0, math.ceil(caught_up_at - now)))
