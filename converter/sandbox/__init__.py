"""Run the engine in a child process, so that a hostile file can harm nothing else.

    worker ──starts──> fork server (a bare interpreter: engine loaded, no Django, no environment, no secrets)
                          └──forks──> one child per file, with hard limits

The fork server is started once and keeps one child waiting, so that no file waits for a fork or for the
memory pages that are copied on first write. The child's memory and time are limited, it cannot write files,
and it talks to the worker only over a socket. If it dies, the worker knows which output was being made, fails
that one with a reason, and makes the rest in a new child. Only fork, sockets and signals are used: Lambda has
no /dev/shm for multiprocessing's queues and locks.
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
