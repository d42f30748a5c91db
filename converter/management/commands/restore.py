from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from converter.management import backups, links, lock


class Command(BaseCommand):
    help = "Restore a backup into an empty DATA_DIR, and upgrade its database to this version."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", help="a file written by `manage.py backup`. In the cloud, a link from `make restore`"
        )

    def handle(self, *args: Any, file: str, **options: Any) -> None:
        os.umask(0o077)  # sessions, secrets and images are readable only by this account
        if settings.IN_CLOUD:
            self._fetch(file)
            return
        with lock.hold(
            settings.DATA_DIR / "serve.lock", f"A server is using {settings.DATA_DIR}. Stop it first."
        ):
            manifest = self._restore(Path(file))
        self.stdout.write(f"Restored the backup of {manifest['made_at']} into {settings.DATA_DIR}.")

    def _fetch(self, link: str) -> None:
        """Restore all rows from the link. `make restore` first passes `empty` to check the site is unused."""
        if link == "empty":
            self._refuse_what_is_used()
            return
        if not links.is_link(link):
            raise CommandError("In the cloud, run `make restore`: see docs/deploy.md.")
        path = settings.DATA_DIR / "restore.tar"
        try:
            links.fetch(link, path)
            self._restore(path)
        finally:
            path.unlink(missing_ok=True)

    def _refuse_what_is_used(self) -> None:
        try:
            backups.refuse_what_is_used()
        except backups.BackupError as exc:
            raise CommandError(str(exc)) from exc

    def _restore(self, file: Path) -> dict[str, Any]:
        try:
            return backups.restore(file)
        except backups.BackupError as exc:
            raise CommandError(str(exc)) from exc
        except OSError as exc:
            raise CommandError(f"{file} could not be restored: {exc.strerror}.") from exc
