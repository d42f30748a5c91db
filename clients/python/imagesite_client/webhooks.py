"""Verification of webhooks according to Standard Webhooks 1.0."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from imagesite_client.errors import InvalidWebhook

TOLERANCE = 300  # seconds


def verify_webhook(
    secret: str, headers: Mapping[str, str], body: bytes | str, *, tolerance: float = TOLERANCE
) -> dict[str, Any]:
    """Return the event in the body of a request. `secret` is the webhook's (`whsec_…`).

    Raises InvalidWebhook if the signature is not valid, or the message is older or newer than `tolerance` seconds.
    A message may be delivered more than once, with the same `webhook-id` header.
    """
    named = {name.lower(): value for name, value in headers.items()}
    try:
        message, moment, signatures = (named[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        sent = int(moment)
    except (KeyError, ValueError) as exc:
        raise InvalidWebhook("A signature header is missing or invalid.") from exc
    if abs(time.time() - sent) > tolerance:
        raise InvalidWebhook("The message is too old or from the future.")
    content = body.encode() if isinstance(body, str) else body
    expected = hmac.new(_key(secret), f"{message}.{moment}.".encode() + content, hashlib.sha256).digest()
    found = (part.partition(",") for part in signatures.split())
    valid = [
        hmac.compare_digest(base64.b64encode(expected).decode().encode(), signature.encode())
        for version, _, signature in found
        if version == "v1"
    ]
    if not any(valid):
        raise InvalidWebhook("The signature is not valid.")
    try:
        event: dict[str, Any] = json.loads(content)
    except ValueError as exc:
        raise InvalidWebhook("The body is not JSON.") from exc
    return event


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError as exc:  # binascii.Error is one
        raise InvalidWebhook("The secret is not a webhook secret.") from exc
