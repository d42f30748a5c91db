"""Connect to DynamoDB tables and translate their errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from converter.storage import StorageFault

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

CLIENT = Config(
    retries={"mode": "standard", "total_max_attempts": 5},
    connect_timeout=3,
    read_timeout=5,
    user_agent="imagesite",  # see converter.storage.s3
)


def table(name: str) -> Table:
    return boto3.resource("dynamodb", config=CLIENT).Table(name)


@contextmanager
def faults() -> Iterator[None]:
    """Raise DynamoDB's errors as StorageFault."""
    try:
        yield
    except ClientError as exc:
        raise StorageFault(f"DynamoDB rejected the request: {exc.response['Error']['Code']}.") from exc
    except BotoCoreError as exc:
        raise StorageFault(f"DynamoDB did not respond: {type(exc).__name__}.") from exc
