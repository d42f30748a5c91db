"""The cloud twin: invoke the worker's Lambda function asynchronously."""

from __future__ import annotations

import json
import logging
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

logger = logging.getLogger(__name__)


class InvokeDispatch:
    def ask(self, target: str, event: dict[str, Any], turn: str = "") -> None:
        # Lambda runs workers up to its concurrency limit and has no turns.
        # Zappa calls the function named by "command" with the whole event.
        payload = json.dumps({**event, "command": target}).encode()
        try:
            self._client.invoke(
                FunctionName=settings.CONVERTER_WORKER_FUNCTION, InvocationType="Event", Payload=payload
            )
        except (BotoCoreError, ClientError):
            logger.exception(
                "Could not invoke the worker; the sweep will try again", extra={"target": target}
            )

    @cached_property
    def _client(self) -> LambdaClient:
        return boto3.client(
            "lambda",
            config=Config(
                retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=3, read_timeout=10
            ),
        )
