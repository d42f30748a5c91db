"""Backups: one tar file with the database, the files and the secret key of a site at home.

| member | content |
|---|---|
| `secret_key` | the key created at the first start; absent if SECRET_KEY is set in the environment |
| `db.sqlite3` or `rows.jsonl` | the database: a copy of the SQLite file, or all rows serialized by Django |
| `uploads/…`, `results/…` | the files, unless they are in a bucket |
| `backup.json` | the manifest; it comes last, so that a truncated backup has none |
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from django.conf import settings
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from converter.storage.folder import PARTIAL, FolderStorage

VERSION = 1
MANIFEST, SECRET, SQLITE, ROWS = "backup.json", "secret_key", "db.sqlite3", "rows.jsonl"
# Created by `migrate` in every database; other rows refer to them by natural key.
MADE_BY_MIGRATE = ["contenttypes", "auth.permission"]
# Not backed up in the cloud, where they hold tokens of the user pool: users log in again.
SESSIONS = ["sessions"]


class BackupError(Exception):
    """The file cannot be restored here; the text says why."""


def write(path: Path) -> dict[str, Any]:
    """Write a backup and return its manifest. Raises FileExistsError.

    The site may keep running: rows and files are a consistent snapshot, during which writers wait.
    """
    with (
        open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file,
        _scratch() as scratch,
    ):
        try:
            (_sqlite_snapshot if connection.vendor == "sqlite" else _rows_snapshot)(scratch)
            manifest = _pack(scratch, file)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink()
            raise
    return manifest


def _pack(scratch: Path, file: IO[bytes]) -> dict[str, Any]:
    found = sorted(entry for entry in scratch.rglob("*") if entry.is_file())
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in found:
            tar.add(entry, str(entry.relative_to(scratch)), filter=_anonymous)
        manifest = {
            "version": VERSION,
            "made_at": timezone.now().isoformat(timespec="seconds"),
            "members": len(found),
            "migrations": _ours(MigrationRecorder(connection).applied_migrations()),
        }
        (scratch / MANIFEST).write_text(json.dumps(manifest, indent=2))
        tar.add(scratch / MANIFEST, MANIFEST, filter=_anonymous)
    return manifest


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Remove the system account from the member, and make it readable only by its owner."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o600
    return member


def _ours(migrations: Iterable[tuple[str, str]]) -> list[str]:
    """Return the names of our own migrations; those of Django depend on its version."""
    return sorted(f"{app}.{name}" for app, name in migrations if app in ("accounts", "converter"))


# --- Snapshots --------------------------------------------------------------------------------------------


@contextmanager
def _scratch() -> Iterator[Path]:
    """Create a temporary folder beside the data, for hard links, after removing that of a killed backup."""
    path = settings.DATA_DIR / ".backup"
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def _sqlite_snapshot(scratch: Path) -> None:
    with transaction.atomic():  # IMMEDIATE (imagesite/databases.py): blocks writers, not readers
        _link_files(scratch)
        source = sqlite3.connect(f"file:{connection.settings_dict['NAME']}?mode=ro", uri=True)
        with closing(source), closing(sqlite3.connect(scratch / SQLITE)) as copy:
            source.backup(copy)


def _rows_snapshot(scratch: Path) -> None:
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            point = transaction.savepoint()
            # Locked before the first query, with which the snapshot begins.
            cursor.execute("LOCK TABLE converter_batch, converter_upload, converter_job IN SHARE MODE")
            cursor.execute("SELECT 1")
            _link_files(scratch)
            transaction.savepoint_rollback(point)  # releases the lock; the snapshot lasts until the end
        call_command(
            "dumpdata",
            format="jsonl",
            exclude=[*MADE_BY_MIGRATE, *(SESSIONS if settings.IN_CLOUD else [])],
            use_natural_foreign_keys=True,
            output=str(scratch / ROWS),
            verbosity=0,
        )


def _link_files(scratch: Path) -> None:
    """Copy the secret and hard-link the files: fast, and safe as the site never modifies files in place."""
    key = settings.DATA_DIR / SECRET
    if key.exists():
        shutil.copyfile(key, scratch / SECRET)
    for bucket in folders():
        for root, inner, names in os.walk(Path(bucket.location, bucket.bucket_name)):
            if PARTIAL in inner:  # still being written
                inner.remove(PARTIAL)
            target = scratch / Path(root).relative_to(bucket.location)
            target.mkdir(parents=True, exist_ok=True)
            for name in names:
                _link(Path(root, name), target / name)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        return  # deleted meanwhile
    except OSError:
        shutil.copyfile(source, target)  # no hard links, or another file system


def folders() -> list[FolderStorage]:
    """Return the buckets that are folders."""
    return [
        bucket for bucket in (storages["uploads"], storages["results"]) if isinstance(bucket, FolderStorage)
    ]


# --- Restoring --------------------------------------------------------------------------------------------


def restore(path: Path) -> dict[str, Any]:
    """Restore a backup into an empty data folder and database, migrate it, and return its manifest.

    Raises BackupError with nothing changed.
    """
    refuse_what_is_used()
    place = settings.DATA_DIR / ".restore"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    try:
        manifest = _unpack(path, place)
        _refuse_what_does_not_fit(manifest, place)
        if (place / ROWS).exists():
            _load_rows(place / ROWS)
        connection.close()
        if (place / SQLITE).exists():
            shutil.move(place / SQLITE, connection.settings_dict["NAME"])  # may be on another disk
        for entry in place.iterdir():
            os.replace(entry, settings.DATA_DIR / entry.name)
    finally:
        shutil.rmtree(place)
    call_command("migrate", verbosity=0)
    return manifest


def refuse_what_is_used() -> None:
    """Raise BackupError if this site has files or rows."""
    kept = [
        bucket.bucket_name for bucket in folders() if any(Path(bucket.location, bucket.bucket_name).glob("*"))
    ]
    if kept or _has_rows():
        what = f"files in {settings.DATA_DIR / kept[0]}" if kept else "rows in the database"
        where = "a new, unused site" if settings.IN_CLOUD else "an empty folder: set DATA_DIR to a new one"
        raise BackupError(f"There are {what}. Restore into {where}.")


def _has_rows() -> bool:
    """Return whether the database is in use; after `migrate` alone it is not."""
    tables = set(connection.introspection.table_names())
    if "accounts_user" not in tables:
        return bool(tables)
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM accounts_user)")
        return bool(cursor.fetchone()[0])


def _unpack(path: Path, place: Path) -> dict[str, Any]:
    """Unpack a backup and return its manifest. Raises BackupError for unknown members or a truncated file."""
    count = 0
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() and _is_known(member.name) else None
                if content is None:
                    raise BackupError(f"{path} is not a backup of this site: it contains {member.name}.")
                target = place / member.name
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("wb") as file:
                    shutil.copyfileobj(content, file)
                count += 1
    except (tarfile.TarError, EOFError) as exc:
        raise BackupError(f"{path} is not a backup, or is damaged: {exc}.") from exc
    try:
        manifest: dict[str, Any] = json.loads((place / MANIFEST).read_text())
    except FileNotFoundError as exc:
        raise BackupError(f"{path} is incomplete: its end is missing.") from exc
    if manifest["members"] != count - 1:
        raise BackupError(f"{path} is incomplete: it contains {count - 1} of {manifest['members']} files.")
    (place / MANIFEST).unlink()
    return manifest


def _is_known(name: str) -> bool:
    path = PurePosixPath(name)
    is_file = len(path.parts) > 1 and path.parts[0] in ("uploads", "results") and ".." not in path.parts
    return is_file or name in (MANIFEST, SECRET, SQLITE, ROWS)


def _refuse_what_does_not_fit(manifest: dict[str, Any], place: Path) -> None:
    known, made = _ours(MigrationLoader(None).disk_migrations or ()), manifest["migrations"]
    if manifest["version"] > VERSION or not set(made) <= set(known):
        raise BackupError("This backup was made by a newer version. Install that version first.")
    if (place / SQLITE).exists() != (connection.vendor == "sqlite"):
        raise BackupError(
            "This backup contains an SQLite database. Restore it without DATABASE_URL."
            if (place / SQLITE).exists()
            else "This backup contains the rows of another database. Set DATABASE_URL to an empty one."
        )
    if not folders() and ((place / "uploads").exists() or (place / "results").exists()):
        raise BackupError(
            "This backup contains files, and this site stores them in buckets. Restore it without them."
        )
    if (place / ROWS).exists() and made != known:
        raise BackupError(
            "This backup was made by an older version. Restore it with that version, then upgrade."
        )
    if (place / SQLITE).exists():
        with closing(sqlite3.connect(place / SQLITE)) as copy:
            found = copy.execute("PRAGMA quick_check").fetchone()[0]
        if found != "ok":
            raise BackupError(f"The database in this backup is damaged: {found}.")


def _load_rows(path: Path) -> None:
    call_command("migrate", verbosity=0)
    call_command("loaddata", str(path), verbosity=0)
    path.unlink()
