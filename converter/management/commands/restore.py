from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from converter.management import backups, lock


class Command(BaseCommand):
    help = "Restore a backup into an empty DATA_DIR, and upgrade its database to this version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="a file written by `manage.py backup`")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        if settings.IN_CLOUD:
            raise CommandError("A backup is restored at home, not in the cloud.")
        os.umask(0o077)  # sessions, secrets and people's images: for this account alone
        with lock.hold(
            settings.DATA_DIR / "serve.lock", f"A server is using {settings.DATA_DIR}. Stop it first."
        ):
            try:
                manifest = backups.restore(file)
            except backups.BackupError as exc:
                raise CommandError(str(exc)) from exc
            except OSError as exc:
                raise CommandError(f"{file} could not be restored: {exc.strerror}.") from exc
        self.stdout.write(f"Restored the backup of {manifest['made_at']} into {settings.DATA_DIR}.")
