from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from botocore.stub import Stubber
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from moto import mock_aws

from converter.storage import Bucket, StorageFault, s3
from converter.storage.s3 import DELETE_AT_ONCE, S3Bucket
from tests.storage.test_twins import TOMORROW, BucketPromises

pytestmark = pytest.mark.long

FIVE_MINUTES = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        boto3.client("s3", region_name="eu-west-1").create_bucket(
            Bucket="shop-results", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )
        yield


def make_bucket(**options: Any) -> S3Bucket:
    return S3Bucket(**{"bucket_name": "shop-results", "region_name": "eu-west-1", **options})


def put(bucket: Bucket, key: str, name: str = "a.png", type: str = "image/png") -> None:
    bucket.put(key, io.BytesIO(b"bytes"), filename=name, content_type=type)


class TestS3(BucketPromises):
    @pytest.fixture
    def bucket(self) -> Bucket:
        return make_bucket()

    def end_of(self, link: str) -> datetime:
        query = parse_qs(urlsplit(link).query)
        signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return signed + timedelta(seconds=int(query["X-Amz-Expires"][0]))


@pytest.mark.parametrize("name", ["写" * 250 + ".jpeg", "🏖" * 250 + ".webp", "写" * 255, "a" * 250 + ".png"])
def test_a_long_name_is_cut_to_the_metadata_limit_of_s3(name: str) -> None:
    put(make_bucket(), "results/a", name)
    found = boto3.client("s3", region_name="eu-west-1").head_object(Bucket="shop-results", Key="results/a")
    header = found["ContentDisposition"]
    kept = unquote(header.partition("''")[2]) or header.partition('"')[2].rstrip('"')
    assert len(header) + len(found["CacheControl"]) + len(found["ContentType"]) < 2000
    stem, suffix = PurePosixPath(kept).stem, PurePosixPath(kept).suffix
    assert name.startswith(stem)
    assert len(stem) > 100
    assert name.endswith(suffix)


def test_a_large_object_is_uploaded_in_equal_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    five = 5 << 20  # the minimum size of a part in S3, except the last
    config = TransferConfig(multipart_chunksize=five, multipart_threshold=five, use_threads=False)
    monkeypatch.setattr(s3, "IN_PARTS", config)
    parts = [bytes([number]) * 700_001 for number in range(20)]
    bucket = make_bucket()
    stored = bucket.put_parts("results/a", iter(parts), filename="ä.zip", content_type="application/zip")
    assert bucket.read("results/a")[0] == b"".join(parts)
    assert stored.etag.endswith("-3")
    head = boto3.client("s3").head_object(Bucket="shop-results", Key="results/a")
    assert head["ContentDisposition"] == "attachment; filename*=utf-8''%C3%A4.zip"
    assert (head["ContentType"], head["CacheControl"]) == ("application/zip", s3.CACHED)


# --- Stored objects
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "disposition"),
    [
        ("photo.png", 'attachment; filename="photo.png"'),
        ("Ünï 写真.png", "attachment; filename*=utf-8''%C3%9Cn%C3%AF%20%E5%86%99%E7%9C%9F.png"),
        ('a"b.png', 'attachment; filename="a\\"b.png"'),
        ("", "attachment"),
    ],
)
def test_an_object_is_an_attachment_of_a_fixed_type(name: str, disposition: str) -> None:
    bucket = make_bucket()
    put(bucket, "results/a", name)
    head = boto3.client("s3").head_object(Bucket="shop-results", Key="results/a")
    assert head["ContentDisposition"] == disposition
    assert head["ContentType"] == "image/png"
    assert head["CacheControl"].startswith("private")


def test_an_object_is_sent_without_asking_first() -> None:
    bucket = make_bucket()
    sent = []
    bucket.connection.meta.client.meta.events.register(
        "before-send.s3.PutObject", lambda request, **event: sent.append(request.headers)
    )
    put(bucket, "results/a")
    assert ["Expect" in headers for headers in sent] == [False]


def test_more_objects_than_s3_deletes_at_once_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = make_bucket()
    sizes = []
    delete = bucket._client.delete_objects

    def counted(**order: Any) -> Any:
        sizes.append(len(order["Delete"]["Objects"]))
        return delete(**order)

    monkeypatch.setattr(bucket._client, "delete_objects", counted)
    bucket.remove(f"results/{n}" for n in range(DELETE_AT_ONCE + 1))
    assert sizes == [DELETE_AT_ONCE, 1]


# --- Upload forms ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_an_upload_form_is_sigv4_for_one_key_one_size_range_and_five_minutes(region: str) -> None:
    bucket = make_bucket(region_name=region)
    before = datetime.now(UTC)
    form = bucket.upload_form("uploads/me/1/a b.png", max_size=10, lifetime=FIVE_MINUTES)
    after = datetime.now(UTC)
    assert form.url == f"https://shop-results.s3.{region}.amazonaws.com/"
    assert "AWSAccessKeyId" not in form.fields
    assert form.fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    conditions = policy["conditions"]
    assert {"key": "uploads/me/1/a b.png"} in conditions
    assert {"bucket": "shop-results"} in conditions
    assert ["content-length-range", 1, 10] in conditions
    assert not any(isinstance(c, list) and c[0] == "starts-with" for c in conditions)
    second = timedelta(seconds=1)  # AWS's times have no fractions
    assert before - second <= datetime.fromisoformat(policy["expiration"]) - FIVE_MINUTES <= after + second


def test_every_field_of_a_form_has_its_condition() -> None:
    form = make_bucket().upload_form("uploads/a", max_size=10, lifetime=FIVE_MINUTES)
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    conditioned = {name for c in policy["conditions"] if isinstance(c, dict) for name in c}
    assert set(form.fields) - {"policy", "x-amz-signature"} <= conditioned


