"""Errors about webhooks."""

from __future__ import annotations

from converter.problems import CodedError


class WebhookError(CodedError):
    """An action on a webhook that is not possible.

    WebhookError
    ├── InvalidEndpoint   the URL is not allowed; `errors` says why
    └── Conflict          too many webhooks, this one is paused, or all are turned off
    """


class InvalidEndpoint(WebhookError):
    default_code = "invalid_request"


class Conflict(WebhookError):
    default_code = "conflict"
