"""Runs the engine where a hostile file can hurt nothing else.

    worker ──starts──> fork server (a bare interpreter: engine loaded, no Django, no environment, no secrets)
                          └──forks──> one child a file, with hard limits

The fork server costs one start, and keeps one child waiting, so that no file waits for a fork, nor for the pages of
memory that a fork copies when they are first written to. The child may use so much memory and time, may write no file,
and speaks to the worker over a socket alone. Whatever happens to it, the worker knows which output was in work, fails
that one with a reason, and goes on with the rest in a new child.
Only fork, sockets and signals are used: Lambda has no /dev/shm for multiprocessing's queues and locks.
"""

from __future__ import annotations

from .answers import Answer, Probed, Refused, Rendered
from .client import Sandbox, SandboxError, missing_layers
from .confinement import LAYERS, hide
from .document import BadImage, Document, Unjoined
from .messages import Unwanted

__all__ = [
    "LAYERS",
    "Answer",
    "BadImage",
    "Document",
    "Probed",
    "Refused",
    "Rendered",
    "Sandbox",
    "SandboxError",
    "Unjoined",
    "Unwanted",
    "hide",
    "missing_layers",
]
