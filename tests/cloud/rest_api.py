"""A stand-in for API Gateway: a REST API that passes each request to a function, with its keys, roles and
limits.

The numbers are from AWS's page on quotas, the errors that a visitor sees from its page on gateway responses.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

from moto.apigateway.models import apigateway_backends

from tests.cloud.iam import ACCOUNT, REGION, is_allowed, statements_of
from tests.cloud.roles import distrust

MOST_REQUEST_BYTES = 10 * 2**20
MOST_EVENT_BYTES = MOST_ANSWER_BYTES = 6 * 2**20  # Lambda's limits for a synchronous call
SECONDS = 29

# Response headers that it renames: docs.aws.amazon.com, "Amazon API Gateway important notes".
REMAPPED = ("authorization", "content-md5", "date", "host", "server", "www-authenticate")

Invoke = Callable[
    [str, dict[str, Any]], tuple[str, bool, str]
]  # name, event -> response, whether it failed, log


class GatewayError(Exception):
    """API Gateway responds by itself."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status

    @property
    def answer(self) -> str:
        headers = {"Content-Type": "application/json"}
        body = json.dumps({"message": str(self)})
        return json.dumps({"statusCode": self.status, "headers": headers, "body": body})


def call(host: str, event: dict[str, Any], invoke: Invoke) -> str:
    """Return the response of this host's API, in the format of a function's response."""
    try:
        return _call(host, event, invoke)
    except GatewayError as error:
        return error.answer


def _call(host: str, event: dict[str, Any], invoke: Invoke) -> str:
    name = function_behind(host, event)
    if len(event.get("body") or "") * 3 / 4 > MOST_REQUEST_BYTES:
        raise GatewayError(413, "Request Too Long")
    if len(json.dumps(event)) > MOST_EVENT_BYTES:
        raise GatewayError(413, "Request Too Long")
    start = time.monotonic()
    answer, failed, log = invoke(name, event)
    if time.monotonic() - start > SECONDS:
        raise GatewayError(504, "Endpoint request timed out")
    if failed or len(answer) > MOST_ANSWER_BYTES:
        print(answer[:2000], log)
        raise GatewayError(502, "Internal server error")
    return remapped(answer)


def function_behind(host: str, event: dict[str, Any]) -> str:
    """Return the name of the function behind this host's API. Raises GatewayError if it is not called."""
    backend = apigateway_backends[ACCOUNT][REGION]
    name = host.partition(".")[0]
    methods = [
        method
        for resource in backend.apis[name].resources.values()
        for method in resource.resource_methods.values()
    ]
    if any(method.api_key_required for method in methods):
        sent = {key.lower(): value for key, value in event.get("headers", {}).items()}.get("x-api-key")
        if sent not in keys_of(name):
            raise GatewayError(403, "Forbidden")
    (integration,) = {
        (called.uri, called.credentials) for method in methods if (called := method.method_integration)
    }
    uri, role = integration
    arn, function = re.findall(r"(arn:aws:lambda:[^/]+:function:([^:/]+))", uri)[0]
    if role is None or distrust(role, "apigateway.amazonaws.com"):
        raise GatewayError(500, "Internal server error")
    if not is_allowed(statements_of(role.rpartition("/")[2]) or [], "lambda:InvokeFunction", arn, ""):
        raise GatewayError(500, "Internal server error")
    return str(function)


def keys_of(api: str) -> set[str]:
    """Return the keys of all usage plans of this API, since a key without a plan has no effect."""
    backend = apigateway_backends[ACCOUNT][REGION]
    return {
        backend.keys[key].value
        for plan in backend.usage_plans.values()
        if api in [stage["apiId"] for stage in plan.api_stages]
        for key in backend.usage_plan_keys.get(plan.id, {})
    }


def remapped(answer: str) -> str:
    parsed = json.loads(answer)
    for field in ("headers", "multiValueHeaders"):
        parsed[field] = {
            f"x-amzn-Remapped-{name}" if name.lower() in REMAPPED else name: value
            for name, value in (parsed.get(field) or {}).items()
        }
    return json.dumps(parsed)
