"""What is kept out of the log: what a link lets its bearer see, and what a query asks for."""

from __future__ import annotations

import logging

HIDDEN = ("token", "filename")  # arguments of addresses


class Discreet(logging.Filter):
    """Hide, in what Django tells of a request, the secrets that stand in its address."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = record.__dict__.pop("request", None)  # it would be told with its query
        match = getattr(request, "resolver_match", None)
        for name in HIDDEN:
            if match and isinstance(record.args, tuple) and (secret := match.kwargs.get(name)):
                record.args = tuple(
                    text.replace(secret, "…") if isinstance(text, str) else text for text in record.args
                )
        return True
