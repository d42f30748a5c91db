"""A user's preferences for future conversions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from converter import checks, jobs
from converter.engine import Recipe
from converter.models import Batch, Preferences, Upload

pytestmark = pytest.mark.django_db

WEBP = Recipe.parse({"format": "webp"})
DAY = timedelta(days=1)


def submit(owner: Any, **sources: Any) -> Batch:
    return jobs.submit.submit(owner, outputs=[WEBP], **(sources or {"files": [jobs.NewFile("a.jpg", 5)]}))


def test_users_without_a_choice_have_the_default_retention(alice: Any, settings: Any) -> None:
    batch = submit(alice)
    assert batch.expires_at - batch.created_at == settings.CONVERTER_RETENTION
    assert batch.jobs.get().upload.expires_at == batch.expires_at


def test_files_are_kept_as_long_as_their_owner_chose(alice: Any, bob: Any, settings: Any) -> None:
    Preferences.objects.create(owner=alice, retention=3 * DAY)
    hers, his = submit(alice), submit(bob)
    assert hers.expires_at - hers.created_at == 3 * DAY
    assert hers.jobs.get().upload.expires_at == hers.expires_at
    assert his.expires_at - his.created_at == settings.CONVERTER_RETENTION
    kept = jobs.keep_image(alice, jobs.NewFile("mark.png", 5))
    assert kept.expires_at - kept.created_at == 3 * DAY


def test_a_choice_does_not_affect_existing_files(alice: Any, settings: Any) -> None:
    before = submit(alice)
    Preferences.objects.create(owner=alice, retention=timedelta(hours=1))
    before.refresh_from_db()
    assert before.expires_at - before.created_at == settings.CONVERTER_RETENTION


def test_a_site_that_lowers_its_bounds_keeps_nothing_longer(alice: Any, settings: Any) -> None:
    Preferences.objects.create(owner=alice, retention=7 * DAY)
    settings.CONVERTER_MAX_RETENTION = 2 * DAY
    batch = submit(alice)
    assert batch.expires_at - batch.created_at == 2 * DAY


def here(owner: Any, age: timedelta, left: timedelta) -> Upload:
    """Return an upload that arrived `age` ago and is kept for the time `left`."""
    upload = jobs.keep_image(owner, jobs.NewFile("a.jpg", 5))
    now = timezone.now()
    Upload.objects.filter(pk=upload.pk).update(
        created_at=now - age, received_at=now - age, expires_at=now + left
    )
    upload.refresh_from_db()
    return upload


def test_converting_again_never_shortens_the_time_of_an_original(alice: Any) -> None:
    upload = here(alice, age=DAY, left=5 * DAY)
    Preferences.objects.create(owner=alice, retention=timedelta(hours=1))
    submit(alice, uploads=[upload])
    kept_until = upload.expires_at
    upload.refresh_from_db()
    assert upload.expires_at == kept_until


def test_converting_again_keeps_an_original_with_the_new_results(alice: Any) -> None:
    upload = here(alice, age=DAY, left=timedelta(hours=1))
    Preferences.objects.create(owner=alice, retention=3 * DAY)
    batch = submit(alice, uploads=[upload])
    upload.refresh_from_db()
    assert upload.expires_at == batch.expires_at


def test_no_original_is_kept_longer_than_a_file_may_be_however_often_it_is_used(
    alice: Any, settings: Any
) -> None:
    """The buckets delete by age."""
    old, young = here(alice, age=6 * DAY, left=DAY), here(alice, age=DAY, left=DAY)
    Preferences.objects.create(owner=alice, retention=5 * DAY)
    batch = submit(alice, uploads=[old, young])
    old.refresh_from_db()
    young.refresh_from_db()
    assert old.expires_at - old.created_at == settings.CONVERTER_MAX_RETENTION
    assert young.expires_at == batch.expires_at


@pytest.mark.parametrize(
    ("retention", "most", "found"),
    [(24, 168, []), (24, 24, []), (0, 168, ["converter.E001"]), (200, 168, ["converter.E002"])],
)
def test_bounds_that_contradict_each_other_are_found_before_anything_starts(
    settings: Any, retention: int, most: int, found: list[str]
) -> None:
    settings.CONVERTER_RETENTION = timedelta(hours=retention)
    settings.CONVERTER_MAX_RETENTION = timedelta(hours=most)
    assert [error.id for error in checks.retention()] == found
