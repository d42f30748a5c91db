"""The log: JSON lines, the same at home and on Lambda, without the secrets in URLs and query strings."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

HIDDEN = ("token", "filename")  # URL arguments whose value opens something to whoever has it

MOST_LETTERS = 1_000
# Such an address with a line break or one part too many leads to no page, and so has no arguments.
OPENING = re.compile(r"(?s)((?:/results|/s|/r|/accounts/password/reset|/accounts/signup)/).+")


class RedactSecrets(logging.Filter):
    """Replace the secret parts of a URL in what Django logs about a request, and cut long ones."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = record.__dict__.pop("request", None)  # the formatter would log it with its query string
        if request is not None and isinstance(record.args, tuple):
            match = getattr(request, "resolver_match", None)
            secrets = [match.kwargs[name] for name in HIDDEN if match.kwargs.get(name)] if match else []
            record.args = tuple(_shown(arg, secrets) if isinstance(arg, str) else arg for arg in record.args)
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
        "filters": {"redact_secrets": {"()": "imagesite.logs.RedactSecrets"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["redact_secrets"]}
        },
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "botocore": {"level": "WARNING"},
            "procrastinate": {"level": "WARNING"},  # below, a line for each step with all that was asked
            "django.server": {"handlers": ["stderr"], "propagate": False},
            # Below this a line for each request, with the visitor's address and the query.
            "zappa.wsgi": {"level": "WARNING"},
        },
    }
