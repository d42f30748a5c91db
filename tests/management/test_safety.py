from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

import manage
from converter.management import safety


@pytest.mark.django_db
def test_it_does_not_start_on_a_database_without_tables() -> None:
    safety.check_database()
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(
        "converter", max(name for app, name in recorder.applied_migrations() if app == "converter")
    )
    with pytest.raises(CommandError, match=r"1 migrations are unapplied.*manage\.py migrate"):
        safety.check_database()


def test_a_locked_database_delays_the_start_only_by_its_timeout(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(connection: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(safety, "MigrationExecutor", fail)
    safety.check_database()
    assert "Could not check the database for unapplied migrations" in caplog.text


COMMANDS = [("sweep",), ("create_api_token", "a@example.org"), ("invite",)]


@pytest.mark.django_db
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_reports_missing_tables_in_one_sentence(
    command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda _: {})
    with pytest.raises(CommandError, match=r"^The database is new .* Run manage\.py migrate first"):
        call_command(*command)


@pytest.mark.django_db
def test_an_empty_site_cannot_be_backed_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MigrationRecorder, "applied_migrations", lambda _: {})
    with pytest.raises(CommandError, match="nothing to back up"):
        call_command("backup", str(tmp_path / "a.tar"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["sweep"], ["sweep", "--traceback"]])
def test_a_database_that_does_not_respond_is_reported_in_one_sentence(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(argv: list[str]) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("django.core.management.execute_from_command_line", fail)
    monkeypatch.setattr("sys.argv", ["manage.py", *words])
    expected = OperationalError if "--traceback" in words else SystemExit
    with pytest.raises(expected, match="database is locked"):
        manage.main()
