from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from converter.jobs.sweep import sweep


class Command(BaseCommand):
    help = "End what waited too long, ask again for what was forgotten, delete what has expired."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, count in sweep().items():
            self.stdout.write(f"{name}: {count}")
