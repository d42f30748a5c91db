"""Backups are made while the site runs, and restored to an empty folder."""

from __future__ import annotations

import io
import json
import sqlite3
import stat
import subprocess
import sys
import tarfile
import threading
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
from django.core.management import CommandError, call_command

from converter.management import backups
from tests.databases import postgresql
from tests.server import ROOT, Server
from tests.test_serve import eventually, submit

PASSWORD = "correct horse battery"
PEOPLE = f"""
from imagesite.accounts.models import ApiToken, User

print(ApiToken.issue(User.objects.create_user("alice@example.org", "{PASSWORD}"), "test")[1])
"""


class Release(NamedTuple):
    """What alice@example.org had in a release, with everything that a program could create then."""

    file: str
    token: str
    share: str


RELEASES = [
    Release(
        "first-release.sql",
        "img_lViWhKzrB8aw66tn_ksyPCxLLnJefsh7LFrIBOKYJdo",
        "ETjfTwMDorz6vEShaGMYkVSvTj6QT9wW",
    ),
    Release(
        "release-1.0.sql",
        "img_KjAxhljOKXPWMbHd8OemiVpi0bjn_eHFMKhDY6UvHg4",
        "sdGLfx7H7b30y9BTA9sgfGeisEamFrJD",
    ),
]


def log_in(site: Server) -> requests.Session:
    visitor = requests.Session()
    page = visitor.get(f"{site.url}/accounts/login/", timeout=60)
    form = {
        "csrfmiddlewaretoken": visitor.cookies["csrftoken"],
        "username": "alice@example.org",
        "password": PASSWORD,
    }
    assert visitor.post(page.url, form, timeout=60).url == f"{site.url}/convert/"
    return visitor


def keys(rows: sqlite3.Connection) -> list[str]:
    """Return the storage keys of the results of finished jobs."""
    query = """
        SELECT upload.owner_id, upload.id, job.id, job.recipe_hash
        FROM converter_job job JOIN converter_upload upload ON upload.id = job.upload_id
        WHERE job.status = 'finished'
    """
    return [
        "/".join(["results", *(str(uuid.UUID(pk)) for pk in ids), recipe[:16]])
        for *ids, recipe in rows.execute(query)
    ]


def assert_rows_and_files_match(data: Path) -> None:
    """Check that rows and files in storage match exactly."""
    restored = files_of(data)
    with closing(sqlite3.connect(data / "db.sqlite3")) as rows:
        assert rows.execute("SELECT count(*) FROM converter_upload").fetchone()[0] > 1, "not busy"
        assert {path for path in keys(rows) if path.startswith("results/")} <= set(restored)
        received = "SELECT key FROM converter_upload WHERE received_at IS NOT NULL"
        assert {key for (key,) in rows.execute(received)} <= set(restored)
        assert {Path(name).parts[2].replace("-", "") for name in restored} <= {
            pk for (pk,) in rows.execute("SELECT id FROM converter_upload")
        }


def files_of(data: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(data)): path.read_bytes()
        for bucket in ("uploads", "results")
        for path in (data / bucket).rglob("*")
        if path.is_file()
    }


@pytest.mark.slow
@pytest.mark.system
def test_a_backup_of_a_busy_site_is_restored_into_an_empty_folder(tmp_path: Path, new_site: Path) -> None:
    with Server(tmp_path / "old", like=new_site) as old, Server(tmp_path / "new") as new:
        token = old.python(PEOPLE)
        old.start()
        with requests.Session() as program:
            program.headers["Authorization"] = f"Bearer {token}"
            batch = submit(old, program, 1)
            address = f"/api/v1/batches/{batch}"
            assert eventually(
                60, lambda: program.get(old.url + address, timeout=60).json()["status"] == "finished"
            )
            done = threading.Event()
            busy = threading.Thread(target=lambda: [submit(old, program, 1) for _ in iter(done.is_set, True)])
            busy.start()
            (old.data / "uploads/.partial").mkdir(exist_ok=True)
            (old.data / "uploads/.partial/half").write_bytes(b"still being written")
            said = old.manage("backup", str(tmp_path / "site.tar"))
            done.set()
            busy.join()
            old.end()

            assert "MB" in said
            assert stat.S_IMODE((tmp_path / "site.tar").stat().st_mode) == 0o600
            assert not (old.data / ".backup").exists()
            said = new.manage("restore", str(tmp_path / "site.tar"))
            assert str(new.data) in said
            assert_rows_and_files_match(new.data)

            new.prepare()
            new.start()
            result = program.get(new.url + address, timeout=60).json()["jobs"][0]["result"]
            assert len(program.get(new.url + result["url"], timeout=60).content) == result["size"]
        with log_in(new) as visitor:
            assert visitor.get(f"{new.url}/batches/{batch}/", timeout=60).ok


