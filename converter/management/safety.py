"""Checks and hardening before a process accepts untrusted files."""

from __future__ import annotations

import logging
import os

from django.conf import settings
from django.core.management.base import CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from converter import sandbox
from converter.engine import raster

logger = logging.getLogger(__name__)


def prepare() -> None:
    """Check decoders, sandbox and database, and protect this process and its files. Raises CommandError."""
    if problems := raster.check():
        raise CommandError(f"{' '.join(problems)} Reinstall the dependencies.")
    _look_at_sandbox()
    sandbox.hide()  # the secret key is in this process
    os.umask(0o077)  # uploads and results are readable only by this account
    check_database()


def _look_at_sandbox() -> None:
    missing = sandbox.missing_layers()
    for layer, why in missing.items():
        logger.warning("The sandbox lacks %s: %s", layer, why)
    if missing and settings.CONVERTER_SANDBOX_REQUIRED:
        raise CommandError(f"The sandbox lacks {', '.join(missing)}, and SANDBOX_REQUIRED is on.")


def check_database() -> None:
    """Raise CommandError if the database lacks tables or columns."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError:
        # A full disk or a locked database must not keep the site from starting.
        logger.warning("Could not check the database for unapplied migrations", exc_info=True)
        return
    if missing:
        raise CommandError(
            f"The database is new or of an older version: {len(missing)} migrations are unapplied. "
            "Run manage.py migrate first, as make run does."
        )
