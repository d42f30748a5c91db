"""Run a deployed zip as Lambda does: unpacked, in its own process, under AWS's runtime client.

Only the zip and that client are on the path (`-I -S`), so that nothing from the checkout or its environment
is used.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.metadata
import io
import json
import os
import queue
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.cloud.interpreter import lambda_python

BOOT = """
import sys
sys.path[:0] = sys.argv[1:3]
from awslambdaric.__main__ import main
main(["bootstrap", "handler.lambda_handler"])
"""
RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")
STARTS_WITHIN = 60  # seconds; Lambda itself allows 10, but its machines are not shared
ATTEMPTS = 3  # of an asynchronous invocation


class Api(BaseHTTPRequestHandler):
    """Lambda's Runtime API: the function requests the next event and posts its response or error."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Server

    def do_GET(self) -> None:
        self.server.ready.set()
        request_id, event, seconds = self.server.events.get()
        if request_id is None:
            self.close_connection = True
            return
        self._answer(
            200,
            event.encode(),
            {
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + seconds) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:x",
                "Content-Type": "application/json",
            },
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.answers.put((body, self.path.endswith("/error")))
        self.server.ready.set()
        self._answer(202, b"{}", {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            pass  # the function was terminated

    def log_message(self, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Api)
        self.ready = threading.Event()
        self.events: queue.Queue[tuple[str | None, str, float]] = queue.Queue()
        self.answers: queue.Queue[tuple[str, bool]] = queue.Queue()


class Function:
    """One execution environment. `invoke` processes one event at a time, as in Lambda."""

    def __init__(
        self, code: Path, environment: dict[str, str], *, seconds: float = 60, name: str = "function"
    ) -> None:
        self.seconds = seconds
        self.folder = Path(tempfile.mkdtemp(prefix="lambda-"))
        (self.folder / "boot.py").write_text(BOOT)
        self.log = (self.folder / "log").open("w+b")
        self._lock = threading.Lock()
        self._server = Server()
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        scratch = self.folder / "tmp"
        scratch.mkdir()
        self._process = subprocess.Popen(
            [lambda_python(), "-I", "-S", str(self.folder / "boot.py"), str(code), str(runtime_client())],
            cwd=code,
            env={
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
                "TZ": ":UTC",
                "TMPDIR": str(scratch),
                "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}",
                "AWS_LAMBDA_FUNCTION_NAME": name,
                "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
                "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
                "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
                "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
                "LAMBDA_TASK_ROOT": str(code),
                **environment,
            },
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self) -> None:
        """Return when the init phase is over; raise RuntimeError if it fails."""
        end = time.monotonic() + STARTS_WITHIN
        while not self._server.ready.wait(0.005) and self.is_alive and time.monotonic() < end:
            pass
        if not self._server.ready.is_set() or not self._server.answers.empty():
            log = self.read_log()
            self.close()
            raise RuntimeError(f"The function did not start: {log}")

    def invoke(self, event: Any) -> tuple[str, bool, str]:
        """Return the response as JSON, whether it is an error, and the log output."""
        with self._lock:
            start = self.log.seek(0, os.SEEK_END)
            self._server.events.put((str(uuid.uuid4()), json.dumps(event), self.seconds))
            try:
                answer, failed = self._await()
            except TimeoutError:
                self.close()
                answer, failed = json.dumps({"errorMessage": "Task timed out"}), True
            return answer, failed, self.read_log(start)

    def _await(self) -> tuple[str, bool]:
        end = time.monotonic() + self.seconds
        while True:
            try:
                return self._server.answers.get(timeout=0.5)
            except queue.Empty:
                if self._process.poll() is not None:
                    return json.dumps(
                        {"errorMessage": "Runtime exited", "errorType": "Runtime.ExitError"}
                    ), True
                if time.monotonic() > end:
                    raise TimeoutError from None

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def read_log(self, start: int = 0) -> str:
        with open(self.log.name, "rb") as file:
            file.seek(start)
            return file.read().decode(errors="replace")

    def close(self) -> None:
        if self.is_alive:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._server.events.put((None, "", 0))
        self._server.shutdown()
        self._server.server_close()
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


_client_lock = threading.Lock()
_client_folder: list[Path] = []


def runtime_client() -> Path:
    """Return a folder that contains only AWS's runtime client."""
    with _client_lock:
        if not _client_folder:
            folder = Path(tempfile.mkdtemp(prefix="runtime-"))
            (packages,) = Path(lambda_python()).parents[1].glob("lib/python*/site-packages")
            for name in RUNTIME:
                (found,) = importlib.metadata.distributions(name=name, path=[str(packages)])
                for file in found.files or ():
                    if file.parts[0] != ".." and file.suffix != ".pyc":
                        (folder / file).parent.mkdir(parents=True, exist_ok=True)
                        shutil.copy(file.locate(), folder / file)
            _client_folder.append(folder)
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return _client_folder[0]


def unpack(archive: bytes | Path, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(archive) if isinstance(archive, bytes) else archive) as file:
        file.extractall(folder)
    return folder


class Fleet:
    """The functions of an account: one environment for each, recreated when code or settings change."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        self._lock = threading.Lock()
        self._running: dict[str, tuple[str, Function]] = {}
        self._waiting: dict[str, queue.Queue[Any]] = {}
        self.logs: dict[str, str] = {}

    def invoke(self, model: Any, event: Any) -> tuple[str, bool, str]:
        answer, failed, log = self._environment_of(model).invoke(event)
        self.logs[model.function_name] = self.logs.get(model.function_name, "") + log
        return answer, failed, log

    def invoke_later(self, model: Any, event: Any) -> None:
        """Queue an asynchronous invocation; retry failures, as AWS does after one and two minutes."""
        with self._lock:
            if model.function_name not in self._waiting:
                waiting: queue.Queue[Any] = queue.Queue()
                self._waiting[model.function_name] = waiting
                threading.Thread(target=self._work, args=[waiting], daemon=True).start()
        self._waiting[model.function_name].put((model, event, 1))

    def _work(self, waiting: queue.Queue[Any]) -> None:
        while True:
            model, event, attempt = waiting.get()
            _, failed, _ = self.invoke(model, event)
            if failed and attempt < ATTEMPTS:
                waiting.put((model, event, attempt + 1))

    def _environment_of(self, model: Any) -> Function:
        # Lambda gives a function the credentials of its role; here the access key is the role's name.
        role = {"AWS_ACCESS_KEY_ID": model.role.rpartition("/")[2]}
        settings = {**self.environment, **role, **(model.environment_vars or {})}
        mark = hashlib.sha256(model.code_bytes + json.dumps(settings, sort_keys=True).encode()).hexdigest()
        with self._lock:
            known = self._running.get(model.function_name)
            if known and known[0] == mark and known[1].is_alive:
                return known[1]
            if known and known[1].is_alive:
                known[1].close()
            code = self.folder / mark[:16]
            if not code.exists():
                unpack(model.code_bytes, code)
            function = Function(code, settings, seconds=model.timeout, name=model.function_name)
            self._running[model.function_name] = (mark, function)
        function.wait()
        return function

    def close(self) -> None:
        for _, function in self._running.values():
            if function.is_alive:
                function.close()
