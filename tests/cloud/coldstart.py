"""How long a cold start takes: the packaged web function beside an empty Django project packaged the same way.

    python -m tests.cloud.coldstart

Both start in turn, in this run, on this machine; the ratio of the medians is what counts.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from infra import package
from tests.cloud.gateway import ORIGIN_SECRET, proxy_event, read, through_cloudfront
from tests.cloud.lambdas import Function, unpack

RUNS = 9
HOST = "images.example.com"


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="coldstart-"))
    try:
        measure(folder)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path) -> None:
    settings = package.ROOT / "zappa_settings.json"
    ours = folder / "ours"
    package.make(ours, settings)
    unpack(ours / "imagesite.zip", ours / "task")
    empty = make_empty(folder / "empty", ours / "venv")
    stage = json.loads(settings.read_text())["production"]["aws_environment_variables"]
    aws = {
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "INSTANTIATE_LAMBDA_HANDLER_ON_IMPORT": "1",
    }
    del stage["SECRETS_PATH"]
    environment = {
        **stage,
        **aws,
        "CLOUDFRONT_KEY_ID": "",
        "DATABASE_URL": f"sqlite:///{folder / 'db.sqlite3'}",
        "ORIGIN_SECRETS": ORIGIN_SECRET,
        "SECRET_KEY": "k" * 60,
    }
    pages = {
        "empty project": (empty, aws, proxy_event("GET", "/")),
        "this site": (ours / "task", environment, through_cloudfront("GET", "/", host=HOST)),
    }
    times: dict[str, list[float]] = {name: [] for name in pages}
    for _ in range(RUNS):
        for name, (code, variables, event) in pages.items():
            start = time.perf_counter()
            function = Function(code, variables)
            function.wait()
            answer, failed, log = function.invoke(event)
            times[name].append(time.perf_counter() - start)
            function.close()
            assert not failed, log
            assert read(answer)[0] == 200, answer
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, median in medians.items():
        print(f"{name:15} {median * 1000:6.0f} ms, init and first page, median of {RUNS}")
    print(f"{'ratio':15} {medians['this site'] / medians['empty project']:6.2f}")


def make_empty(folder: Path, venv: Path) -> Path:
    """Package what `startproject` makes, with the same dependencies beside it."""
    site = folder / "site"
    site.mkdir(parents=True)
    command = [sys.executable, "-m", "django", "startproject", "empty", str(site)]
    subprocess.run(command, check=True)
    made = site / "empty" / "settings.py"
    made.write_text(made.read_text().replace("ALLOWED_HOSTS = []", "ALLOWED_HOSTS = ['*']"))
    settings = json.loads((package.ROOT / "zappa_settings.json").read_text())
    settings["base"]["django_settings"] = "empty.settings"
    (folder / "zappa_settings.json").write_text(json.dumps(settings))
    package.compile_all(site)
    archive = package.zip_with_zappa(site, venv, folder / "zappa_settings.json")
    return unpack(archive, folder / "task")


if __name__ == "__main__":
    main()
