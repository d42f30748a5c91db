"""Values that AWS refuses and moto accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from moto.awslambda.models import lambda_backends

from tests.cloud.iam import ACCOUNT, REGION, body_of, caller, refuse

# Lambda's Python runtimes with which functions can be created, as of 2026.
RUNTIMES = ("python3.10", "python3.11", "python3.12", "python3.13", "python3.14")
CONCURRENCY, UNRESERVED = 1000, 100
MOST_ENVIRONMENT_BYTES = 4096
MOST_ZIP_BYTES = 50 << 20  # if it is sent to Lambda itself, not through S3


class Values:
    """WSGI middleware in front of moto that applies Lambda's rules for a function's description."""

    def __init__(self, application: Callable[..., Iterable[bytes]], concurrency: int = CONCURRENCY) -> None:
        self.application, self.concurrency = application, concurrency

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        if caller(environ)[1] == "lambda":
            if path.endswith("/account-settings"):
                start_response("200 OK", [("Content-Type", "application/json")])
                free = self.concurrency - reserved_by_others("")
                limits = {"ConcurrentExecutions": self.concurrency, "UnreservedConcurrentExecutions": free}
                return [json.dumps({"AccountLimit": limits}).encode()]
            fault = ""
            if method in ("POST", "PUT") and re.search(r"/functions(/[^/]+/configuration)?/?$", path):
                described = json.loads(body_of(environ))
                fault = fault_of_function(described) or fault_of_code(described.get("Code", {}))
            elif method == "PUT" and path.endswith("/code"):
                fault = fault_of_code(json.loads(body_of(environ)))
            elif method == "PUT" and path.endswith("/concurrency"):
                name = path.split("/")[-2]
                wanted = json.loads(body_of(environ))["ReservedConcurrentExecutions"]
                fault = self.fault_of_reservation(name, wanted)
            if fault:
                code = "InvalidParameterValueException"
                return refuse("lambda", fault, start_response, code, "400 Bad Request")
        return self.application(environ, start_response)

    def fault_of_reservation(self, name: str, wanted: int) -> str:
        if self.concurrency - reserved_by_others(name) - wanted >= UNRESERVED:
            return ""
        return (
            f"Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below "
            f"its minimum value of [{UNRESERVED}]."
        )


def fault_of_code(code: dict[str, Any]) -> str:
    """Return Lambda's error for a zip sent in base64, or "" if it is accepted."""
    if len(code.get("ZipFile", "")) * 3 // 4 > MOST_ZIP_BYTES:
        return f"Zipped size must be smaller than {MOST_ZIP_BYTES} bytes"
    return ""


def fault_of_function(described: dict[str, Any]) -> str:
    """Return Lambda's error for a function's description, or "" if it is accepted."""
    variables = described.get("Environment", {}).get("Variables", {})
    storage = described.get("EphemeralStorage", {}).get("Size", 512)
    if not re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", described.get("FunctionName", "unchanged")):
        return "Member must satisfy regular expression pattern, and have at most 64 characters: functionName"
    if described.get("Runtime", RUNTIMES[-1]) not in RUNTIMES:
        return f"Value {described['Runtime']} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set"
    if not 128 <= described.get("MemorySize", 128) <= 10_240:
        return "Value at 'memorySize' failed to satisfy constraint: between 128 and 10240"
    if not 1 <= described.get("Timeout", 3) <= 900:
        return "Value at 'timeout' failed to satisfy constraint: between 1 and 900"
    if not 512 <= storage <= 10_240:
        return "Value at 'ephemeralStorage.size' failed to satisfy constraint: between 512 and 10240"
    if len(json.dumps(variables)) > MOST_ENVIRONMENT_BYTES:
        return "Lambda was unable to configure your environment variables because they exceed the 4KB limit."
    return ""


def reserved_by_others(name: str) -> int:
    return sum(
        int(function.reserved_concurrency or 0)
        for function in lambda_backends[ACCOUNT][REGION].list_functions(None)
        if function.function_name != name
    )
