"""The cloud twin: an item of a DynamoDB table that the worker may read and the site may write."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.conf import settings

from converter.storage import tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

KEY = {"name": "site"}


class DynamoDBConfiguration:
    def read(self) -> dict[str, Any]:
        with tables.faults():
            item = self._table.get_item(Key=KEY, ConsistentRead=True).get("Item")
        values: dict[str, Any] = json.loads(str(item["values"])) if item else {}
        return values

    def write(self, values: dict[str, Any]) -> None:
        with tables.faults():
            self._table.put_item(Item={**KEY, "values": json.dumps(values)})

    @cached_property
    def _table(self) -> Table:
        return tables.table(settings.CONVERTER_CONFIGURATION_TABLE)
