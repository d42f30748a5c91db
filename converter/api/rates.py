"""How often one caller may call. One row a caller and one conditional UPDATE a request, so it holds across processes.

Each request takes one interval of a minute's allowance; what was taken comes back as time goes by. A caller that was
silent for a minute may spend a whole minute's requests at once.
"""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import OperationalError
from django.db.models import F, Value
from django.db.models.functions import Greatest
from django.http import HttpRequest

from converter.api.problems import Problem
from converter.models import RateLimit

logger = logging.getLogger(__name__)

MINUTE = 60.0


@dataclass(frozen=True)
class Allowance:
    """What a caller may still ask for: requests at once, and the seconds until it is a whole minute's again."""

    requests: int
    seconds: int

    def headers(self) -> dict[str, str]:
        """Return them as draft-ietf-httpapi-ratelimit-headers has them."""
        most = settings.CONVERTER_REQUESTS_A_MINUTE
        return {
            "RateLimit-Policy": f'"minute";q={most};w=60',
            "RateLimit": f'"minute";r={self.requests};t={self.seconds}',
        }


def spend(request: HttpRequest, key: str) -> None:
    """Count one request of this caller, or refuse it and say when to come again; the answer tells what is left.

    Where nothing can be written, as on a full disk, it is not counted: reading and deleting must go on.
    """
    if not settings.CONVERTER_REQUESTS_A_MINUTE:
        return
    try:
        request.allowance = _count(key)  # type: ignore[attr-defined]
    except OperationalError:
        logger.warning("A request could not be counted", exc_info=True)


def _count(key: str) -> Allowance:
    interval = MINUTE / settings.CONVERTER_REQUESTS_A_MINUTE
    now = time.time()
    most = now + MINUTE - interval
    rows = RateLimit.objects.filter(key=key).values_list("caught_up_at", flat=True)
    while not _taken(key, now, interval, most):
        caught_up_at = rows.first()
        # One that is early enough after all came in between: another request of the same caller.
        if caught_up_at is not None and caught_up_at > most:
            wait = max(1, math.ceil(caught_up_at - most))
            raise Problem(
                "too_many_requests",
                kind="allowance",
                requests=settings.CONVERTER_REQUESTS_A_MINUTE,
                seconds=wait,
                headers={"Retry-After": str(wait), **Allowance(0, wait).headers()},
            )
    caught_up_at = rows.first() or now
    left = math.floor((now + MINUTE - caught_up_at) / interval + 1e-6)
    return Allowance(max(0, left), max(0, math.ceil(caught_up_at - now)))


def _taken(key: str, now: float, interval: float, most: float) -> bool:
    if RateLimit.objects.filter(key=key, caught_up_at__lte=most).update(
        caught_up_at=Greatest(F("caught_up_at"), Value(now)) + Value(interval)
    ):
        return True
    _, new = RateLimit.objects.get_or_create(key=key, defaults={"caught_up_at": now + interval})
    return new
