"""The headers that pages of other sites may send to the API and read from its responses."""

from __future__ import annotations

ALLOWED = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "if-range",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "range",
]

EXPOSED = [
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Idempotent-Replayed",
    "Job-Id",
    "Job-Report",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
]
