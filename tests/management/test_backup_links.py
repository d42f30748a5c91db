"""In the cloud, the worker transfers the rows of a backup through links signed by the caller."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from converter.management import backups
from tests.receiver import Receiver, receiver

pytestmark = pytest.mark.django_db  # a backup checks the tables first


@pytest.fixture
def bucket(settings: Any, tmp_path: Path) -> Iterator[Receiver]:
    settings.IN_CLOUD = True
    settings.DATA_DIR = tmp_path
    with receiver() as found:
        yield found


def write(path: Path) -> dict[str, Any]:
    path.write_bytes(b"rows" * 10_000)
    return {}


def test_the_rows_are_sent_to_the_link_and_no_copy_stays(
    bucket: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "write", write)
    (tmp_path / "backup.tar").write_text("of a call that was cut off")
    call_command("backup", f"{bucket.url}/backup/x.tar?X-Amz-Signature=1")
    (asked,) = bucket.asked
    assert (asked.method, asked.path) == ("PUT", "/backup/x.tar?X-Amz-Signature=1")
    assert asked.body == b"rows" * 10_000
    assert not (tmp_path / "backup.tar").exists()


def test_the_rows_are_restored_from_the_link(
    bucket: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    restored = []
    monkeypatch.setattr(backups, "restore", lambda path: restored.append(path.read_bytes()))
    bucket.answers["/backup/x.tar"] = (200, {}, b"rows" * 10_000)
    call_command("restore", f"{bucket.url}/backup/x.tar")
    assert restored == [b"rows" * 10_000]
    assert not (tmp_path / "restore.tar").exists()


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_refused_link_is_an_error(bucket: Receiver, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "write", write)
    bucket.answers["/x"] = (403, {}, b"")
    with pytest.raises(CommandError, match="S3 returned status 403"):
        call_command(command, f"{bucket.url}/x")


def test_a_bucket_that_does_not_respond_is_an_error(bucket: Receiver) -> None:
    with pytest.raises(CommandError, match="S3 did not respond"):
        call_command("restore", "http://127.0.0.1:9/x")


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_backup_is_not_written_to_the_functions_own_files(bucket: Receiver, command: str) -> None:
    with pytest.raises(CommandError, match=f"run `make {command}`"):
        call_command(command, "/tmp/site.tar")


@pytest.mark.django_db
def test_a_used_site_says_so_before_anything_is_sent(bucket: Receiver, django_user_model: Any) -> None:
    call_command("restore", "empty")
    django_user_model.objects.create_user("alice@example.org")
    with pytest.raises(CommandError, match="Restore into a new, unused site"):
        call_command("restore", "empty")
    assert bucket.asked == []
