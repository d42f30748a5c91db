"""The server, and the faults injected into it."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.server import ROOT, SERVE, Server

SITE = Path(__file__).parent / "site"


class World:
    """A server that is restarted whenever it has ended, and the faults injected into it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.server = Server(folder / "data")
        self.server.data.mkdir()
        self._faults = folder / "faults"
        self._faults.mkdir()
        self.server.environment |= {"CHAOS": str(self._faults), "PYTHONPATH": f"{SITE}:{ROOT}"}
        self.log = folder / "server.log"
        self.counts: Counter[str] = Counter()
        self.refused: list[str] = []
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return self.server.url

    def start(self) -> None:
        with self._lock, self.log.open("a") as log:
            for _ in range(10):
                try:
                    self.server.start(log)
                    return
                except AssertionError:
                    self.counts["did not start"] += 1
                    time.sleep(1)
            raise AssertionError(f"The server does not start: {self.log.read_text()[-2000:]}")

    def happen(self) -> None:
        """Inject one random fault, and end it."""
        fault = self._random.choice(FAULTS)
        self.counts[fault.__name__.strip("_")] += 1
        fault(self)

    def heal(self) -> None:
        """End every fault."""
        for file in self._faults.iterdir():
            file.unlink()

    def settle(self) -> None:
        """Restart without faults, as after any crash."""
        self.heal()
        self._kill_server()

    def rest(self, least: float, most: float) -> None:
        time.sleep(self._random.uniform(least, most))

    def _during(self, fault: str, least: float, most: float, text: str = "") -> None:
        (self._faults / fault).write_text(text)
        self.rest(least, most)
        (self._faults / fault).unlink()

    def _kill_server(self) -> None:
        family = self.server.end(signal.SIGKILL)
        gone, alive = psutil.wait_procs(family, 10)
        if alive:
            raise AssertionError(f"Outlived their server: {alive}")
        self.start()

    def _end_server(self) -> None:
        self.server.end(signal.SIGTERM, seconds=180)  # the machine may be busy
        self.start()

    def _children(self, named: str) -> list[psutil.Process]:
        assert self.server.process
        found = []
        for child in psutil.Process(self.server.process.pid).children(recursive=True):
            with suppress(psutil.Error):
                if named in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def _kill_a_worker(self) -> None:
        self._signal_one("spawn_main", signal.SIGKILL)

    def _kill_a_sandbox(self) -> None:
        self._signal_one("converter.sandbox", signal.SIGKILL)

    def _stop_a_worker(self) -> None:
        victim = self._signal_one("spawn_main", signal.SIGSTOP)
        self.rest(1, 4)
        if victim:
            with suppress(psutil.Error):
                victim.send_signal(signal.SIGCONT)

    def _signal_one(self, named: str, signum: int) -> psutil.Process | None:
        victims = self._children(named)
        if not victims:
            return None
        victim = self._random.choice(victims)
        with suppress(psutil.Error):
            victim.send_signal(signum)
        return victim

    def _fill_the_disk(self) -> None:
        self._during("full", 1, 5)

    def _make_the_folder_read_only(self) -> None:
        self._during("readonly", 1, 5)

    def _take_the_database_away(self) -> None:
        self._during("gone", 1, 5)

    def _lock_the_database(self) -> None:
        with sqlite3.connect(self.server.data / "db.sqlite3", timeout=30) as database:
            database.execute("BEGIN EXCLUSIVE")
            self.rest(1, 8)
            database.rollback()

    def _turn_the_clock(self) -> None:
        self._during("offset", 2, 5, self._random.choice(["3600", "-3600"]))

    def _start_a_second_server(self) -> None:
        done = subprocess.run(
            SERVE, cwd=ROOT, env=self.server.environment, capture_output=True, text=True, timeout=60
        )
        if done.returncode != 1 or "Another server is using" not in done.stderr:
            self.refused.append(done.stderr)


FAULTS: list[Callable[[World], None]] = [
    World._kill_server,
    World._kill_server,
    World._end_server,
    World._kill_a_worker,
    World._kill_a_sandbox,
    World._stop_a_worker,
    World._fill_the_disk,
    World._make_the_folder_read_only,
    World._take_the_database_away,
    World._lock_the_database,
    World._turn_the_clock,
    World._start_a_second_server,
]
