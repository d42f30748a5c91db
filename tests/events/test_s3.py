from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

import pytest

from converter import jobs, storage
from converter.engine import Recipe
from converter.events import s3
from converter.jobs.submit import submit
from converter.models import Batch, Job

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]

# As AWS sends it (event version 2.1), including unused fields.
RECORD: dict[str, Any] = {
    "eventVersion": "2.1",
    "eventSource": "aws:s3",
    "awsRegion": "eu-west-1",
    "eventTime": "2026-01-02T03:04:05.678Z",
    "eventName": "ObjectCreated:Post",
    "userIdentity": {"principalId": "AWS:AIDAEXAMPLE"},
    "requestParameters": {"sourceIPAddress": "203.0.113.7"},
    "responseElements": {
        "x-amz-request-id": "C3D13FE58DE4C810",
        "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZQpcIZ9KG",
    },
    "s3": {
        "s3SchemaVersion": "1.0",
        "configurationId": "imagesite-production-worker",
        "bucket": {"name": "uploads", "ownerIdentity": {"principalId": "A3"}, "arn": "arn:aws:s3:::uploads"},
        "object": {"key": "", "size": 0, "eTag": "", "sequencer": "0055AED6DCD90281E5"},
    },
}


def event(*keys: str, bucket: str = "uploads", etag: str | None = None) -> dict[str, Any]:
    records = []
    for key in keys:
        record = copy.deepcopy(RECORD)
        record["s3"]["bucket"]["name"] = bucket
        record["s3"]["object"]["key"] = quote_plus(key, safe="/")
        try:
            stored = storage.uploads.stat(key)
        except (FileNotFoundError, ValueError):
            pass
        else:
            record["s3"]["object"].update(size=stored.size, eTag=etag or stored.etag)
        records.append(record)
    return {"Records": records}


@pytest.fixture
def uploaded(alice: Any, photo: bytes) -> Callable[..., list[str]]:
    def upload(*names: str) -> list[str]:
        files = [jobs.NewFile(name, len(photo)) for name in names]
        batch = submit(alice, files=files, outputs=[Recipe.parse({"format": "webp"})])
        keys = list(batch.jobs.order_by("position").values_list("upload__key", flat=True))
        for key in keys:
            storage.uploads.put(key, io.BytesIO(photo), filename="", content_type="")
        return keys

    return upload


def statuses() -> list[str]:
    return list(Job.objects.order_by("position").values_list("status", flat=True))


@pytest.mark.parametrize("name", ["a b.jpg", "a+b.jpg", "écran.jpg", "写真.jpg", "50%25.jpg"])
def test_it_works_with_any_name(uploaded: Callable[..., list[str]], name: str) -> None:
    s3.on_upload(event(*uploaded(name)), None)
    assert statuses() == ["finished"]


def test_every_record_is_processed(uploaded: Callable[..., list[str]]) -> None:
    s3.on_upload(event(*uploaded("a.jpg", "b.jpg", "c.jpg")), None)
    assert statuses() == ["finished"] * 3


def test_records_may_be_repeated_and_in_any_order(uploaded: Callable[..., list[str]]) -> None:
    keys = uploaded("a.jpg", "b.jpg")
    s3.on_upload(event(*reversed(keys), *keys), None)
    assert statuses() == ["finished"] * 2
    assert list(Job.objects.values_list("attempts", flat=True)) == [1, 1]


def test_one_failing_record_does_not_stop_the_others(
    uploaded: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = uploaded("a.jpg", "b.jpg")
    read = type(storage.uploads).read

    def flaky(self: Any, key: str) -> Any:
        if key == first:
            raise storage.StorageFault("503 Slow Down")
        return read(self, key)

    monkeypatch.setattr("converter.storage.folder.FolderStorage.read", flaky)
    with pytest.raises(RuntimeError, match="1 of 2 records failed"):
        s3.on_upload(event(first, second), None)
    assert statuses() == ["queued", "finished"]


def test_a_type_error_is_raised_as_another_error(
    uploaded: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Zappa would call the handler again with fewer arguments.
    def broken(*args: Any) -> None:
        raise TypeError("bug")

    monkeypatch.setattr("converter.jobs.receive", broken)
    with pytest.raises(RuntimeError):
        s3.on_upload(event(*uploaded("a.jpg")), None)


@pytest.mark.parametrize(
    "foreign",
    [
        event("uploads/nobody/nothing/a.jpg"),
        event("results/x", bucket="uploads"),
        event("uploads/a/b/c.jpg", bucket="somebody-elses"),
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "uploads"},
        {},
    ],
)
def test_unknown_events_are_ignored(foreign: dict[str, Any]) -> None:
    s3.on_upload(foreign, None)
    assert not Batch.objects.exists()


def test_an_event_for_replaced_bytes_does_not_convert_them(uploaded: Callable[..., list[str]]) -> None:
    (key,) = uploaded("a.jpg")
    s3.on_upload(event(key, etag="0" * 32), None)
    assert Job.objects.get().error_code == "upload_replaced"
