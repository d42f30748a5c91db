"""Keeps secrets in URLs and query strings out of the log."""

from __future__ import annotations

import logging

HIDDEN = ("token", "filename")  # URL arguments whose value opens something to whoever has it


class RedactSecrets(logging.Filter):
    """Replace the secret parts of a URL in what Django logs about a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = record.__dict__.pop("request", None)  # the formatter would log it with its query string
        match = getattr(request, "resolver_match", None)
        for name in HIDDEN:
            if match and isinstance(record.args, tuple) and (secret := match.kwargs.get(name)):
                record.args = tuple(
                    text.replace(secret, "…") if isinstance(text, str) else text for text in record.args
                )
        return True