@pytest.mark.slow
@pytest.mark.system
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: release.file)
def test_a_backup_of_an_earlier_release_is_restored_and_upgraded(tmp_path: Path, release: Release) -> None:
    old, site = tmp_path / "old", Server(tmp_path / "new")
    with site, closing(sqlite3.connect(":memory:")) as rows:
        rows.executescript((ROOT / "tests" / "management" / "files" / release.file).read_text())
        [key] = keys(rows)
        sizes = "SELECT result_size FROM converter_job WHERE status = 'finished'"
        picture = b"the picture".ljust(rows.execute(sizes).fetchone()[0], b".")
        (old / key).parent.mkdir(parents=True)
        (old / key).write_bytes(picture)
        (old / "secret_key").write_text("the key of a site that was made by an earlier release")
        with closing(sqlite3.connect(old / "db.sqlite3")) as file:
            rows.backup(file)
        made = [
            f"{app}.{name}"
            for app, name in rows.execute("SELECT app, name FROM django_migrations")
            if app in ("accounts", "converter")
        ]
        members = {name: (old / name).read_bytes() for name in (key, "secret_key", "db.sqlite3")}
        write_tar(tmp_path / "first.tar", members, made)
        # The webhook's address is invalid; the release's files are kept until the end of the century.
        site.environment |= {"WEBHOOKS": "0"}
        site.manage("restore", str(tmp_path / "first.tar"))
        site.prepare()
        site.start()

        with log_in(site) as visitor:
            assert "red.png" in visitor.get(f"{site.url}/batches/", timeout=60).text
            assert "Small" in visitor.get(f"{site.url}/recipes/", timeout=60).text
        token = {"Authorization": f"Bearer {release.token}"}
        jobs = requests.get(f"{site.url}/api/v1/jobs?status=finished", headers=token, timeout=60).json()
        result = requests.get(site.url + jobs["items"][0]["result"]["url"], headers=token, timeout=60)
        assert result.content == picture
        assert requests.get(f"{site.url}/s/{release.share}/", timeout=60).ok
        hours = requests.get(f"{site.url}/api/v1/preferences", headers=token, timeout=60).json()
        assert hours["retention_hours"] == 5


def write_tar(path: Path, members: dict[str, bytes], migrations: list[str], **said: Any) -> None:
    """Write a backup in its file format."""
    manifest = {
        "version": 1,
        "made_at": "2026-01-01T00:00:00+00:00",
        "members": len(members),
        "migrations": migrations,
        **said,
    }
    with tarfile.open(path, "w") as tar:
        for name, content in {**members, "backup.json": json.dumps(manifest).encode()}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


# --- Refused backups
# ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.system
def test_existing_data_is_not_overwritten(tmp_path: Path, new_site: Path) -> None:
    with Server(tmp_path / "site", like=new_site) as site:
        site.python(PEOPLE)
        backup = tmp_path / "site.tar"
        site.manage("backup", str(backup))
        before = (site.data / "secret_key").read_text()
        for command, refusal in (
            (["backup", str(backup)], "already exists"),
            (["restore", str(backup)], "rows in the database"),
        ):
            done = subprocess.run(
                [sys.executable, "manage.py", *command],
                cwd=ROOT, env=site.environment, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 1
            assert refusal in done.stderr
            assert "Traceback" not in done.stderr
        assert (site.data / "secret_key").read_text() == before


def test_files_in_the_data_folder_prevent_a_restore(folders: Path, tmp_path: Path) -> None:
    (folders / "uploads" / "someone").mkdir(parents=True)
    with pytest.raises(CommandError, match="There are files in"):
        call_command("restore", tmp_path / "site.tar")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place"


def test_a_truncated_backup_is_refused(tmp_path: Path, place: Path) -> None:
    write_tar(tmp_path / "whole.tar", {"secret_key": b"x" * 5000}, [])
    whole = (tmp_path / "whole.tar").read_bytes()
    for length in range(0, len(whole) - 10_240, 512):
        (tmp_path / "cut.tar").write_bytes(whole[: length + 100])
        with pytest.raises(backups.BackupError, match="damaged|not complete"):
            backups._unpack(tmp_path / "cut.tar", place)
        for left in place.iterdir():
            left.unlink()


@pytest.mark.parametrize("name", ["/etc/cron.d/x", "uploads/../../x", "manage.py", "..", "uploads"])
def test_unknown_members_are_not_unpacked(tmp_path: Path, place: Path, name: str) -> None:
    write_tar(tmp_path / "strange.tar", {name: b"x"}, [])
    with pytest.raises(backups.BackupError, match="it contains"):
        backups._unpack(tmp_path / "strange.tar", place)
    assert files_of(tmp_path) == {}


def test_a_link_in_a_backup_is_not_followed(tmp_path: Path, place: Path) -> None:
    with tarfile.open(tmp_path / "strange.tar", "w") as tar:
        member = tarfile.TarInfo("uploads/x")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    with pytest.raises(backups.BackupError, match=r"contains uploads/x"):
        backups._unpack(tmp_path / "strange.tar", place)


@pytest.mark.parametrize("said", [{"version": 2}, {"migrations": ["converter.9999_not_yet"]}])
def test_a_backup_of_a_newer_version_is_refused(place: Path, said: dict[str, Any]) -> None:
    with pytest.raises(backups.BackupError, match="newer version"):
        backups._refuse_what_does_not_fit({"version": 1, "migrations": [], **said}, place)


# --- On PostgreSQL --------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.system
def test_rows_of_postgresql_are_restored_into_an_empty_database(tmp_path: Path) -> None:
    with (
        postgresql() as database,
        Server(tmp_path / "old") as old,
        Server(tmp_path / "new") as new,
        requests.Session() as program,
    ):
        old.environment["DATABASE_URL"], new.environment["DATABASE_URL"] = database("old"), database("new")
        program.headers["Authorization"] = f"Bearer {old.prepare(PEOPLE).splitlines()[-1]}"
        old.start()
        batch = submit(old, program, 1)
        address = f"/api/v1/batches/{batch}"
        assert eventually(
            60, lambda: program.get(old.url + address, timeout=60).json()["status"] == "finished"
        )
        old.manage("backup", str(tmp_path / "site.tar"))
        old.end()

        new.manage("restore", str(tmp_path / "site.tar"))
        new.prepare()
        new.start()
        result = program.get(new.url + address, timeout=60).json()["jobs"][0]["result"]
        assert len(program.get(new.url + result["url"], timeout=60).content) == result["size"]
        # New rows get ids that the restored ones do not have.
        assert submit(new, program, 1)
        with log_in(new) as visitor:
            assert visitor.get(f"{new.url}/batches/{batch}/", timeout=60).ok
