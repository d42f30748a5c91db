"""Secrets and signatures of Standard Webhooks 1.0, with which receivers verify that a message is ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime

from converter.models import Webhook

PREFIX = "whsec_"


def new_secret() -> str:
    """Return a new secret: 32 random bytes in the standard's format."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(secret: str, message_id: str, moment: str, body: str) -> str:
    """Return the signature of a body sent at this moment (Unix seconds, as text).

    Raises binascii.Error if the secret is not base64.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    digest = hmac.new(key, f"{message_id}.{moment}.{body}".encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def headers(webhook: Webhook, message_id: str, now: datetime, body: str) -> dict[str, str]:
    """Return the headers for this body, also signed with the old secret while it is valid."""
    moment = str(int(now.timestamp()))
    secrets_valid = [webhook.secret]
    if webhook.old_secret and webhook.old_secret_until and webhook.old_secret_until > now:
        secrets_valid.append(webhook.old_secret)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(
            signature(secret, message_id, moment, body) for secret in secrets_valid
        ),
    }
