"""The home twin: worker processes on this machine, and threads for tasks that only wait for the network."""

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
    """How many tasks may run at once, in all and for each user or receiver."""

    in_all: int
    each: int


# Tasks that wait for other hosts run in threads of the server, so that a slow host does not occupy a process
# that could convert. A waiting delivery needs hardly any memory; a fetch may hold a whole file.
WAITING = {
    "converter.events.dispatched.deliver": Places(64, each=2),
    "converter.events.dispatched.fetch": Places(6, each=2),
}

GRACE = 5  # seconds that running tasks have to finish when the server stops

_further: list[Asked] | None = None
"""In a worker, the requests made by its current task, passed to the pool when the task is done. Else None."""


@dataclass(frozen=True)
class _Lane:
    """The tasks that wait for one executor, and how to get it."""

    turns: Turns[Request]
    executor: Callable[[], Executor]


class PoolDispatch:
    """A process pool started at the first request. Workers exit with their parent, however it ends.

    If the number of workers is not set, there is one per core and a spare for users with nothing running yet.
    """

    def __init__(self, workers: int | None = None) -> None:
        chosen = workers or settings.CONVERTER_WORKERS
        at_once, spare = (chosen, 0) if chosen else (os.cpu_count() or 1, 1)
        self.workers = at_once + spare
        # Never held during submit: a broken pool calls `_done` while it holds a lock of its own.
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
        """Start the worker processes now, so that the first image does not wait for them."""
        self._started().submit(int)

    def close(self) -> None:
        """Stop starting tasks and end the worker processes; tasks that need over GRACE seconds are aborted.

        Threads that wait for other hosts run until they are answered or the process ends.
        """
        with self._lock:
            self._closed = True
            pool, at_work = self._pool, set(self._at_work)
        if wait(at_work, GRACE).not_done:
            logger.info("Interrupting unfinished jobs; the next start will resume them")
            # Python 3.14 has terminate_workers() for this.
            for worker in list((pool and pool._processes or {}).values()):
                worker.terminate()
        for threads in self._threads.values():
            threads.shutdown(wait=False, cancel_futures=True)
        if pool:
            pool.shutdown(wait=True, cancel_futures=True)

    def _go_on(self, lane: _Lane) -> None:
        """Start all tasks that may start now."""
        while True:
            with self._lock:
                # Once closed, the remaining tasks are left for the next start, which finds them in the
                # database.
                taken = None if self._closed else lane.turns.take()
            if taken is None:
                return
            turn, request = taken
            executor = None
            try:
                executor = lane.executor()
                future = executor.submit(call, *request)
            except RuntimeError as exc:  # the pool is broken or closed
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
            logger.error("A task failed in a worker; the sweep will try again", exc_info=exc)
        elif not future.cancelled():
            for further in future.result():
                self.ask(*further)
        self._go_on(lane)

    def _forget(self, broken: Executor | None) -> None:
        # A worker was killed from outside. Its job is recovered when the lease expires.
        if broken is not None and self._pool is broken:
            logger.warning("A worker process died; starting a new one")
            self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        """Return the process pool. Raises RuntimeError if closed: `close` would not end a new pool."""
        with self._lock:
            if self._closed:
                raise RuntimeError("The pool is closed.")
            if self._pool is None:
                self._pool = processes(self.workers)
        return self._pool


def processes(count: int) -> ProcessPoolExecutor:
    """Return a pool of worker processes. They are spawned, not forked, since this process has threads."""
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    """Prepare a worker process."""
    import django

    global _further
    _further = []
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the server shuts the workers down
    threading.Thread(target=_end_with_parent, daemon=True).start()
    django.setup()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent:
        parent.join()
        os._exit(1)


def hand_on(target: str, event: dict[str, Any], turn: str) -> bool:
    """In a worker, keep the request for the parent process and return True; elsewhere return False."""
    if _further is None:
        return False
    _further.append((target, event, turn))
    return True


def call(target: str, event: dict[str, Any]) -> list[Asked]:
    """Run the task and return the requests it made."""
    import_string(target)(event, None)
    if not _further:
        return []
    asked = _further.copy()
    _further.clear()
    return asked
