"""The container: built by Buildah on a base image made of Debian's packages, and started."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.server import ROOT
from tests.test_serve import eventually

pytestmark = [pytest.mark.system, pytest.mark.slow(minutes=5)]

PACKAGES = "python3,python3-pip,ca-certificates"
# Like the official Python image: `python` exists, and pip may install.
AS_PYTHON = "ln -s /usr/bin/python3 /usr/local/bin/python && rm -f /usr/lib/python3*/EXTERNALLY-MANAGED"


class Builder:
    def __init__(self, folder: Path) -> None:
        self._options = ["--root", str(folder / "storage"), "--runroot", str(folder / "run")]
        self._environment = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}

    def words(self, *words: str | Path) -> list[str | Path]:
        return ["buildah", *self._options, *words]

    def __call__(self, *words: str | Path) -> str:
        done = subprocess.run(
            self.words(*words), cwd=ROOT, env=self._environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout.strip()

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.words(*words), env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    assert os.geteuid() == 0, "building an image of Debian's packages needs root"
    for program in ("buildah", "mmdebstrap"):
        assert shutil.which(program), f"{program} is needed to build the image: apt-get install {program}"
    folder = tmp_path_factory.mktemp("images")
    system = folder / "base.tar"
    subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", "bookworm", system],
        check=True,
    )
    builder = Builder(folder)
    base = builder("from", "scratch")
    builder("add", "--quiet", base, system, "/")
    builder("run", base, "--", "sh", "-c", AS_PYTHON)
    if certificates := os.environ.get("PIP_CERT"):  # of a proxy for packages
        builder("copy", "--quiet", base, certificates, certificates)
        builder("config", "--env", f"PIP_CERT={certificates}", base)
    builder("commit", "--quiet", base, "localhost/python:slim")
    builder("rm", base)
    yield builder
    builder("rm", "--all")
    builder("rmi", "--all", "--force")


def test_the_image_is_built_and_serves_without_being_root(builder: Builder) -> None:
    builder(
        "bud", "--quiet", "--build-arg", "PYTHON=localhost/python:slim", "--tag", "localhost/imagesite", "."
    )
    container = builder("from", "localhost/imagesite")
    assert builder("run", container, "--", "id", "--user") == "10001"
    held = builder("run", container, "--", "ls", "--almost-all").split()
    assert "manage.py" in held
    assert not {".git", ".venv", "tests", "var"} & set(held)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    site = builder.start("run", container, "--", "deploy/run", "serve", "--host", "127.0.0.1", "--port", port)
    try:
        assert eventually(90, lambda: _answers(f"http://127.0.0.1:{port}/healthz"))
        assert requests.get(f"http://127.0.0.1:{port}/accounts/signup/", timeout=60).ok
        builder("run", container, "--", "deploy/healthy", port)
        builder("run", container, "--", "deploy/run", "backup", "/data/site.tar")
        modes = builder("run", container, "--", "stat", "--format", "%a %U", "/data", "/data/site.tar")
        assert modes.splitlines() == ["700 imagesite", "600 imagesite"]
    finally:
        site.terminate()
        site.wait(30)


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False
