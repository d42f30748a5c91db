from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from converter.jobs.sweep import sweep
from converter.management.safety import check_database


class Command(BaseCommand):
    help = "Fail jobs that waited too long, re-queue stuck jobs and delete expired files."

    def handle(self, *args: Any, **options: Any) -> None:
        check_database()
        for name, count in sweep().items():
            self.stdout.write(f"{name}: {count}")
