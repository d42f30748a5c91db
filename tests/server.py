"""The server as started by `make run`: its own process and worker pool, SQLite and a folder."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import psutil

ROOT = Path(__file__).resolve().parent.parent
SERVE = [sys.executable, "manage.py", "serve", "--port", "0"]

SETUP = """
import django

django.setup()
"""
PREPARE = """
from django.core.management import call_command

call_command("migrate", verbosity=0)
call_command("collectstatic", interactive=False, verbosity=0)
"""
ACCOUNTS = """
from imagesite.accounts.models import ApiToken, User

for name in ("client", "agent", "laptop"):
    owner = User.objects.create_user(f"{name}@example.org")
    print(name, ApiToken.issue(owner, "all")[1], ApiToken.issue(owner, "reader", scope="read")[1])
"""


class Server:
    """A data folder, optionally copied from another one, and the server that runs on it."""

    def __init__(self, data: Path, like: Path | None = None) -> None:
        if like:
            shutil.copytree(like, data, dirs_exist_ok=True)
        self.data = data
        self.environment = {
            **os.environ,
            "DATA_DIR": str(data),
            "DJANGO_SETTINGS_MODULE": "imagesite.settings",
        }
        self.process: subprocess.Popen[str] | None = None
        self.url = ""

    def run(self, *words: str) -> str:
        """Run Python with the server's environment and return its output."""
        done = subprocess.run(
            [sys.executable, *words], cwd=ROOT, env=self.environment, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{words} failed with {done.returncode}:\n{done.stderr}")
        return done.stdout.strip()

    def manage(self, *words: str) -> str:
        return self.run("manage.py", *words)

    def prepare(self, more: str = "") -> str:
        """Create the database, collect the static files, then run `more`; return the output."""
        return self.python(PREPARE + more)

    def python(self, source: str) -> str:
        """Run statements in Django with the server's environment and return their output."""
        return self.run("-c", SETUP + source)

    def rows(self, query: str, *values: object) -> list[Any]:
        """Return the rows of a database query. UUIDs are stored as 32 hexadecimal digits, JSON as text."""
        with closing(sqlite3.connect(self.data / "db.sqlite3", timeout=60)) as database:
            return database.execute(query, values).fetchall()

    def start(self, log: IO[str] | int = subprocess.DEVNULL) -> None:
        """Start the server on a free port, wait until it listens, and set `url`. `log` gets its stderr."""
        self.process = subprocess.Popen(
            SERVE,
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        self.url = found[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process and self.process.poll() is None:
            self.end()

    def end(self, signum: int = signal.SIGTERM, seconds: float = 30) -> list[psutil.Process]:
        """Send the signal to the server process only and wait for its exit; return its former descendants."""
        assert self.process
        assert self.process.stdout
        family: list[psutil.Process] = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signum)
        self.process.wait(seconds)
        self.process.stdout.close()
        return family


@dataclass
class Account:
    """An account on a running server, with a full-access token and a read-only token."""

    server: Server
    token: str
    reader: str

    @property
    def url(self) -> str:
        return self.server.url
