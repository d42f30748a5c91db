from __future__ import annotations

import logging
import os
import resource
import signal
import sys
import threading
from argparse import ArgumentParser, ArgumentTypeError
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

CLOCK = "converter.events.clock.sweep"  # by path, as in Zappa's schedule
RECOVER = "converter.events.clock.recover"
TICK = 10  # seconds between sweeps
OPEN_FILES = 4_096  # more than the connections need; a shell's usual limit is 1,024, on macOS 256


class Command(BaseCommand):
    help = "Run the site on this machine: web server, workers and scheduler."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=_port, default=8000)

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
                    # Bodies are read before authentication. Slightly oversized ones get the site's own
                    # response.
                    most_bytes=2 * jobs.hard_limits().max_bytes,
                    trusted=trusted,
                    auth_header=settings.PROXY_AUTH_HEADER,
                )
            except OSError as exc:
                raise CommandError(f"Cannot listen on {host}, port {port}: {exc.strerror}.") from exc
            except ValueError as exc:  # waitress found no address of this name
                raise CommandError(f"Cannot listen on {host}: there is no such address.") from exc
            self.stdout.write(f"Open {serving.address(server, host)}{settings.SITE_PATH} (Ctrl-C to stop)")
            self.stdout.flush()
            try:
                server.run()
            finally:
                if pool:
                    pool.close()
        # A normal exit would wait for threads that wait for other hosts; their messages are sent again.
        logging.shutdown()
        self.stdout.flush()
        os._exit(0)


def _port(text: str) -> int:
    """Parse a port. The system would use larger numbers modulo 65,536; 0 stands for any free port."""
    if not text.isdecimal() or int(text) > 65_535:
        raise ArgumentTypeError(f"{text!r} is not a number from 0 to 65535")
    return int(text)


def _end(*_: Any) -> None:
    """Shut down cleanly; ignore further signals, which would interrupt it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(0)


def _start_workers() -> PoolDispatch | None:
    """Start the sweep's thread, and the pool if this server has one."""
    if settings.CONVERTER_METRICS_TOKEN:
        from converter.metrics import prometheus  # slow to import, and off by default

        prometheus.forget()
    current = dispatch.current()
    pool = current if isinstance(current, PoolDispatch) else None
    if pool:
        pool.start()
        _recover()  # no other server uses this data
    threading.Thread(target=_tick, args=[threading.Event()], daemon=True).start()
    return pool


def _recover() -> None:
    try:
        import_string(RECOVER)()
    except Exception:
        # A full disk or a locked database must not keep the site from starting.
        logger.exception("Could not resume the work of the previous server; the sweep will do it later")


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
            logger.exception("The sweep failed; the next one will try again")
        stopped.wait(TICK)
