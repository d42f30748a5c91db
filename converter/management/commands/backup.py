from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from converter.management import backups, links, lock
from converter.translation import bytes_in_words


class Command(BaseCommand):
    help = (
        "Back up the database, files and secret key of this machine to one file. The site may keep running."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", help="the tar file to write; it must not exist. In the cloud, a link from `make backup`"
        )

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        os.umask(0o077)  # sessions, secrets and images are readable only by this account
        with lock.hold(settings.DATA_DIR / "backup.lock", "Another backup is running."):
            if not MigrationRecorder(connection).applied_migrations():
                raise CommandError(
                    f"There is nothing to back up in {settings.DATA_DIR}: the database is empty."
                )
            if settings.IN_CLOUD:
                self._send(file)
            else:
                self._write(Path(file))

    def _send(self, link: str) -> None:
        """Send all rows to the link. `make backup` itself reads the buckets, tables and user pool."""
        if not links.is_link(link):
            raise CommandError("In the cloud, run `make backup`: see docs/deploy.md.")
        path = settings.DATA_DIR / "backup.tar"
        path.unlink(missing_ok=True)  # left by an interrupted call
        try:
            backups.write(path)
            links.send(path, link)
        finally:
            path.unlink(missing_ok=True)

    def _write(self, file: Path) -> None:
        try:
            manifest = backups.write(file)
        except FileExistsError as exc:
            raise CommandError(f"{file} already exists. Choose another name.") from exc
        except OSError as exc:
            raise CommandError(f"{file} could not be written: {exc.strerror}.") from exc
        self.stdout.write(f"{file}: {bytes_in_words(file.stat().st_size)}, {manifest['members']} files")
        if not backups.folders():
            self.stdout.write("The backup does not contain the files, which are in buckets.")
        if not (settings.DATA_DIR / backups.SECRET).exists():
            self.stdout.write(
                "The backup does not contain SECRET_KEY, which is set in the environment: keep it as well."
            )
