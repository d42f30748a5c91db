"""Guests: visitors who convert images without an account.

A guest is a row of `User` that owns batches but that nobody can log in as. It is identified by the session
and created by the first upload, not by a visit. `request.user` is the guest only in views marked with
`open_to_guests`; elsewhere the visitor is anonymous. A guest's batches move to the account that logs in next.
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.hashers import make_password
from django.contrib.auth.signals import user_logged_in
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import patch_cache_control
from django.utils.crypto import salted_hmac
from django.utils.translation import ngettext

from converter import jobs
from converter.models import RateLimit
from imagesite.accounts.models import User

SESSION_KEY = "guest"
HEADER = "X-Guest"
"""Sent by pages rendered for a guest: after a logout elsewhere, a user's page must not go on as a guest's."""

CALLS = {
    "POST": ("api:batches", "api:convert", "api:announce", "api:upload_form"),
    "DELETE": ("api:upload",),
}
"""The API calls that a guest's page may make, by method; all others need an account."""

HOUR = 3600
AT_ONCE = timedelta(minutes=1)


class TooManyGuests(Exception):
    """An address has created too many guests within an hour and has to wait for `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many guests; wait {seconds} s.")
        self.seconds = seconds


def guest_of(request: HttpRequest) -> User | None:
    """Return the guest of this session, or None."""
    pk = request.session.get(SESSION_KEY)
    return User.objects.filter(pk=pk, is_guest=True).first() if pk and settings.CONVERTER_GUESTS else None


def begin(request: HttpRequest) -> User:
    """Return the guest of this session, or a new one. Raises TooManyGuests.

    A page's first requests, such as for a preview and a batch, may be concurrent, and none has a session yet.
    They share the page's CSRF cookie, which for a minute identifies one guest for all of them.
    """
    if guest := guest_of(request):
        return guest
    secret = request.COOKIES.get(settings.CSRF_COOKIE_NAME) or secrets.token_hex()
    name = salted_hmac("imagesite.guests.name", secret, algorithm="sha256").hexdigest()[:16]
    guest = _just_begun(name) or _create(name, address_key(request.META.get("REMOTE_ADDR", "")))
    request.session[SESSION_KEY] = str(guest.pk)
    return guest


def _just_begun(name: str) -> User | None:
    since = timezone.now() - AT_ONCE
    return User.objects.filter(email=_address(name), is_guest=True, date_joined__gt=since).first()


def _create(name: str, key: str) -> User:
    most = settings.CONVERTER_GUEST_ADDRESS_JOBS_AN_HOUR
    if most and (wait := RateLimit.objects.spend(f"new guests:{key}", time.time(), HOUR / most, most)):
        raise TooManyGuests(wait)
    row = {"is_guest": True, "address_key": key, "password": make_password(None)}
    guest, new = User.objects.get_or_create(email=_address(name), defaults=row)
    # An older guest with this name belongs to a session that has ended.
    return (
        guest
        if new or _just_begun(name)
        else User.objects.create(email=_address(secrets.token_hex(8)), **row)
    )


def _address(name: str) -> str:
    return f"guest-{name}@guest.invalid"


def address_key(address: str) -> str:
    """Return a keyed hash of the IP address (IPv6: of its /64 network), so that no address is stored."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        network = address
    else:
        if isinstance(found, IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        network = str(int(found) >> 64) if isinstance(found, IPv6Address) else str(found)
    return salted_hmac("imagesite.guests", network, algorithm="sha256").hexdigest()[:32]


def may_call(request: HttpRequest) -> bool:
    """Return whether this is a call by a guest's page that guests may make."""
    if not settings.CONVERTER_GUESTS or HEADER not in request.headers or request.resolver_match is None:
        return False
    return request.resolver_match.view_name in CALLS.get(request.method or "", ())


def keep_history(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Move the batches of this session's guest to the account that has just logged in."""
    guest = guest_of(request)
    request.session.pop(SESSION_KEY, None)
    if guest is None:
        return
    with transaction.atomic():
        count = jobs.move(guest, user)
        guest.delete()
    if count:
        text = ngettext(
            "%(n)s batch from before you logged in is now in your history.",
            "%(n)s batches from before you logged in are now in your history.",
            count,
        )
        messages.success(request, text % {"n": count}, fail_silently=True)


def connect() -> None:
    user_logged_in.connect(keep_history, dispatch_uid="imagesite.accounts.guests")


class GuestMiddleware:
    """Set `request.user` to the guest in views open to guests. Must come before LoginMiddleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if getattr(request, "is_of_guest", "") and "Cache-Control" not in response:
            # It contains a CSRF token; one with images must not reappear on a shared computer.
            shows_images = request.is_of_guest == "known"  # type: ignore[attr-defined]
            patch_cache_control(response, private=True, **{"no_store" if shows_images else "no_cache": True})
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        openness = getattr(view, "open_to_guests", None)
        if openness is None or not settings.CONVERTER_GUESTS or request.user.is_authenticated:
            return None
        request.is_of_guest = openness  # type: ignore[attr-defined]
        if openness == "new" and request.method == "POST" and request.FILES:
            try:
                request.user = begin(request)
            except TooManyGuests as exc:
                response = render(request, "429.html", status=429)
                response["Retry-After"] = str(exc.seconds)
                return response
            return None
        guest = guest_of(request)
        if guest is None and openness == "new":
            guest = User(pk=uuid.uuid4(), is_guest=True)  # not in the database: owns nothing
        if guest:
            request.user = guest
        return None
