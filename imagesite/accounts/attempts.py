"""Slows down who guesses passwords, codes, tokens and links, without locking anybody else out.

An attempt is counted before it is looked at, so that many at once are too many too, and forgotten if it was right. Three
counts, of which each alone refuses: this account from this address, this address, and this account from everywhere. The
last one would let anybody keep the owner out; so a browser that has logged in to the account before is not asked for it.
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

from converter.brief import brief_wait
from converter.models import RateLimit

logger = logging.getLogger(__name__)

DEVICE = "device"  # salt of what the cookie says
DEVICE_LIFETIME = 365 * 24 * 3600
IPV6_SUBSCRIBER = 64  # bits: one subscriber has all addresses with this prefix


@dataclass(frozen=True)
class Allowance:
    """`burst` may come at once; each `interval`, in seconds, gives one back."""

    burst: int
    interval: float


ACCOUNT_AND_ADDRESS = Allowance(burst=10, interval=60)
ADDRESS = Allowance(burst=50, interval=10)  # an office may share one
ACCOUNT = Allowance(burst=100, interval=30)


class TooManyAttempts(Exception):
    """`seconds` until another attempt is accepted."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many attempts; wait {seconds} s.")
        self.seconds = seconds


@contextmanager
def attempt(
    request: HttpRequest, what: str, account: str = "", *, is_wrong: Callable[[Exception], bool]
) -> Iterator[None]:
    """Count what is tried within as a guess of `what`, unless it succeeds or fails by something else.

    `is_wrong` says whether an error that leaves it means a wrong guess. Raises TooManyAttempts, before anything is tried.
    """
    counts = _counts(request, what, account)
    _spend(request, what, counts)
    try:
        yield
    except Exception as exc:
        if is_wrong(exc):
            _log("Failed", request, what)
        else:
            _give_back(counts)
        raise
    _give_back(counts)
    if account:  # its owner mistypes no more
        RateLimit.objects.filter(key=next(iter(counts))).delete()


def count_miss(request: HttpRequest, what: str) -> None:
    """Count a secret that nobody has. Raises TooManyAttempts."""
    counts = _counts(request, what, "")
    _spend(request, what, counts)
    _log("Failed", request, what)


def count_request(request: HttpRequest, what: str, account: str = "") -> None:
    """Count something that is asked for, right or wrong, such as a mail. Raises TooManyAttempts."""
    _spend(request, what, _counts(request, what, account))


def remember_device(response: HttpResponseBase, account: str) -> None:
    """Note in the browser that it has logged in to this account."""
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


def _spend(request: HttpRequest, what: str, counts: dict[str, Allowance]) -> None:
    try:
        with brief_wait():
            wait = _wait(counts)
    except OperationalError:
        # As on a full disk: reading must go on, and logging in needs to write anyway.
        logger.warning("An attempt could not be counted", exc_info=True)
        return
    if wait:
        _log("Refused", request, what)
        raise TooManyAttempts(wait)


def _wait(counts: dict[str, Allowance]) -> int:
    """Count one more of each and return 0, or count none and return the seconds to wait."""
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
    if settings.IN_CLOUD:  # the firewall in front counts addresses, and the log names nobody
        logger.warning("%s attempt: %s", outcome, what)
        return
    # Read by fail2ban (deploy/fail2ban.conf): nothing in it is chosen by who guesses.
    address = request.META.get("REMOTE_ADDR", "")
    try:
        ip_address(address)
    except ValueError:
        address = "nowhere"
    logger.warning("%s attempt: %s from %s", outcome, what, address)


def _subscriber(address: str) -> str:
    """Return the address, or the part of an IPv6 address that one subscriber has."""
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
