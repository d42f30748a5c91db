"""Contradictory settings are reported at startup."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from converter.checks import machines

POSTGRESQL, SQLITE = "django.db.backends.postgresql", "django.db.backends.sqlite3"


@pytest.mark.parametrize(
    ("engine", "bucket", "has_own_key", "wrong"),
    [
        (POSTGRESQL, "images", False, []),
        (SQLITE, "images", False, ["DATABASE_URL"]),
        (POSTGRESQL, "", False, ["S3_BUCKET"]),
        (POSTGRESQL, "images", True, ["SECRET_KEY"]),
    ],
)
def test_workers_elsewhere_must_reach_what_the_server_uses(
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    bucket: str,
    has_own_key: bool,
    wrong: list[str],
) -> None:
    settings.CONVERTER_DISPATCH = "converter.dispatch.queue.QueueDispatch"
    settings.DATA_DIR, settings.S3_BUCKET = tmp_path, bucket
    if has_own_key:
        (tmp_path / "secret_key").write_text("made here")
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", engine)
    assert [error.msg.split()[1] for error in machines()] == wrong


def test_a_server_with_its_own_workers_needs_nothing(settings: Any) -> None:
    settings.CONVERTER_DISPATCH = "converter.dispatch.pool.PoolDispatch"
    assert machines() == []
