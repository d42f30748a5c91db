from __future__ import annotations


class DeployError(Exception):
    """A step failed. The text says why, and what to do if that is known."""
