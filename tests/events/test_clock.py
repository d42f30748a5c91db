"""What the hourly event deletes besides images."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session

from converter.events import clock

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def session(lifetime: timedelta) -> SessionStore:
    made = SessionStore()
    made["email"] = "carol@example.org"
    made.set_expiry(lifetime)
    made.save()
    return made


def test_expired_sessions_are_deleted() -> None:
    session(timedelta(seconds=-1))
    lasting = session(timedelta(days=1))
    clock.sweep({}, None)
    assert list(Session.objects.values_list("pk", flat=True)) == [lasting.session_key]
