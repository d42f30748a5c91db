"""Several machines: two servers and three workers with PostgreSQL and an S3-compatible store."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
import requests
from moto.server import ThreadedMotoServer

from tests.databases import postgresql
from tests.server import ROOT, Server
from tests.test_serve import eventually, submit

pytestmark = [pytest.mark.system, pytest.mark.slow(minutes=6)]

PEOPLE = """
from imagesite.accounts.models import ApiToken, User

print(ApiToken.issue(User.objects.create_user("alice@example.org"), "test")[1])
"""
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
WORKER = [sys.executable, "manage.py", "worker"]


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield the settings shared by all machines."""
    store = ThreadedMotoServer(port=0, verbose=False)
    store.start()
    host, port = store.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    ).create_bucket(Bucket="images")
    with postgresql() as database:
        yield {
            **CREDENTIALS,
            "DISPATCH": "procrastinate",
            "DATABASE_URL": database("images"),
            "S3_ENDPOINT_URL": endpoint,
            "S3_BUCKET": "images",
            "SECRET_KEY": "the same on every machine, long and random",
            "WORKERS": "1",
        }
    store.stop()


def test_two_servers_and_three_workers_lose_nothing_when_one_is_killed(
    shared: dict[str, str], tmp_path: Path
) -> None:
    with ExitStack() as machines:
        servers = [machines.enter_context(Server(tmp_path / name)) for name in ("first", "second")]
        for server in servers:
            server.environment |= shared
        token = servers[0].prepare(PEOPLE).splitlines()[-1]
        for server in servers:
            server.start()
        rows = machines.enter_context(psycopg.connect(shared["DATABASE_URL"], autocommit=True))
        program = machines.enter_context(requests.Session())
        program.headers["Authorization"] = f"Bearer {token}"

        batches = {server.url: submit(server, program, 12) for server in servers}
        # There is enough work to kill one in the middle of it.
        workers = [machines.enter_context(_worker(shared, tmp_path / f"worker{n}")) for n in range(3)]
        assert eventually(60, lambda: _count(rows, "procrastinate_jobs WHERE status = 'doing'") >= 2)
        assert eventually(60, lambda: _count(rows, "converter_job WHERE status = 'processing'") >= 2)
        workers[0].send_signal(signal.SIGKILL)
        # Its jobs are found by their lease, after 150 seconds, or as unprocessed uploads, after 120.
        assert eventually(400, lambda: _count(rows, "converter_job WHERE status <> 'finished'") == 0), (
            rows.execute("SELECT status, error_code, count(*) FROM converter_job GROUP BY 1, 2").fetchall()
        )
        for here, there in ((0, 1), (1, 0)):
            address = f"{servers[there].url}/api/v1/batches/{batches[servers[here].url]}"
            for job in program.get(address, timeout=60).json()["jobs"]:
                answer = program.get(servers[there].url + job["result"]["url"], timeout=60)
                assert len(answer.content) == job["result"]["size"] == int(answer.headers["Content-Length"])
        # Every request was processed or dropped, including those of the killed worker.
        assert eventually(120, lambda: _count(rows, "procrastinate_jobs") == 0)

        for worker in workers[1:]:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0


def _worker(shared: dict[str, str], data: Path) -> Any:
    environment = {**Server(data).environment, **shared}
    with (data.parent / f"{data.name}.log").open("wb") as log:
        return _Process(WORKER, cwd=ROOT, env=environment, stderr=log)


class _Process(subprocess.Popen[bytes]):
    """A process that ends with its context."""

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.wait()


def _count(rows: psycopg.Connection[Any], what: str) -> int:
    found = rows.execute(f"SELECT count(*) FROM {what}").fetchone()
    assert found
    count: int = found[0]
    return count
