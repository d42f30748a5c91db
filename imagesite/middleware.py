"""The site's own middleware."""

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
from django.template.loader import get_template
from django.utils.cache import patch_vary_headers

from converter import metrics, problems
from converter.api.middleware import for_programs
from converter.engine import Message
from converter.events.handler import note_start
from converter.methods import methods_of

SLOW_SECONDS = 10
MOST_OF_ADDRESS = 8_192  # characters, CloudFront's limit
COMPRESSED = ("text/html", "application/json")
NO_GZIP = re.compile(r"\bgzip\s*;\s*q=0(\.0*)?\s*(,|$)", re.IGNORECASE)


class OriginMiddleware:
    """Accept only requests through CloudFront, which sends a secret in a header.

    API Gateway's own URL is public, and a direct request could claim any host and client address. Two secrets
    may be valid at once, so that they can be rotated without downtime; without any, every request is refused.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.secrets = [secret.encode() for secret in settings.ORIGIN_SECRETS if secret]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        sent = request.headers.get("X-Origin-Verify", "").encode()
        # Compare with all of them, in constant time.
        known = [hmac.compare_digest(sent, secret) for secret in self.secrets]
        if not any(known):
            return HttpResponseForbidden("Direct access is not allowed.", content_type="text/plain")
        return self.get_response(request)


class LongAddressMiddleware:
    """Refuse overlong URLs before a page repeats them and the log stores them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if len(request.get_full_path()) > MOST_OF_ADDRESS:
            if for_programs(request):
                return problems.answer(Message("address_too_long"))
            return HttpResponse("This address is too long.", status=414, content_type="text/plain")
        return self.get_response(request)


class CompressMiddleware(GZipMiddleware):
    """Compress pages and JSON. Images are compressed already, and static files in advance.

    Compression can leak a secret on a page with attacker-controlled text (BREACH). That takes many cross-site
    requests with the visitor's cookie, which SameSite prevents; the CSRF token is masked anew each time; pages
    with other secrets, such as a new token, reflect no text; and Django adds up to 100 random bytes to hide
    the length.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.streaming or not response.get("Content-Type", "").startswith(COMPRESSED):
            return response
        if NO_GZIP.search(request.headers.get("Accept-Encoding", "")):  # Django ignores q=0
            patch_vary_headers(response, ("Accept-Encoding",))
            return response
        return super().process_response(request, response)


class HeadMiddleware:
    """Answer HEAD like GET without the body: few views accept HEAD, and the home server would send a body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.method != "HEAD":
            response = self.get_response(request)
            methods = response.get("Allow", "").split(", ")
            if "GET" in methods and "HEAD" not in methods:
                response["Allow"] = ", ".join(sorted({*methods, "HEAD"}))
            return response
        request.method = "GET"
        response = self.get_response(request)
        request.method = "HEAD"
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = []
        elif isinstance(response, HttpResponse):
            response.content = b""
        return response


class MethodMiddleware:
    """Refuse methods that a view does not accept with 405, before its CSRF check and login can answer instead."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        accepted = methods_of(view)
        if accepted is None or request.method in accepted:
            return None
        headers = {"Allow": ", ".join(accepted)}
        return HttpResponse(get_template("405.html").render(request=request), status=405, headers=headers)


class NoStoreMiddleware:
    """Keep responses to users and API clients out of caches, so that Back shows nothing after logout.

    Errors too, since caches may store a 404 without explicit freshness (RFC 9110, 15.1). Responses with their
    own Cache-Control are left alone. Must come after the session middleware and before authentication.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        # A public page that did not use the session is the same for everybody. `auth` is the API's caller.
        of_person = request.session.accessed and SESSION_KEY in request.session
        is_error = response.status_code >= 400
        if "Cache-Control" not in response and (is_error or of_person or getattr(request, "auth", None)):
            response["Cache-Control"] = "no-store"
        return response


class RequestIdMiddleware:
    """Add a request ID, Lambda's if there is one, to all log lines of a request, and count slow requests."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Not cleared at the end: Django logs error responses after all middleware has run.
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
    """Return whether the request waits for a conversion."""
    return "wait" in request.GET or request.path.endswith(("/convert", "/mcp"))
