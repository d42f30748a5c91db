"""The owner of an image may download the original, as an attachment, through a signed link."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from converter import storage
from converter.engine import Recipe
from converter.jobs import NewFile, keep_image, store
from converter.jobs.submit import submit
from converter.models import Job, Upload
from converter.storage.s3 import S3Bucket

pytestmark = pytest.mark.django_db

NAME, CONTENT = "Strand & Meer 写.jpg", b"<script>not an image</script>"


@pytest.fixture
def upload(alice: Any) -> Upload:
    return store(keep_image(alice, NewFile(NAME, len(CONTENT))), io.BytesIO(CONTENT))


@pytest.fixture
def job(alice: Any, upload: Upload) -> Job:
    return submit(alice, outputs=[Recipe.parse({"format": "webp"})], uploads=[upload]).jobs.get()


def test_the_owner_downloads_the_original_as_an_inert_attachment(
    client: Client, alice: Any, job: Job
) -> None:
    client.force_login(alice)
    answer = client.get(f"/jobs/{job.pk}/original/", follow=True)
    assert b"".join(answer) == CONTENT
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == storage.attachment(NAME)
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"


def test_the_owners_api_client_is_redirected_to_it(client: Client, alice: Any, upload: Upload) -> None:
    client.force_login(alice)
    answer = client.get(f"/api/v1/uploads/{upload.pk}/download", follow=True)
    assert b"".join(answer) == CONTENT


def test_nobody_else_gets_it(client: Client, bob: Any, job: Job, upload: Upload) -> None:
    assert client.get(f"/jobs/{job.pk}/original/").status_code in (302, 404)
    client.force_login(bob)
    assert client.get(f"/jobs/{job.pk}/original/").status_code == 404
    assert client.get(f"/api/v1/uploads/{upload.pk}/download").status_code == 404


@pytest.mark.parametrize("change", ["expired", "never came", "not shown"])
def test_a_deleted_original_is_410(client: Client, alice: Any, job: Job, settings: Any, change: str) -> None:
    if change == "expired":
        Upload.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif change == "never came":
        Upload.objects.update(received_at=None)
    else:
        settings.CONVERTER_ORIGINALS = False
    client.force_login(alice)
    assert client.get(f"/jobs/{job.pk}/original/").status_code == 410


def test_s3_stores_the_name_from_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    bucket = S3Bucket(bucket_name="uploads", region_name="eu-west-1", form_url="/uploads")
    form = bucket.upload_form("uploads/1", max_size=9, lifetime=timedelta(minutes=5), filename=NAME)
    assert form.url == "/uploads"
    assert form.fields["Content-Disposition"] == storage.attachment(NAME)
    link = bucket.download_url(
        "uploads/1",
        filename=NAME,
        content_type="application/octet-stream",
        lifetime=timedelta(minutes=5),
        until=datetime.now(UTC) + timedelta(hours=1),
    )
    assert "/uploads/1?" in link
