"""The server as `make run` starts it: its own process, its own pool, SQLite and a folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests

from tests.conftest import make_photo

ROOT = Path(__file__).resolve().parent.parent


class Server:
    """One data folder, and the server that may run on it."""

    def __init__(self, data: Path) -> None:
        self.environment = {
            **os.environ,
            "DATA_DIR": str(data),
            "DJANGO_SETTINGS_MODULE": "imagesite.settings",
        }
        self.process: subprocess.Popen[str] | None = None
        self.url = ""

    def manage(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", "0"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line
        self.url = found[0]

    def kill(self, signum: int) -> list[psutil.Process]:
        """Send the signal to the server alone; return the processes it had."""
        assert self.process
        assert self.process.stdout
        family = psutil.Process(self.process.pid).children(recursive=True)
        self.process.send_signal(signum)
        self.process.wait(30)
        self.process.stdout.close()
        return family


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.manage("migrate", "--verbosity", "0")
    server.manage("collectstatic", "--no-input", "--verbosity", "0")
    yield server
    if server.process and server.process.poll() is None:
        server.kill(signal.SIGKILL)


def eventually(seconds: float, true: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def token(server: Server) -> str:
    server.manage(
        "shell",
        "-c",
        "from django.contrib.auth import get_user_model as m; m().objects.create_user('alice@example.org', 'x')",
    )
    return server.manage("create_api_token", "alice@example.org").splitlines()[-1]


def submit(server: Server, session: requests.Session, count: int) -> str:
    photo = make_photo(1600, 1200)
    body = {
        "files": [{"name": f"{n}.jpg", "size": len(photo)} for n in range(count)],
        "outputs": [{"format": "webp"}, {"format": "avif"}],
    }
    answer = session.post(f"{server.url}/api/v1/batches", json=body)
    assert answer.status_code == 201, answer.text
    for upload in answer.json()["uploads"]:
        form = upload["form"]
        url = requests.compat.urljoin(server.url, form["url"])
        sent = session.post(url, data=form["fields"], files={"file": photo})
        assert sent.status_code == 201, sent.text
    identifier: str = answer.json()["id"]
    return identifier


def test_a_killed_server_finishes_at_its_next_start(server: Server, token: str) -> None:
    server.start()
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        batch = submit(server, session, 4)

        def states() -> list[str]:
            jobs = session.get(f"{server.url}/api/v1/batches/{batch}").json()["jobs"]
            return [job["status"] for job in jobs]

        assert eventually(30, lambda: "finished" in states())
        assert set(states()) != {"finished"}, "too quick to be interrupted: give it more images"
        family = server.kill(signal.SIGKILL)
        assert family
        assert eventually(10, lambda: not any(process.is_running() for process in family))

        server.start()
        assert eventually(60, lambda: set(states()) == {"finished"}), states()


def test_it_ends_in_order_when_asked(server: Server) -> None:
    server.start()
    family = server.kill(signal.SIGTERM)
    assert server.process
    assert server.process.returncode == 0
    assert eventually(10, lambda: not any(process.is_running() for process in family))


def test_two_servers_cannot_work_on_one_folder(server: Server) -> None:
    server.start()
    second = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", "0"],
        cwd=ROOT,
        env=server.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode != 0
    assert "Another server works on" in second.stderr
