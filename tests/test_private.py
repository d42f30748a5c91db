"""Files of a home server are accessible only to the account that runs the site."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from imagesite import private
from tests.server import ROOT, Server


def modes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): oct(path.stat().st_mode & 0o777)
        for path in (folder, *folder.rglob("*"))
        if "static" not in path.parts  # public files, and their parent folder is private
    }


@pytest.mark.slow
@pytest.mark.system
def test_nobody_else_on_the_machine_can_read_the_data(tmp_path: Path) -> None:
    data = tmp_path / "site"
    server = Server(data)
    before = os.umask(0o022)
    try:
        server.manage("migrate", "--verbosity", "0")
        server.start()
        found = modes(data)
        server.end()
    finally:
        os.umask(before)
    assert found["."] == "0o700"
    assert {"db.sqlite3", "db.sqlite3-wal", "secret_key", "serve.lock"} <= set(found)
    assert {mode for name, mode in found.items() if (data / name).is_file()} <= {"0o600"}


def test_an_older_open_folder_is_closed_at_start(tmp_path: Path) -> None:
    data = tmp_path / "site"
    data.mkdir(mode=0o755)
    database = data / "db.sqlite3"
    for name in ("db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm"):
        (data / name).touch(mode=0o644)
    private.make_folder(data)
    private.make_database(database)
    assert modes(data) == {
        ".": "0o700",
        "db.sqlite3": "0o600",
        "db.sqlite3-wal": "0o600",
        "db.sqlite3-shm": "0o600",
    }


@pytest.mark.parametrize("mode", [0o1777, 0o700])
def test_shared_or_private_folders_keep_their_permissions(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(mode)
    private.make_folder(folder)
    assert folder.stat().st_mode & 0o7777 == mode


def run_check(data: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "imagesite.settings",
            "DATA_DIR": str(data),
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.system
@pytest.mark.parametrize("key", ["", "x", "   \n", "too-short-to-be-random"])
def test_it_does_not_start_with_a_key_that_can_be_guessed(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret_key").write_text(key)
    done = run_check(tmp_path, SECRET_KEY="")
    assert done.returncode == 1
    assert done.stderr.startswith("The secret key is too short")
    assert "Traceback" not in done.stderr


@pytest.mark.system
def test_an_unusable_folder_is_reported_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    done = run_check(file / "data")
    assert done.returncode == 1
    assert done.stderr == f"DATA_DIR {file}/data cannot be created: Not a directory.\n"


def test_a_read_only_folder_is_reported_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # root may write everywhere, except on a read-only disk.
    monkeypatch.setattr("imagesite.private.os.access", lambda path, mode: False)
    with pytest.raises(ImproperlyConfigured, match="is not writable"):
        private.make_folder(tmp_path)
