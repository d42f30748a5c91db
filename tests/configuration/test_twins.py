"""One set of tests for both twins; each has a class that makes a store and inherits the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from converter.configuration import Configuration, Store
from converter.configuration.database import DatabaseConfiguration
from converter.configuration.dynamodb import DynamoDBConfiguration
from converter.storage import StorageFault

pytestmark = pytest.mark.django_db

SET = Configuration(
    max_bytes=5_000_000,
    max_files=20,
    jobs_a_day=0,
    formats=("jpeg", "webp"),
    default_size=1600,
    sizes=((1600, 900), (640, 480)),
    sign_up="closed",
    maintenance="Wir räumen um 22 Uhr auf. 写",
    labels=False,
)


class ConfigurationPromises:
    @pytest.fixture
    def store(self) -> Store:
        raise AssertionError("each twin makes its own")

    def test_at_first_nothing_is_set(self, store: Store) -> None:
        assert Configuration.of(store.read()) == Configuration()

    def test_written_values_are_read(self, store: Store) -> None:
        store.write(SET.values())
        assert Configuration.of(store.read()) == SET

    def test_a_second_writing_replaces_the_first(self, store: Store) -> None:
        store.write(SET.values())
        store.write(Configuration(max_files=3).values())
        assert store.read() == {"max_files": 3}

    def test_unknown_values_of_a_newer_version_are_ignored(self, store: Store) -> None:
        store.write({"max_files": 3, "colour": "blue"})
        assert Configuration.of(store.read()) == Configuration(max_files=3)


class TestDatabase(ConfigurationPromises):
    @pytest.fixture
    def store(self) -> Store:
        return DatabaseConfiguration()


class TestDynamoDB(ConfigurationPromises):
    @pytest.fixture
    def store(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "testing")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        settings.CONVERTER_CONFIGURATION_TABLE = "imagesite-configuration"
        with mock_aws():
            boto3.client("dynamodb").create_table(
                TableName="imagesite-configuration",
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "name", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "name", "AttributeType": "S"}],
            )
            yield DynamoDBConfiguration()

    @pytest.mark.parametrize("act", ["put_item", "get_item"])
    def test_an_error_of_the_table_is_a_fault(self, store: DynamoDBConfiguration, act: str) -> None:
        acts: dict[str, Callable[[], object]] = {"put_item": lambda: store.write({}), "get_item": store.read}
        with Stubber(store._table.meta.client) as stub:
            stub.add_client_error(act, "AccessDeniedException", http_status_code=400)
            with pytest.raises(StorageFault, match="AccessDenied"):
                acts[act]()