# --- Links ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("region", ["eu-west-1", "us-east-1"])
def test_a_link_without_a_key_is_presigned_by_sigv4_on_the_regional_host(region: str) -> None:
    link = make_bucket(region_name=region).download_url(
        "results/a", filename="a.png", content_type="image/png", lifetime=FIVE_MINUTES, until=TOMORROW
    )
    parts, query = urlsplit(link), parse_qs(urlsplit(link).query)
    assert parts.netloc == f"shop-results.s3.{region}.amazonaws.com"
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert 300 <= int(query["X-Amz-Expires"][0]) <= 600


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def signing_bucket(key: rsa.RSAPrivateKey) -> S3Bucket:
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return make_bucket(
        custom_domain="d111.cloudfront.net", cloudfront_key_id="K2JCJMDEHXQW5F", cloudfront_key=pem.decode()
    )


def test_a_link_with_a_key_is_signed_for_cloudfront(key: rsa.RSAPrivateKey) -> None:
    link = signing_bucket(key).download_url(
        "results/a/ü b+.png",
        filename="a.png",
        content_type="image/png",
        lifetime=FIVE_MINUTES,
        until=TOMORROW,
    )
    parts, query = urlsplit(link), parse_qs(urlsplit(link).query)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == (
        "https://d111.cloudfront.net/results/a/%C3%BC%20b%2B.png"
    )
    assert query["Key-Pair-Id"] == ["K2JCJMDEHXQW5F"]
    expires = int(query["Expires"][0])
    assert 299 <= expires - time.time() <= 600
    resource = link.partition("?")[0]
    policy = json.dumps(
        {"Statement": [{"Resource": resource, "Condition": {"DateLessThan": {"AWS:EpochTime": expires}}}]},
        separators=(",", ":"),
    )
    plain = query["Signature"][0].replace("-", "+").replace("_", "=").replace("~", "/")
    key.public_key().verify(base64.b64decode(plain), policy.encode(), padding.PKCS1v15(), hashes.SHA1())


def test_a_cloudfront_link_does_not_outlive_what_it_leads_to(key: rsa.RSAPrivateKey) -> None:
    until = datetime.fromtimestamp(int(time.time()) + 60, UTC)
    link = signing_bucket(key).download_url(
        "results/a", filename="a", content_type="a/b", lifetime=FIVE_MINUTES, until=until
    )
    assert parse_qs(urlsplit(link).query)["Expires"] == [str(int(until.timestamp()))]


def test_a_cloudfront_link_is_stable_for_a_while(key: rsa.RSAPrivateKey) -> None:
    bucket = signing_bucket(key)
    links = {
        bucket.download_url(
            "results/a", filename="a", content_type="a/b", lifetime=timedelta(hours=1), until=TOMORROW
        )
        for _ in range(3)
    }
    assert len(links) == 1


# --- Faults -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code", ["SlowDown", "InternalError", "AccessDenied", "NoSuchBucket", "RequestTimeout"]
)
def test_an_error_of_s3_is_a_fault_with_its_code(code: str) -> None:
    bucket = make_bucket()
    with Stubber(bucket._client) as stub:
        stub.add_client_error("get_object", code, http_status_code=503)
        with pytest.raises(StorageFault, match=code):
            bucket.read("results/a")


@pytest.mark.parametrize(
    "fault",
    [EndpointConnectionError(endpoint_url="https://s3"), ReadTimeoutError(endpoint_url="https://s3")],
)
def test_a_storage_that_does_not_respond_is_a_fault(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    bucket = make_bucket()

    def fail(**kwargs: Any) -> None:
        raise fault

    monkeypatch.setattr(bucket._client, "put_object", fail)
    with pytest.raises(StorageFault, match=type(fault).__name__):
        put(bucket, "results/a")


def test_a_body_that_breaks_off_is_a_fault() -> None:
    bucket = make_bucket()
    put(bucket, "results/a")

    class Broken:
        def read(self) -> bytes:
            raise ReadTimeoutError(endpoint_url="https://s3")

    with Stubber(bucket._client) as stub:
        stub.add_response("get_object", {"Body": Broken(), "ETag": '"e"'})
        with pytest.raises(StorageFault):
            bucket.read("results/a")


def test_an_object_that_s3_could_not_delete_is_a_fault() -> None:
    bucket = make_bucket()
    with Stubber(bucket._client) as stub:
        stub.add_response("delete_objects", {"Errors": [{"Key": "results/a", "Code": "SlowDown"}]})
        with pytest.raises(StorageFault, match="did not delete 1 of 1 objects: SlowDown"):
            bucket.remove(["results/a"])


def test_a_missing_bucket_is_not_a_missing_object() -> None:
    with pytest.raises(StorageFault, match="NoSuchBucket"):
        make_bucket(bucket_name="shop-nothing").read("results/a")


def test_an_object_exists_by_its_whole_name() -> None:
    bucket = make_bucket()
    put(bucket, "results/ab")
    assert not bucket.exists("results/a")
    put(bucket, "results/a")
    assert bucket.exists("results/a")


@pytest.mark.parametrize(
    ("code", "status"), [("AccessDenied", 403), ("NoSuchBucket", 404), ("SlowDown", 503)]
)
def test_a_refused_request_is_not_a_missing_object(code: str, status: int) -> None:
    bucket = make_bucket()
    with Stubber(bucket._client) as stub:
        stub.add_client_error("list_objects_v2", code, http_status_code=status)
        with pytest.raises(StorageFault, match=code):
            bucket.exists("uploads/healthz")


def test_a_missing_bucket_is_not_an_empty_one() -> None:
    with pytest.raises(StorageFault, match="NoSuchBucket"):
        make_bucket(bucket_name="shop-nothing").exists("results/healthz")
