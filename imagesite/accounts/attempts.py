"""Limit guesses at passwords, codes, tokens and links, without locking anybody else out.

An attempt is counted before it is checked, so that concurrent ones are limited too, and uncounted if it
succeeds. There are three limits: for an account from an address, for an address, and for an account from
anywhere. Since the last would let anybody lock the owner out, it does not apply to browsers that have logged
in to the account before.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from django.conf import settings
from django.core import signing
from django.db import OperationalError, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from converter.lock_timeout import short_lock_timeout
from converter.models import RateLimit

logger = logging.getLogger(__name__)

DEVICE = "device"  # salt of the cookie's signature
DEVICE_LIFETIME = 365 * 24 * 3600
IPV6_SUBSCRIBER = 64  # bits of the prefix that one subscriber has


@dataclass(frozen=True)
class Allowance:
    """Allow `burst` attempts at once and one more every `interval` seconds."""

    burst: int
    interval: float


ACCOUNT_AND_ADDRESS = Allowance(burst=10, interval=60)
ADDRESS = Allowance(burst=50, interval=10)  # an office may share an address
ACCOUNT = Allowance(burst=100, interval=30)


class TooManyAttempts(Exception):
    """Another attempt is accepted after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts; wait {seconds} s.")
        self.seconds = seconds


@contextmanager
def attempt(
    request: HttpRequest, what: str, account: str = "", *, is_wrong: Callable[[Exception], bool]
) -> Iterator[None]:
    """Count the enclosed block as a guess at `what`, unless it succeeds or fails for another reason.

    `is_wrong` returns whether an exception means a wrong guess. Raises TooManyAttempts before the block runs.
    """
    counts = _counts(request, what, account)
    if not _spend(request, what, counts):
        counts = {}  # nothing was counted, so there is nothing to give back
    try:
        yield
    except Exception as exc:
        if is_wrong(exc):
            _log("Failed", request, what)
        else:
            _give_back(counts)
        raise
    _give_back(counts)
    if account and counts:  # the owner succeeded, so forget earlier typing errors
        RateLimit.objects.filter(key=next(iter(counts))).delete()


def count_miss(request: HttpRequest, what: str) -> None:
    """Count an unknown secret. Raises TooManyAttempts."""
    counts = _counts(request, what, "")
    _spend(request, what, counts)
    _log("Failed", request, what)


def count_request(request: HttpRequest, what: str, account: str = "") -> None:
    """Count a request, right or wrong, such as one for an e-mail. Raises TooManyAttempts."""
    _spend(request, what, _counts(request, what, account))


def remember_device(response: HttpResponseBase, account: str) -> None:
    """Set a cookie that marks the browser as having logged in to this account."""
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(_digest(account), salt=DEVICE),
        max_age=DEVICE_LIFETIME,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _is_known_device(request: HttpRequest, account: str) -> bool:
    try:
        known: str = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=DEVICE, max_age=DEVICE_LIFETIME
        )
    except signing.BadSignature:
        return False
    return known == _digest(account)


def _counts(request: HttpRequest, what: str, account: str) -> dict[str, Allowance]:
    address = _subscriber(request.META.get("REMOTE_ADDR", ""))
    counts = {_key(what, address): ADDRESS}
    if account:
        counts = {_key(what, account, address): ACCOUNT_AND_ADDRESS, **counts}
        if not _is_known_device(request, account):
            counts[_key(what, account)] = ACCOUNT
    return counts


def _spend(request: HttpRequest, what: str, counts: dict[str, Allowance]) -> bool:
    """Count an attempt; return whether that was possible. Raises TooManyAttempts."""
    try:
        with short_lock_timeout():
            wait = _wait(counts)
    except OperationalError:
        # For example on a full disk: reading must go on, and a login needs to write anyway.
        logger.warning("Could not count an attempt", exc_info=True)
        return False
    if wait:
        _log("Refused", request, what)
        raise TooManyAttempts(wait)
    return True


def _wait(counts: dict[str, Allowance]) -> int:
    """Count an attempt for each and return 0, or count none and return the seconds to wait."""
    now = time.time()
    limits = RateLimit.objects
    # Read first, so that a refused attempt writes nothing.
    if wait := max(limits.wait(key, now, a.interval, a.burst) for key, a in counts.items()):
        return wait
    with transaction.atomic():
        wait = max(limits.spend(key, now, a.interval, a.burst) for key, a in counts.items())
        if wait:
            transaction.set_rollback(True)
    return wait


def _give_back(counts: dict[str, Allowance]) -> None:
    for key, allowance in counts.items():
        RateLimit.objects.give_back(key, allowance.interval)


def _log(outcome: str, request: HttpRequest, what: str) -> None:
    if settings.IN_CLOUD:  # the WAF counts addresses, and the log holds no personal data
        logger.warning("%s attempt: %s", outcome, what)
        return
    # Read by fail2ban (deploy/fail2ban.conf), so it must not contain text chosen by an attacker.
    address = request.META.get("REMOTE_ADDR", "")
    try:
        ip_address(address)
    except ValueError:
        address = "nowhere"
    logger.warning("%s attempt: %s from %s", outcome, what, address)


def _subscriber(address: str) -> str:
    """Return the address, or the network of an IPv6 subscriber."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ip_network((found, IPV6_SUBSCRIBER), strict=False))
    return str(found)


def _key(*parts: str) -> str:
    return "guess:" + _digest("\n".join(parts))


def _digest(text: str) -> str:
    return salted_hmac("attempts", text.strip().lower(), algorithm="sha256").hexdigest()[:48]
