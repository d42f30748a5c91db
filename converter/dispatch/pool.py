"""The home twin: processes of this machine, one a core."""

from __future__ import annotations

import logging
import os
import signal
import threading
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)


class PoolDispatch:
    """Starts its processes at the first request. They end with the process that started them, however it ends."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or settings.CONVERTER_WORKERS or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None

    def ask(self, target: str, event: dict[str, Any]) -> None:
        with self._lock:
            try:
                future = self._started().submit(_call, target, event)
            except BrokenProcessPool:
                # A worker was killed from outside. Its job is found by the lease; the others ask again.
                logger.warning("The pool lost a worker; starting another one.")
                self._pool = None
                future = self._started().submit(_call, target, event)
        future.add_done_callback(_log_failure)

    def start(self) -> None:
        """Start the processes now, so that the first image does not wait for them."""
        with self._lock:
            self._started().submit(int)

    def close(self) -> None:
        with self._lock:
            if self._pool:
                self._pool.shutdown(wait=True, cancel_futures=True)
                self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Spawned, not forked: this process has threads.
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=get_context("spawn"), initializer=_begin
            )
        return self._pool


def _log_failure(future: Future[None]) -> None:
    if not future.cancelled() and (exc := future.exception()):
        logger.error("A worker could not do what it was asked; the sweep will ask again.", exc_info=exc)


def _begin() -> None:
    """Prepare a worker process."""
    import django

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends us in order
    threading.Thread(target=_end_with_parent, daemon=True).start()
    django.setup()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _call(target: str, event: dict[str, Any]) -> None:
    import_string(target)(event, None)
