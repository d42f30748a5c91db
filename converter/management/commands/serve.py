from __future__ import annotations

import logging
import os
import resource
import signal
import sys
import threading
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from converter import dispatch, jobs
from converter.dispatch.pool import PoolDispatch
from converter.management import lock, safety, serving
from converter.storage import reserve

logger = logging.getLogger(__name__)

CLOCK = "converter.events.clock.sweep"  # by its path, as Zappa's schedule names it
RECOVER = "converter.events.clock.recover"
TICK = 10  # seconds between two sweeps
OPEN_FILES = 4_096  # above all the connections; a shell's usual limit is 1,024, on macOS 256


class Command(BaseCommand):
    help = "Run the site on this machine: web server, workers and scheduler."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        try:
            trusted = serving.networks(settings.TRUSTED_PROXIES)
        except ValueError as exc:
            raise CommandError(f"TRUSTED_PROXIES: {exc}.") from exc
        safety.prepare()
        application = get_wsgi_application()
        signal.signal(signal.SIGTERM, _end)
        _allow_open_files(OPEN_FILES)
        refusal = f"Another server is using {settings.DATA_DIR}. Stop it, or set DATA_DIR to another folder."
        with lock.hold(settings.DATA_DIR / "serve.lock", refusal):
            pool = _start_workers()
            try:
                server = serving.create_server(
                    application,
                    host=host,
                    port=port,
                    path=settings.SITE_PATH,
                    # Read whole before anybody is asked who they are; what is a little too large gets the site's own answer.
                    most_bytes=2 * jobs.hard_limits().max_bytes,
                    trusted=trusted,
                    auth_header=settings.PROXY_AUTH_HEADER,
                )
            except OSError as exc:
                raise CommandError(f"Cannot listen on {host}, port {port}: {exc.strerror}.") from exc
            self.stdout.write(f"Open {serving.address(server, host)}{settings.SITE_PATH} (Ctrl-C to stop)")
            self.stdout.flush()
            try:
                server.run()
            finally:
                if pool:
                    pool.close()
        # Threads that wait for an answer from elsewhere would be waited for; their messages are sent again.
        logging.shutdown()
        self.stdout.flush()
        os._exit(0)


def _end(*_: Any) -> None:
    """Shut down in order, once: a second signal would interrupt the first."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def _start_workers() -> PoolDispatch | None:
    """Start the clock, and the pool if this server has one."""
    if settings.CONVERTER_METRICS_TOKEN:
        from converter.metrics import prometheus  # slow to load, and off by default

        prometheus.forget()
    current = dispatch.current()
    pool = current if isinstance(current, PoolDispatch) else None
    if pool:
        pool.start()
        _recover()  # no other server works on this data
    threading.Thread(target=_tick, args=[threading.Event()], daemon=True).start()
    return pool


def _recover() -> None:
    try:
        import_string(RECOVER)()
    except Exception:
        # A disk that is full or a database that is locked must not keep the site from starting.
        logger.exception("What the last server left could not be taken up; the sweep will do it in time")


def _allow_open_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _tick(stopped: threading.Event) -> None:
    while True:
        reserve.keep()
        try:
            import_string(CLOCK)({}, None)
        except Exception:
            logger.exception("The sweep failed; the next one tries again")
        stopped.wait(TICK)
