"""The mock requires the same permissions as AWS."""

from __future__ import annotations

import io
from typing import Any, cast
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest

from tests.cloud.iam import asked

PART: dict[str, Any] = {"Key": "results/a.zip", "UploadId": "1"}


# docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
@pytest.mark.parametrize(
    ("operation", "given", "permission"),
    [
        ("put_object", {"Key": "results/a", "Body": b"a"}, "PutObject"),
        ("get_object", {"Key": "results/a"}, "GetObject"),
        ("head_object", {"Key": "results/a"}, "GetObject"),
        ("delete_object", {"Key": "results/a"}, "DeleteObject"),
        ("delete_objects", {"Delete": {"Objects": [{"Key": "results/a"}]}}, "DeleteObject"),
        ("list_objects_v2", {"Prefix": "results/a"}, "ListBucket"),
        ("create_multipart_upload", {"Key": "results/a.zip"}, "PutObject"),
        ("upload_part", {**PART, "PartNumber": 1, "Body": b"a"}, "PutObject"),
        ("complete_multipart_upload", {**PART, "MultipartUpload": {"Parts": []}}, "PutObject"),
        ("abort_multipart_upload", PART, "AbortMultipartUpload"),
    ],
)
def test_a_call_of_s3_needs_its_permission(operation: str, given: dict[str, Any], permission: str) -> None:
    s3 = boto3.client(
        "s3",
        region_name="eu-west-1",
        endpoint_url="http://127.0.0.1:9",
        aws_access_key_id="a",
        aws_secret_access_key="b",
    )
    s3.meta.events.register("before-send.s3", stop)
    with pytest.raises(Stopped) as stopped:
        getattr(s3, operation)(Bucket="bucket", **given)
    assert {name for name, _ in asked("s3", environ_of(stopped.value.request))} == {f"s3:{permission}"}


class Stopped(Exception):
    def __init__(self, request: AWSPreparedRequest) -> None:
        self.request = request


def stop(request: AWSPreparedRequest, **event: object) -> None:
    raise Stopped(request)


def environ_of(request: AWSPreparedRequest) -> dict[str, Any]:
    address, body = urlsplit(str(request.url)), cast("Any", request.body or b"")
    content = body if isinstance(body, bytes) else body.read()
    return {
        "REQUEST_METHOD": request.method,
        "PATH_INFO": address.path,
        "QUERY_STRING": address.query,
        "CONTENT_LENGTH": str(len(content)),
        "wsgi.input": io.BytesIO(content),
    }
