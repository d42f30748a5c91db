"""The home twin: processes on this machine, one per core, and threads for what only waits."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context, parent_process
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from converter.dispatch.turns import Turns

logger = logging.getLogger(__name__)

Request = tuple[str, dict[str, Any]]
Asked = tuple[str, dict[str, Any], str]


@dataclass(frozen=True)
class Places:
    """How many tasks may run at once, and how many of them for one user or receiver."""

    in_all: int
    each: int


# Acts that wait for machines of others, done by threads of the server: a slow address shall hold no process that
# could convert. A message holds nothing while it waits; a fetch may hold a whole file.
WAITING = {
    "converter.events.dispatched.deliver": Places(64, each=2),
    "converter.events.dispatched.fetch": Places(6, each=2),
}

GRACE = 5  # seconds for what is nearly done when the server ends

_further: list[Asked] | None = None
"""In a worker: what its act asks for in turn, handed to the pool when the act is done. Else None."""


@dataclass(frozen=True)
class _Lane:
    """The tasks that wait for one kind of executor, and how to create it."""

    turns: Turns[Request]
    executor: Callable[[], Executor]


class PoolDispatch:
    """Starts its processes at the first request. They end with the process that started them, however it ends.

    If the number of workers is not set, there is one more than cores, for users who have nothing running yet.
    """

    def __init__(self, workers: int | None = None) -> None:
        chosen = workers or settings.CONVERTER_WORKERS
        at_once, spare = (chosen, 0) if chosen else (os.cpu_count() or 1, 1)
        self.workers = at_once + spare
        # Never held while something is submitted: a pool that breaks calls `_done` with a lock of its own.
        self._lock = threading.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._closed = False
        self._at_work: set[Future[list[Asked]]] = set()
        self._work = _Lane(Turns(at_once, spare=spare), self._started)
        self._threads = {
            target: ThreadPoolExecutor(places.in_all, thread_name_prefix=target.rpartition(".")[2])
            for target, places in WAITING.items()
        }
        self._lanes = {
            target: _Lane(Turns(places.in_all, each=places.each), partial(self._threads.__getitem__, target))
            for target, places in WAITING.items()
        }

    def ask(self, target: str, event: dict[str, Any], turn: str = "") -> None:
        if hand_on(target, event, turn):
            return
        lane = self._lanes.get(target, self._work)
        with self._lock:
            lane.turns.add(turn, (target, event))
        self._go_on(lane)

    def start(self) -> None:
        """Start the processes now, so that the first image does not wait for them."""
        self._started().submit(int)

    def close(self) -> None:
        """Start nothing more, and end the processes: what takes more than some seconds is left for the next start.

        Threads that wait for machines of others go on until they are answered, or the process ends.
        """
        with self._lock:
            self._closed = True
            pool, at_work = self._pool, set(self._at_work)
        if wait(at_work, GRACE).not_done:
            logger.info("What is not done yet is broken off; the next start takes it up.")
            # Python 3.14 has terminate_workers() for this.
            for worker in list((pool and pool._processes or {}).values()):
                worker.terminate()
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)
        if pool:
            pool.shutdown(wait=True, cancel_futures=True)

    def _go_on(self, lane: _Lane) -> None:
        """Start the tasks that may start now."""
        while True:
            with self._lock:
                # Once closed, the next start finds in the database what is to be done.
                taken = None if self._closed else lane.turns.take()
            if taken is None:
                return
            turn, request = taken
            executor = None
            try:
                executor = lane.executor()
                future = executor.submit(call, *request)
            except RuntimeError as exc:  # broken since, or closed
                with self._lock:
                    lane.turns.done(turn)
                    if isinstance(exc, BrokenProcessPool):
                        self._forget(executor)
                        lane.turns.add(turn, request)
                continue
            with self._lock:
                self._at_work.add(future)
            future.add_done_callback(partial(self._done, lane, turn, executor))

    def _done(self, lane: _Lane, turn: str, executor: Executor, future: Future[list[Asked]]) -> None:
        exc = None if future.cancelled() else future.exception()
        with self._lock:
            self._at_work.discard(future)
            lane.turns.done(turn)
            if isinstance(exc, BrokenProcessPool):
                self._forget(executor)
            if self._closed:
                return
        if exc:
            logger.error("A worker could not do what it was asked; the sweep will ask again.", exc_info=exc)
        elif not future.cancelled():
            for further in future.result():
                self.ask(*further)
        self._go_on(lane)

    def _forget(self, broken: Executor | None) -> None:
        # A worker was killed from outside. Its job is found by the lease.
        if broken is not None and self._pool is broken:
            logger.warning("The pool lost a worker; starting another one.")
            self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        """Raises RuntimeError once closed: processes started then would be waited for without end."""
        with self._lock:
            if self._closed:
                raise RuntimeError("The pool is closed.")
            if self._pool is None:
                self._pool = processes(self.workers)
        return self._pool


def processes(count: int) -> ProcessPoolExecutor:
    """Return worker processes. Spawned, not forked: this process has threads."""
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin)


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


def hand_on(target: str, event: dict[str, Any], turn: str) -> bool:
    """In a worker: keep the request for the process that started it, and return True."""
    if _further is None:
        return False
    _further.append((target, event, turn))
    return True


def call(target: str, event: dict[str, Any]) -> list[Asked]:
    """Run the task, and return the requests it made."""
    import_string(target)(event, None)
    if not _further:
        return []
    asked = _further.copy()
    _further.clear()
    return asked
