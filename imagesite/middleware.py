"""What stands before the pages in the cloud."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden


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
