"""A bucket behind the site: URLs are signed by the site, files are kept in an S3-compatible store."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from django.core import signing
from django.test import Client
from moto import mock_aws

from converter.storage import Bucket
from converter.storage.signed import LINK_SALT, object_created
from converter.storage.site import SiteBucket
from tests.conftest import streamed
from tests.storage.test_twins import TOMORROW, BucketPromises

HOUR = timedelta(hours=1)
OPTIONS = {"bucket_name": "images", "region_name": "us-east-1"}


@pytest.fixture(autouse=True)
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="images")
        yield


class TestSite(BucketPromises):
    @pytest.fixture
    def bucket(self) -> Bucket:
        return SiteBucket("results", **OPTIONS)

    def end_of(self, link: str) -> datetime:
        signed = signing.Signer(salt=LINK_SALT).unsign_object(link.split("/")[-2])
        return datetime.fromtimestamp(signed["expires"], UTC)


def test_an_object_reads_like_a_file() -> None:
    bucket, content = (
        SiteBucket("results", **OPTIONS),
        bytes(range(256)) * 8192,
    )  # twice the size of the read-ahead
    bucket.put("results/a", io.BytesIO(content), filename="", content_type="")
    file, stored = bucket.open_object("results/a")
    with file:
        assert stored.size == len(content)
        assert file.seek(-10, io.SEEK_END) == len(content) - 10
        assert file.read() == content[-10:]
        file.seek(1_500_000)
        assert file.read(300_000) == content[1_500_000:1_800_000]
        file.seek(0)
        assert file.read() == content
        assert file.read() == b""
    with pytest.raises(FileNotFoundError):
        bucket.open_object("results/none")


def test_put_returns_the_stored_facts() -> None:
    heard: list[str] = []

    def hear(key: str, **_: object) -> None:
        heard.append(key)

    object_created.connect(hear)
    try:
        bucket = SiteBucket("uploads", **OPTIONS)
        bucket.put("uploads/a", io.BytesIO(b"1"), filename="", content_type="")
        bucket.put_parts("uploads/b", iter([b"1"]), filename="b", content_type="a/b")
    finally:
        object_created.disconnect(hear)
    assert heard == ["uploads/a", "uploads/b"]


def test_the_site_serves_the_stored_file(client: Client, settings: Any) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "results": {
            "BACKEND": "converter.storage.site.SiteBucket",
            "OPTIONS": {"prefix": "results", **OPTIONS},
        },
    }
    bucket = SiteBucket("results", **OPTIONS)
    bucket.put("results/a", io.BytesIO(b"0123456789"), filename="a.webp", content_type="image/webp")
    link = bucket.download_url(
        "results/a", filename="a.webp", content_type="image/webp", lifetime=HOUR, until=TOMORROW
    )
    assert urlsplit(link).netloc == ""
    whole = client.get(link)
    assert (streamed(whole), whole["Content-Length"], whole["Content-Type"]) == (
        b"0123456789",
        "10",
        "image/webp",
    )
    part = client.get(link, headers={"Range": "bytes=3-5"})
    assert (part.status_code, streamed(part)) == (206, b"345")
    assert client.get(link, headers={"If-None-Match": whole["ETag"]}).status_code == 304


@pytest.mark.parametrize("key", ["uploads/a", "a", "/results/a"])
def test_a_form_names_its_bucket(key: str) -> None:
    with pytest.raises(ValueError, match="does not begin with"):
        SiteBucket("results", **OPTIONS).upload_form(key, max_size=1, lifetime=HOUR)
