"""The Content-Security-Policy: everything from this site, and nothing inline."""

from __future__ import annotations

from csp.constants import NONE, SELF


def directives() -> dict[str, list[str]]:
    """Return the sources that each directive allows; the cloud's settings add the origin of results."""
    return {
        "default-src": [NONE],
        "base-uri": [NONE],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "img-src": [SELF, "blob:", "data:"],
        "manifest-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
    }
