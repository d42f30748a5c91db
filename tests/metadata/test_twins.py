"""One set of tests for both twins; each has a class that makes a store and inherits the tests."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from django.utils import timezone
from moto import mock_aws

from converter.metadata import Metadata
from converter.metadata.database import DatabaseMetadata
from converter.metadata.dynamodb import DynamoDBMetadata
from converter.models import Upload
from converter.storage import StorageFault

pytestmark = pytest.mark.django_db

ITEM: dict[str, Any] = {
    "format": "jpeg",
    "width": 64,
    "camera": "Löwe 写",
    "lens": None,
    "location": [52.5200066, -13.40495],
    "animated": False,
    "outputs": [],
    "nested": {"one": [1, 2.5, {"two": ""}]},
}


class MetadataPromises:
    @pytest.fixture
    def store(self) -> Metadata:
        raise AssertionError("each twin makes its own")

    @pytest.fixture
    def upload(self, alice: Any, tomorrow: datetime) -> uuid.UUID:
        return Upload.objects.create(
            owner=alice, name="a.jpg", key="uploads/a", size=1, expires_at=tomorrow
        ).pk

    @pytest.fixture
    def tomorrow(self) -> datetime:
        return timezone.now() + timedelta(days=1)

    def test_it_works(self, store: Metadata, upload: uuid.UUID, tomorrow: datetime) -> None:
        store.put(upload, ITEM, expires_at=tomorrow)
        found = store.get(upload)
        assert found == ITEM
        assert type(found["width"]) is int

    def test_a_missing_item_is_none(self, store: Metadata, upload: uuid.UUID) -> None:
        assert store.get(upload) is None

    def test_a_repeat_replaces(self, store: Metadata, upload: uuid.UUID, tomorrow: datetime) -> None:
        store.put(upload, ITEM, expires_at=tomorrow)
        store.put(upload, {"format": "png"}, expires_at=tomorrow)
        assert store.get(upload) == {"format": "png"}

    def test_an_update_changes_its_fields_only(
        self, store: Metadata, upload: uuid.UUID, tomorrow: datetime
    ) -> None:
        store.put(upload, ITEM, expires_at=tomorrow)
        fields = {"outputs": [{"format": "webp", "size": 7}], "labels": [{"name": "Dog", "confidence": 99.5}]}
        store.update(upload, fields, expires_at=tomorrow)
        assert store.get(upload) == {**ITEM, **fields}

    def test_an_update_of_a_deleted_item_does_not_restore_it(
        self, store: Metadata, upload: uuid.UUID, tomorrow: datetime
    ) -> None:
        store.update(upload, {"outputs": []}, expires_at=tomorrow)
        assert store.get(upload) is None

    def test_it_expires_with_the_files(self, store: Metadata, upload: uuid.UUID, tomorrow: datetime) -> None:
        past = timezone.now() - timedelta(seconds=1)
        store.put(upload, ITEM, expires_at=past)
        assert store.get(upload) is None
        store.update(upload, {}, expires_at=tomorrow)
        assert store.get(upload) == ITEM

    def test_removing_is_repeatable(self, store: Metadata, upload: uuid.UUID, tomorrow: datetime) -> None:
        store.put(upload, ITEM, expires_at=tomorrow)
        store.remove(upload)
        store.remove(upload)
        assert store.get(upload) is None


class TestDatabase(MetadataPromises):
    @pytest.fixture
    def store(self) -> Metadata:
        return DatabaseMetadata()


class TestDynamoDB(MetadataPromises):
    @pytest.fixture
    def store(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Metadata]:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        settings.CONVERTER_METADATA_TABLE = "imagesite-metadata"
        with mock_aws():
            boto3.client("dynamodb").create_table(
                TableName="imagesite-metadata",
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "upload", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "upload", "AttributeType": "S"}],
            )
            yield DynamoDBMetadata()

    def test_the_table_can_forget_it_by_itself(
        self, store: Metadata, upload: uuid.UUID, tomorrow: datetime
    ) -> None:
        store.put(upload, ITEM, expires_at=tomorrow)
        item = boto3.client("dynamodb").get_item(
            TableName="imagesite-metadata", Key={"upload": {"S": str(upload)}}
        )["Item"]
        assert item["expires_at"] == {"N": str(int(tomorrow.timestamp()))}

    @pytest.mark.parametrize("act", ["put_item", "update_item", "get_item", "delete_item"])
    def test_a_throttled_table_is_a_fault(
        self, store: DynamoDBMetadata, upload: uuid.UUID, tomorrow: datetime, act: str
    ) -> None:
        acts: dict[str, Callable[[], object]] = {
            "put_item": lambda: store.put(upload, ITEM, expires_at=tomorrow),
            "update_item": lambda: store.update(upload, {}, expires_at=tomorrow),
            "get_item": lambda: store.get(upload),
            "delete_item": lambda: store.remove(upload),
        }
        with Stubber(store._table.meta.client) as stub:
            stub.add_client_error(act, "ProvisionedThroughputExceededException", http_status_code=400)
            with pytest.raises(StorageFault, match="ProvisionedThroughputExceeded"):
                acts[act]()
