"""A queue worker: take tasks from PostgreSQL and run them in a pool of processes."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from procrastinate import App
from procrastinate.contrib.django import app as site_app
from procrastinate.jobs import DeleteJobCondition, Status

from converter import dispatch
from converter.dispatch import pool, queue

logger = logging.getLogger(__name__)

LOOK_FOR_LOST = 60  # seconds


class Worker:
    """Run up to `processes` conversions at once; 0 means one per core."""

    def __init__(self, processes: int) -> None:
        self.processes = processes or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None
        self._threads = ThreadPoolExecutor(
            sum(places.in_all for places in pool.WAITING.values()), thread_name_prefix="waiting"
        )

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT, then finish the running tasks."""
        app = site_app.with_connector(site_app.connector.get_worker_connector())  # type: ignore[attr-defined]
        app.task(name=queue.TASK, pass_context=False)(self._act)
        async with app.open_async():
            at_work = [
                asyncio.create_task(self._serve(app, queue.WORK, self.processes)),
                *(
                    asyncio.create_task(self._serve(app, queue.LANES[target], places.in_all))
                    for target, places in pool.WAITING.items()
                ),
                asyncio.create_task(_forget_lost(app)),
            ]
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, _stop, at_work)
            done, _ = await asyncio.wait(at_work, return_when=asyncio.FIRST_EXCEPTION)
            _stop(at_work)
            await asyncio.gather(*at_work, return_exceptions=True)
        self._threads.shutdown()
        if self._pool:
            self._pool.shutdown()
        for task in done:
            if not task.cancelled() and (exc := task.exception()):
                raise exc

    async def _serve(self, app: App, name: str, at_once: int) -> None:
        await app.run_worker_async(
            queues=[name],
            concurrency=at_once,
            delete_jobs=DeleteJobCondition.ALWAYS,
            install_signal_handlers=False,
        )

    async def _act(self, target: str, event: dict[str, Any], turn: str) -> None:
        executor = self._executor(target)
        try:
            asked = await asyncio.get_running_loop().run_in_executor(executor, pool.call, target, event)
        except BrokenProcessPool:
            if self._pool is executor:
                logger.warning("A pool process died; starting a new one")
                self._pool = None
            raise
        for further in asked:
            await asyncio.to_thread(dispatch.ask, *further)

    def _executor(self, target: str) -> Executor:
        if target in pool.WAITING:
            return self._threads
        if self._pool is None:
            self._pool = pool.processes(self.processes)
        return self._pool


def _stop(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()


async def _forget_lost(app: App) -> None:
    """Delete the requests of dead workers: the sweep restarts their jobs once the leases expire."""
    while True:
        for lost in await app.job_manager.get_stalled_jobs():
            await app.job_manager.finish_job(lost, Status.FAILED, delete_job=True)
        await asyncio.sleep(LOOK_FOR_LOST)
