"""Errors about webhooks."""

from __future__ import annotations

from converter.problems import CodedError


class WebhookError(CodedError):
    """Something about a webhook that cannot be done.

    WebhookError
    ├── InvalidEndpoint   the URL cannot be called; `errors` says why
    └── Conflict          too many webhooks, this one is disabled, or all are turned off
    """


class InvalidEndpoint(WebhookError):
    default_code = "invalid_request"


class Conflict(WebhookError):
    default_code = "conflict"
