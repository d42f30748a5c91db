from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from converter.management import backups, lock


class Command(BaseCommand):
    help = (
        "Back up the database, files and secret key of this machine to one file. The site may keep running."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="the tar file to write; it must not exist")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        if settings.IN_CLOUD:
            raise CommandError(
                "In the cloud, the database and the buckets have backups of their own: docs/cloud.md."
            )
        os.umask(0o077)  # sessions, secrets and people's images: for this account alone
        with lock.hold(settings.DATA_DIR / "backup.lock", "Another backup is running."):
            try:
                manifest = backups.write(file)
            except FileExistsError as exc:
                raise CommandError(f"{file} exists already. Choose another name.") from exc
            except OSError as exc:
                raise CommandError(f"{file} could not be written: {exc.strerror}.") from exc
        self.stdout.write(f"{file}: {file.stat().st_size / 10**6:.1f} MB, {manifest['members']} files")
        if not backups.folders():
            self.stdout.write("The files are in buckets and not in the backup.")
        if not (settings.DATA_DIR / backups.SECRET).exists():
            self.stdout.write("SECRET_KEY is set in the environment and not in the backup: keep it as well.")
