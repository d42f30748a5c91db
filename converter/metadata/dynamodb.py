"""The cloud twin: a DynamoDB table keyed by upload, whose items expire with the files (TTL)."""

from __future__ import annotations

import json
import uuid
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr
from django.conf import settings
from django.utils import timezone

from converter.storage import tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table


class DynamoDBMetadata:
    def put(self, upload: uuid.UUID, item: dict[str, Any], *, expires_at: datetime) -> None:
        with tables.faults():
            self._table.put_item(
                Item={**_stored(item), "upload": str(upload), "expires_at": int(expires_at.timestamp())}
            )

    def update(self, upload: uuid.UUID, fields: dict[str, Any], *, expires_at: datetime) -> None:
        values = {**_stored(fields), "expires_at": int(expires_at.timestamp())}
        with tables.faults():
            try:
                self._table.update_item(
                    Key={"upload": str(upload)},
                    UpdateExpression="SET " + ", ".join(f"#{n} = :{n}" for n in range(len(values))),
                    ConditionExpression=Attr("upload").exists(),
                    ExpressionAttributeNames={f"#{n}": name for n, name in enumerate(values)},
                    ExpressionAttributeValues={f":{n}": value for n, value in enumerate(values.values())},
                )
            except self._table.meta.client.exceptions.ConditionalCheckFailedException:
                return  # removed meanwhile

    def get(self, upload: uuid.UUID) -> dict[str, Any] | None:
        with tables.faults():
            found = self._table.get_item(Key={"upload": str(upload)}, ConsistentRead=True).get("Item")
        # DynamoDB deletes expired items within days, not at once.
        if found is None or int(str(found["expires_at"])) <= timezone.now().timestamp():
            return None
        return {name: _loaded(value) for name, value in found.items() if name not in ("upload", "expires_at")}

    def remove(self, upload: uuid.UUID) -> None:
        with tables.faults():
            self._table.delete_item(Key={"upload": str(upload)})

    @cached_property
    def _table(self) -> Table:
        return tables.table(settings.CONVERTER_METADATA_TABLE)


def _stored(item: dict[str, Any]) -> dict[str, Any]:
    """Return the item with floats as Decimal, which DynamoDB requires."""
    stored: dict[str, Any] = json.loads(json.dumps(item), parse_float=Decimal)
    return stored


def _loaded(value: Any) -> Any:
    """Return a stored value with Decimal converted back to int or float."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {name: _loaded(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_loaded(part) for part in value]
    return value
