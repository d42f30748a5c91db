from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
import requests
from django.conf import settings
from django.core.management import CommandError, call_command

from converter import sandbox
from converter.engine import raster
from converter.management import safety, serving
from converter.management.commands import serve
from tests.conftest import make_photo
from tests.server import ROOT, SERVE, Server

pytestmark = pytest.mark.system

MAKE_TOKEN = """
from imagesite.accounts.models import ApiToken, User

print(ApiToken.issue(User.objects.create_user("alice@example.org"), "test")[1])
"""


@pytest.fixture
def server(tmp_path: Path, new_site: Path) -> Iterator[Server]:
    with Server(tmp_path, like=new_site) as server:
        yield server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, new_site: Path) -> Iterator[Server]:
    """Yield a server with a limit of one megabyte per image."""
    with Server(tmp_path_factory.mktemp("running"), like=new_site) as server:
        server.environment["MAX_UPLOAD_BYTES"] = "1000000"
        server.start()
        yield server


def eventually(seconds: float, true: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def token(server: Server) -> str:
    return server.python(MAKE_TOKEN)


def submit(server: Server, session: requests.Session, count: int) -> str:
    photo = make_photo(1600, 1200)
    body: dict[str, Any] = {
        "files": [{"name": f"{n}.jpg", "size": len(photo)} for n in range(count)],
        "outputs": [{"format": "webp"}, {"format": "avif"}],
    }
    answer = session.post(f"{server.url}/api/v1/batches", json=body)
    assert answer.status_code == 201, answer.text
    for upload in answer.json()["uploads"]:
        form = upload["form"]
        url = urljoin(server.url, form["url"])
        sent = session.post(url, data=form["fields"], files={"file": photo})
        assert sent.status_code == 201, sent.text
    identifier: str = answer.json()["id"]
    return identifier


def test_a_killed_server_finishes_at_its_next_start(server: Server, token: str) -> None:
    server.start()
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        batch = submit(server, session, 3)

        def states() -> list[str]:
            jobs = session.get(f"{server.url}/api/v1/batches/{batch}").json()["jobs"]
            return [job["status"] for job in jobs]

        assert eventually(60, lambda: "finished" in states())
        assert set(states()) != {"finished"}, "too quick to be interrupted: give it more images"
        family = server.end(signal.SIGKILL)
        assert family
        assert eventually(60, lambda: not any(process.is_running() for process in family))

        server.start()
        assert eventually(60, lambda: set(states()) == {"finished"}), states()


def test_it_shuts_down_cleanly_when_asked(server: Server) -> None:
    server.start()
    family = server.end()
    assert server.process
    assert server.process.returncode == 0
    assert eventually(60, lambda: not any(process.is_running() for process in family))


@pytest.mark.slow
def test_asked_twice_it_still_shuts_down_cleanly(server: Server) -> None:
    server.start()
    process = server.process
    assert process
    again = threading.Timer(0.2, process.terminate)
    again.start()
    family = server.end()
    again.join()
    assert process.returncode == 0
    assert eventually(60, lambda: not any(child.is_running() for child in family))


@pytest.mark.slow
def test_two_servers_cannot_work_on_one_folder(running: Server) -> None:
    second = subprocess.run(
        SERVE,
        cwd=ROOT,
        env=running.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode != 0
    assert "Another server is using" in second.stderr


def test_idle_connections_do_not_block_others(running: Server) -> None:
    port = urlsplit(running.url).port
    assert port
    with ExitStack() as browsers:
        for _ in range(200):
            browsers.enter_context(socket.create_connection(("127.0.0.1", port)))
        assert requests.get(f"{running.url}/healthz", timeout=60).ok


def test_a_request_cannot_last_forever(running: Server) -> None:
    for size, reason in ((1_500_000, "Unauthorized"), (3_000_000, "Request Entity Too Large")):
        answer = requests.post(f"{running.url}/api/v1/convert", files={"file": bytes(size)}, timeout=60)
        assert answer.reason == reason


def test_it_does_not_start_with_an_unsafe_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raster, "check", lambda: ["libheif 1.23.0 is not safe."])
    with pytest.raises(CommandError, match=r"libheif 1\.23\.0 is not safe\. Reinstall the dependencies\."):
        call_command("serve")


def test_the_start_says_which_layer_of_the_sandbox_is_missing(
    monkeypatch: pytest.MonkeyPatch, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sandbox, "missing_layers", lambda: {"landlock": "this kernel has none"})
    safety._look_at_sandbox()
    assert [record.getMessage() for record in caplog.records] == [
        "The sandbox lacks landlock: this kernel has none"
    ]
    settings.CONVERTER_SANDBOX_REQUIRED = True
    with pytest.raises(CommandError, match="lacks landlock, and SANDBOX_REQUIRED is on"):
        call_command("serve", port=0)


def test_a_name_with_two_addresses_is_served_on_both(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def two(host: str, *rest: Any, **options: Any) -> Any:
        return [*real("127.0.0.1", *rest, **options), *real("127.0.0.2", *rest, **options)]

    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", two)
        server = serving.create_server(
            None, host="localhost", port=0, path="", most_bytes=1, trusted=[], auth_header=""
        )
    try:
        assert len(server.effective_listen) == 2
        for host, port in server.effective_listen:
            socket.create_connection((host, port), 60).close()
        assert serving.address(server, "localhost") == f"http://localhost:{server.effective_listen[0][1]}"
    finally:
        server.close()


def test_the_url_of_an_ipv6_address_works_in_browsers() -> None:
    class Listening:
        effective_port = 8216

    assert serving.address(Listening(), "::1") == "http://[::1]:8216"


@pytest.mark.parametrize("port", ["99999", "-1", "x", ""])
def test_a_number_that_is_no_port_is_refused(port: str) -> None:
    with pytest.raises(CommandError, match="is not a number from 0 to 65535"):
        call_command("serve", f"--port={port}")


def test_a_host_without_an_address_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DATA_DIR", tmp_path)
    monkeypatch.setattr(safety, "prepare", lambda: None)
    monkeypatch.setattr(serve, "_start_workers", lambda: None)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(
        CommandError, match=r"^Cannot listen on nowhere\.invalid: there is no such address\.$"
    ):
        call_command("serve", "--host=nowhere.invalid")


@pytest.mark.slow
def test_a_port_in_use_is_reported_in_one_line(server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "manage.py", "serve", "--port", str(port)]
        done = subprocess.run(command, cwd=ROOT, env=server.environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"Cannot listen on 127.0.0.1, port {port}" in done.stderr
    assert "Traceback" not in done.stderr
