"""The home twin: processes of this machine, one a core, and threads for what only waits."""

from __future__ import annotations

import logging
import os
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

logger = logging.getLogger(__name__)

Request = tuple[str, dict[str, Any]]

# Acts that wait for machines of others, done by threads of the server: a slow address shall hold no process that
# could convert.
WAITING = {"converter.events.dispatched.deliver", "converter.events.dispatched.fetch"}
WAITING_AT_ONCE = 4  # each may hold a whole file

_further: list[Request] | None = None
"""In a worker: what its act asks for in turn, handed to the pool when the act is done. Else None."""


class PoolDispatch:
    """Starts its processes at the first request. They end with the process that started them, however it ends."""

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or settings.CONVERTER_WORKERS or os.cpu_count() or 1
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._threads = ThreadPoolExecutor(WAITING_AT_ONCE, thread_name_prefix="waiting")
        self._closed = False

    def ask(self, target: str, event: dict[str, Any]) -> None:
        if _further is not None:
            _further.append((target, event))
            return
        with self._lock:
            if self._closed:
                return  # the next start finds in the database what is to be done
            try:
                future = self._executor(target).submit(_call, target, event)
            except BrokenProcessPool:
                # A worker was killed from outside. Its job is found by the lease; the others ask again.
                logger.warning("The pool lost a worker; starting another one.")
                self._pool = None
                future = self._started().submit(_call, target, event)
        future.add_done_callback(self._done)

    def start(self) -> None:
        """Start the processes now, so that the first image does not wait for them."""
        with self._lock:
            self._started().submit(int)

    def close(self) -> None:
        with self._lock:
            self._closed = True
        for executor in (self._pool, self._threads):
            if executor:
                executor.shutdown(wait=True, cancel_futures=True)

    def _done(self, future: Future[list[Request]]) -> None:
        if future.cancelled():
            return
        if exc := future.exception():
            logger.error("A worker could not do what it was asked; the sweep will ask again.", exc_info=exc)
            return
        for target, event in future.result():
            self.ask(target, event)

    def _executor(self, target: str) -> Executor:
        return self._threads if target in WAITING else self._started()

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Spawned, not forked: this process has threads.
            self._pool = ProcessPoolExecutor(
                self.workers, mp_context=get_context("spawn"), initializer=_begin
            )
        return self._pool


def _begin() -> None:
    """Prepare a worker process."""
    import django

    global _further
    _further = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends us in order
    threading.Thread(target=_end_with_parent, daemon=True).start()
    django.setup()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _call(target: str, event: dict[str, Any]) -> list[Request]:
    """Do it, and return what it asked for in turn."""
    import_string(target)(event, None)
    if not _further:
        return []
    asked = _further.copy()
    _further.clear()
    return asked
