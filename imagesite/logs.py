"""Configure logging: JSON lines at home and on Lambda, without the secrets in URLs and query strings."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

HIDDEN = ("token", "filename")  # URL arguments that grant access or are private

MOST_LETTERS = 1_000
# Hides secrets in URLs that do not resolve, with a line break or an extra path segment, and so have no
# arguments.
OPENING = re.compile(r"(?s)((?:/results|/s|/r|/accounts/password/reset|/accounts/signup)/).+")


class RedactSecrets(logging.Filter):
    """Redact secret parts of URLs in Django's log messages about requests, and truncate long messages."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = record.__dict__.pop("request", None)  # the formatter would log it with its query string
        if request is not None and isinstance(record.args, tuple):
            match = getattr(request, "resolver_match", None)
            secrets = [match.kwargs[name] for name in HIDDEN if match.kwargs.get(name)] if match else []
            record.args = tuple(_shown(arg, secrets) if isinstance(arg, str) else arg for arg in record.args)
        return True


class QuietRefusals(logging.Filter):
    """Log a refused request as a warning without a traceback: it is the client's fault, not the site's."""

    def filter(self, record: logging.LogRecord) -> bool:
        if 400 <= record.__dict__.get("status_code", 0) < 500:
            record.exc_info = None
            if record.levelno > logging.WARNING:
                record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


def _shown(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, "…")
    if not secrets:
        text = OPENING.sub(r"\1…", text)
    return text if len(text) <= MOST_LETTERS else f"{text[:MOST_LETTERS]}…"


def configuration(service: str, level: str) -> dict[str, Any]:
    """Return Django's LOGGING."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "json": {
                "()": "aws_lambda_powertools.logging.formatter.LambdaPowertoolsFormatter",
                "service": service,
                "utc": True,
            }
        },
        "filters": {
            "quiet_refusals": {"()": "imagesite.logs.QuietRefusals"},
            "redact_secrets": {"()": "imagesite.logs.RedactSecrets"},
        },
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "json",
                "filters": ["quiet_refusals", "redact_secrets"],
            }
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "botocore": {"level": "WARNING"},
            # Below that, a line for each redirect and retry, with URLs that grant access.
            "urllib3": {"level": "ERROR"},
            "procrastinate": {"level": "WARNING"},  # below that, a line with all arguments for each step
            "django.server": {"handlers": ["stderr"], "propagate": False},
            # Below that, a line for each request, with the client address and the query string.
            "zappa.wsgi": {"level": "WARNING"},
        },
    }
