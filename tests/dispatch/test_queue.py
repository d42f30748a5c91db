"""Requests in PostgreSQL: waiting for external servers blocks neither conversions nor others' requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import postgresql
from tests.server import Server

pytestmark = [pytest.mark.system, pytest.mark.slow]

# Takes requests like a worker until none is available, without running them.
ASK_AND_TAKE = """
from django.db import connection
from converter import dispatch
from converter.dispatch import queue

def ask(act, number, turn):
    dispatch.ask(f"converter.events.dispatched.{act}", {"number": number}, turn)

def taken(name):
    with connection.cursor() as cursor:
        while True:
            cursor.execute("SELECT args ->> 'turn' FROM procrastinate_fetch_job_v2(%s, NULL)", [[name]])
            [turn] = cursor.fetchone()
            if turn is None:
                return
            yield turn

for number in range(12):
    ask("fetch", number, "hangs")
    ask("convert", number, "hangs")
    ask("deliver", number, "slow")
for act in ("fetch", "convert", "deliver"):
    ask(act, 99, "quick")
print(*taken("fetch"), sep=",")
print(*taken("waiting"), sep=",")
print(*list(taken(queue.WORK))[:3], sep=",")
"""


def test_each_user_and_receiver_has_two_places(tmp_path: Path) -> None:
    with postgresql() as database, Server(tmp_path) as site:
        site.environment |= {"DISPATCH": "procrastinate", "DATABASE_URL": database("images")}
        fetches, messages, work = site.prepare(ASK_AND_TAKE).splitlines()[-3:]
    assert fetches.split(",") == ["hangs", "quick", "hangs"]
    assert messages.split(",") == ["slow", "quick", "slow"]
    assert work.split(",")[:2] == ["hangs", "quick"]
