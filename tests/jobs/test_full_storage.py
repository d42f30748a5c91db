"""The error for a full storage quota names what uses the space, and what helps."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from converter import jobs
from converter.jobs import NewFile
from converter.jobs.quota import BytesLeft
from converter.models import Batch, Logo, Upload
from tests.jobs.conftest import submit

pytestmark = pytest.mark.django_db

MOST = 100_000


@pytest.fixture(autouse=True)
def _little_room(settings: Any) -> None:
    settings.CONVERTER_BYTES_KEPT = settings.CONVERTER_GUEST_BYTES_KEPT = MOST


def refusal(owner: Any, size: int = MOST // 2, batch: uuid.UUID | None = None) -> str:
    with pytest.raises(jobs.OverQuota) as caught:
        BytesLeft(owner, batch=batch).take(size)
    return str(caught.value)


def test_a_user_with_batches_is_told_to_delete_one(alice: Any) -> None:
    submit(alice, "a.jpg", size=MOST - 9)
    assert "Delete a batch" in refusal(alice)
    assert "Delete a batch" in refusal(alice, batch=uuid.uuid4())


def test_files_larger_than_the_storage_must_be_smaller(alice: Any) -> None:
    assert "Convert fewer at once" in refusal(alice, MOST + 1)


def test_the_results_of_the_only_batch_must_be_smaller(alice: Any) -> None:
    batch = submit(alice, "a.jpg", size=MOST - 9)
    assert "Convert fewer at once" in refusal(alice, batch=batch.pk)


@pytest.mark.parametrize("expired", [False, True])
def test_images_in_no_batch_are_deleted_automatically(alice: Any, expired: bool) -> None:
    if expired:
        jobs.expire(submit(alice, "old.jpg"))
    jobs.announce(alice, [NewFile("a.jpg", MOST - 9)])
    words = refusal(alice)
    assert "did not convert" in words
    assert "Delete a batch" not in words


def test_an_image_that_was_only_previewed_is_in_no_batch(alice: Any) -> None:
    submit(alice, "a.jpg", size=MOST - 9)
    Batch.objects.update(kept=False)
    assert "did not convert" in refusal(alice)


def test_logos_of_recipes_go_with_these(alice: Any) -> None:
    Logo.objects.create(owner=alice, name="logo.png", data=b"", size=MOST - 9)
    assert "Delete a recipe with a logo" in refusal(alice)


def test_a_guest_is_told_about_other_guests_at_the_address(django_user_model: Any) -> None:
    first, second = (
        django_user_model.objects.create(email=f"{n}@guest", is_guest=True, address_key="203.0.113.5")
        for n in range(2)
    )
    submit(first, "a.jpg", size=MOST - 9)
    assert "share 100 KB" in refusal(second)
    assert "Delete a batch" in refusal(first)
    assert Upload.objects.count() == 1
