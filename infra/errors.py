from __future__ import annotations


class DeployError(Exception):
    """The walk cannot go on; the text says why, and what to do where that is plain."""
