"""The code of function versions: moto returns the newest for each, here each version has its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from moto.awslambda.models import LambdaFunction, lambda_backends

from tests.cloud.iam import ACCOUNT, REGION

HOST = f"https://awslambda-{REGION}-tasks.s3.{REGION}.amazonaws.com"

_get_code = LambdaFunction.get_code


def get_code(self: LambdaFunction) -> dict[str, Any]:
    described: dict[str, Any] = _get_code(self)
    described["Code"]["Location"] = f"{HOST}/{digest(self)}"
    return described


def digest(version: LambdaFunction) -> str:
    return hashlib.sha256(version.code_bytes).hexdigest()


def code_at(location: str) -> bytes:
    """Return the zip that a link from GetFunction points to."""
    backend = lambda_backends[ACCOUNT][REGION]
    for function in backend.list_functions(None):
        for version in backend.list_versions_by_function(function.function_name):
            if location == f"{HOST}/{digest(version)}":
                return bytes(version.code_bytes)
    raise LookupError(location)


def patch(set_attribute: Callable[[Any, str, Any], Any] = setattr) -> None:
    set_attribute(LambdaFunction, "get_code", get_code)
