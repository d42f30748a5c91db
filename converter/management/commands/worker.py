from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from converter.management import safety


class Command(BaseCommand):
    help = "Convert images for a site with DISPATCH=procrastinate, on this machine or another one."

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.CONVERTER_DISPATCH != "converter.dispatch.queue.QueueDispatch":
            raise CommandError("Set DISPATCH=procrastinate; without it, the server runs its own workers.")
        from converter.management.working import Worker  # needs the packages of requirements-workers.txt

        safety.prepare()
        worker = Worker(settings.CONVERTER_WORKERS)
        self.stdout.write(f"Waiting for work, {worker.processes} at once (Ctrl-C to stop)")
        self.stdout.flush()
        asyncio.run(worker.run())
