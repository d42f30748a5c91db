"""Signed forms and links with changed fields, checked against S3's own rules."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from converter.storage.s3 import S3Bucket
from tests.cloud.guard import Forbidden, check_form, check_headers, check_link

BUCKET, KEY, SIZE = "imagesite-uploads", "uploads/7/8/Strand.jpg", 1000

Fields = dict[str, str]


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")


@pytest.fixture
def bucket() -> S3Bucket:
    return S3Bucket(bucket_name=BUCKET, region_name="eu-west-1")


@pytest.fixture
def form(bucket: S3Bucket) -> Fields:
    return bucket.upload_form(KEY, max_size=SIZE, lifetime=timedelta(minutes=5)).fields


def test_an_unchanged_form_is_accepted(form: Fields) -> None:
    for size in (1, SIZE):
        check_form(BUCKET, form, size, datetime.now(UTC))


def test_s3_keeps_two_kilobytes_of_headers_with_an_object() -> None:
    check_headers({"HTTP_CONTENT_DISPOSITION": "x" * 2000, "CONTENT_TYPE": "image/png"})
    with pytest.raises(Forbidden, match="metadata headers exceed"):
        check_headers({"HTTP_CONTENT_DISPOSITION": "x" * 2040, "CONTENT_TYPE": "image/png"})


CHANGES: dict[str, dict[str, str | None]] = {
    "another name": {"key": "uploads/7/8/other.jpg"},
    "another person's folder": {"key": "uploads/9/8/Strand.jpg"},
    "outside of uploads": {"key": "results/7/8/Strand.jpg"},
    "a name by the sender": {"key": KEY + "/${filename}"},
    "no name": {"key": None},
    "another type": {"Content-Type": "text/html"},
    "no type": {"Content-Type": None},
    "another answer": {"success_action_status": "303"},
    "no answer": {"success_action_status": None},
    "a redirect": {"success_action_redirect": "https://evil.example"},
    "open to all": {"acl": "public-read"},
    "a field more": {"x-amz-meta-owner": "somebody"},
    "no policy": {"policy": None},
    "no signature": {"x-amz-signature": None},
    "another signature": {"x-amz-signature": "0" * 64},
    "no credential": {"x-amz-credential": None},
    "the old way of signing": {"x-amz-algorithm": None, "AWSAccessKeyId": "testing", "signature": "x"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_form_that_was_changed_is_refused(form: Fields, change: str) -> None:
    changed = {name: value for name, value in {**form, **CHANGES[change]}.items() if value is not None}
    with pytest.raises(Forbidden):
        check_form(BUCKET, changed, SIZE, datetime.now(UTC))


POLICIES: dict[str, Callable[[Any], None]] = {
    "valid for long": lambda policy: policy.update(expiration="2999-01-01T00:00:00Z"),
    "without conditions": lambda policy: policy.update(conditions=[]),
    "of any size": lambda policy: policy["conditions"].remove(["content-length-range", 1, SIZE]),
}


@pytest.mark.parametrize("change", POLICIES)
def test_a_policy_that_was_changed_does_not_fit_its_signature(form: Fields, change: str) -> None:
    policy = json.loads(base64.b64decode(form["policy"]))
    POLICIES[change](policy)
    changed = {**form, "policy": base64.b64encode(json.dumps(policy).encode()).decode()}
    with pytest.raises(Forbidden, match="signature"):
        check_form(BUCKET, changed, SIZE, datetime.now(UTC))


@pytest.mark.parametrize(
    ("size", "later", "bucket_name"),
    [
        (0, timedelta(0), BUCKET),
        (SIZE + 1, timedelta(0), BUCKET),
        (SIZE, timedelta(minutes=6), BUCKET),
        (SIZE, timedelta(0), "imagesite-results"),
    ],
    ids=["empty", "larger", "later", "another bucket"],
)
def test_a_form_is_good_for_one_size_five_minutes_and_one_bucket(
    form: Fields, size: int, later: timedelta, bucket_name: str
) -> None:
    with pytest.raises(Forbidden):
        check_form(bucket_name, form, size, datetime.now(UTC) + later)


def test_a_link_is_good_for_one_object_one_act_and_a_while(bucket: S3Bucket) -> None:
    link = urlsplit(
        bucket.download_url(
            "results/a b",
            filename="",
            content_type="",
            lifetime=timedelta(minutes=5),
            until=datetime.now(UTC) + timedelta(days=1),
        )
    )
    path = f"/{BUCKET}{link.path}" if BUCKET not in link.netloc else link.path
    now = datetime.now(UTC)
    check_link("GET", link.netloc, path, link.query, now)
    for changed in (
        ("GET", link.netloc, path + "c", link.query, now),
        ("PUT", link.netloc, path, link.query, now),
        ("DELETE", link.netloc, path, link.query, now),
        ("GET", "evil.example", path, link.query, now),
        ("GET", link.netloc, path, link.query.replace("X-Amz-Expires=", "X-Amz-Expires=9"), now),
        ("GET", link.netloc, path, link.query, now + timedelta(minutes=11)),
    ):
        with pytest.raises(Forbidden):
            check_link(*changed)
