"""One chaos run: load, faults, and checks afterwards."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import checks
from tests.chaos.clients import Program
from tests.chaos.world import World
from tests.receiver import receiver

PROGRAMS = 6
SETTLE = 240.0
"""Seconds within which all submitted work must end; leases of dead workers expire by then."""

MAKE_TOKENS = """
from converter.webhooks import endpoints
from imagesite.accounts.models import ApiToken, User
for number in range({count}):
    owner = User.objects.create_user(f"{{number}}@example.org")
    endpoints.add(owner, "{url}/hook", ["batch.finished"])
    print(ApiToken.issue(owner, "chaos")[1])
"""


@dataclass
class Outcome:
    """What happened, and what was wrong afterwards."""

    batches: int
    faults: Counter[str]
    answers: Counter[int]
    wrong: list[str] = field(default_factory=list)


def run(folder: Path, seconds: float, seed: int) -> Outcome:
    """Load a server in this folder and inject faults for `seconds`; then check the result."""
    world = World(folder, seed)
    world.server.environment["OUTBOUND_ALLOWED"] = "127.0.0.1/32"
    stopped = threading.Event()
    with receiver() as listener, world.server:
        tokens = world.server.prepare(MAKE_TOKENS.format(count=PROGRAMS, url=listener.url)).split()
        world.start()
        programs = [Program(world, token, seed + n, stopped) for n, token in enumerate(tokens)]
        threads = [threading.Thread(target=program.work) for program in programs]
        for thread in threads:
            thread.start()
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                world.rest(1, 4)
                world.happen()
        finally:
            stopped.set()
            world.settle()
            for program in programs:
                program.deadline = time.monotonic() + SETTLE
            for thread in threads:
                thread.join(SETTLE)
        for program in programs:  # checking an hour of batches takes longer
            program.deadline = float("inf")
        wrong = checks.wait_for_the_end(programs, SETTLE)
        wrong += checks.broken_promises(programs)
        wrong += checks.untold(programs, listener)
        wrong += checks.doubles_and_orphans(world.server.data, programs)
        wrong += [f"A second server started: {text}" for text in world.refused]
        wrong += [fault for program in programs for fault in program.faults]
    return Outcome(
        batches=sum(len(program.promises) for program in programs),
        faults=world.counts,
        answers=sum((program.answers for program in programs), Counter()),
        wrong=wrong,
    )
