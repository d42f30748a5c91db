"""What stands before the pages."""

from __future__ import annotations

import hmac
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.logging.formatter import clear_context_keys, set_context_keys
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import patch_vary_headers

from converter import metrics
from converter.events.handler import note_start

SLOW_SECONDS = 10
MOST_OF_ADDRESS = 8_192  # letters, as CloudFront takes them
COMPRESSED = ("text/html", "application/json")
NO_GZIP = re.compile(r"\bgzip\s*;\s*q=0(\.0*)?\s*(,|$)", re.IGNORECASE)


class OriginMiddleware:
    """Let in only what came through CloudFront, which knows a secret and sends it in a header.

    API Gateway's own address is public: whoever calls it directly could name any host and any client address.
    Two secrets may be valid at once, so that they can be changed without a gap; none lets nobody in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.secrets = [secret.encode() for secret in settings.ORIGIN_SECRETS if secret]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Origin-Verify", "").encode()
        # Compared with each, found or not, so that time tells nothing.
        known = [hmac.compare_digest(sent, secret) for secret in self.secrets]
        if not any(known):
            return HttpResponseForbidden("This address is not for visitors.", content_type="text/plain")
        return self.get_response(request)


class LongAddressMiddleware:
    """Refuse an address that is longer than any of ours, before a page repeats it and the log keeps it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if len(request.get_full_path()) > MOST_OF_ADDRESS:
            return HttpResponse("This address is too long.", status=414, content_type="text/plain")
        return self.get_response(request)


class CompressMiddleware(GZipMiddleware):
    """Compress pages and JSON; images are compressed already, and static files beforehand.

    Compression can betray a secret that stands beside what an attacker may put on the page (BREACH). To try, he needs
    many requests from another site with the visitor's cookie, which SameSite holds back; the CSRF token, the one secret
    on our pages, is masked anew each time; and Django adds up to 100 random bytes, so that lengths tell nothing.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.get("Content-Type", "").startswith(COMPRESSED):
            return response
        if NO_GZIP.search(request.headers.get("Accept-Encoding", "")):  # Django looks for the word alone
            patch_vary_headers(response, ("Accept-Encoding",))
            return response
        return super().process_response(request, response)


class HeadMiddleware:
    """Answer HEAD as GET without the body: few views ask for both, and the server at home sends whatever it gets."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method != "HEAD":
            return self.get_response(request)
        request.method = "GET"
        response = self.get_response(request)
        request.method = "HEAD"
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = []
        elif isinstance(response, HttpResponse):
            response.content = b""
        return response


class NoStoreMiddleware:
    """Keep what was answered to a person or their program out of every cache, so that Back shows nothing after log-out;
    and errors, which pass: caches may keep a 404 that does not say how long (RFC 9110, 15.1).

    It stands around the log-in and within the session; what says itself how it may be cached is left alone.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        # An open page that asked for no session is the same for everybody. `auth` is whom the API knows.
        of_person = request.session.accessed and SESSION_KEY in request.session
        is_error = response.status_code >= 400
        if "Cache-Control" not in response and (is_error or of_person or getattr(request, "auth", None)):
            response["Cache-Control"] = "no-store"
        return response


class RequestIdMiddleware:
    """Name the request in all that is logged while it is answered, by Lambda's id or by one of its own; count slow ones."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Not cleared at the end: Django logs what an answer was after the last middleware is through.
        clear_context_keys()
        keys: dict[str, Any] = {"request_id": str(uuid.uuid4())}
        set_context_keys(**keys)
        note_start(request.META.get("lambda.context"))
        start = time.monotonic()
        response = self.get_response(request)
        if time.monotonic() - start > SLOW_SECONDS and not waits(request):
            metrics.emit(SlowPages=1)
        return response


def waits(request: HttpRequest) -> bool:
    """Return whether it asks to be answered only when a conversion has ended."""
    return "wait" in request.GET or request.path.endswith(("/convert", "/mcp"))
