from __future__ import annotations

import pytest
from django.core.management import CommandError
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from converter.management import safety


@pytest.mark.django_db
def test_it_does_not_start_on_a_database_that_lacks_tables() -> None:
    safety._look_at_database()
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied(
        "converter", max(name for app, name in recorder.applied_migrations() if app == "converter")
    )
    with pytest.raises(CommandError, match=r"lacks 1 migrations.*manage\.py migrate"):
        safety._look_at_database()


def test_a_database_that_is_locked_keeps_it_from_starting_no_longer_than_it_waits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(connection: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(safety, "MigrationExecutor", fail)
    safety._look_at_database()
    assert "does not say whether it is up to date" in caplog.text
