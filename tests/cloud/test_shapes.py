"""The mock refuses names, words and numbers that AWS's own descriptions do not allow."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.cloud.shapes import Shapes


def takes_all(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [b""]


def status(service: str, body: bytes, path: str = "/", method: str = "POST", target: str = "") -> str:
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=testing/20260101/eu-west-1/{service}/aws4_request, x",
    }
    if target:
        environ["HTTP_X_AMZ_TARGET"] = target
    said: list[str] = []
    Shapes(takes_all)(environ, lambda line, headers: said.append(line))
    return said[0][:3]


def rule(name: str) -> tuple[str, bytes, str, str, str]:
    return "events", json.dumps({"Name": name}).encode(), "/", "POST", "AWSEvents.PutRule"


def role(name: str) -> tuple[str, bytes, str, str, str]:
    fields = {"Action": "CreateRole", "RoleName": name, "AssumeRolePolicyDocument": "{}"}
    return "iam", urlencode(fields).encode(), "/", "POST", ""


def function(name: str, **more: Any) -> tuple[str, bytes, str, str, str]:
    body = json.dumps({"Role": "arn:aws:iam::123456789012:role/x", "FunctionName": name, **more}).encode()
    return "lambda", body, "/2015-03-31/functions", "POST", ""


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (rule("n" * 64), "200"),
        (rule("n" * 65), "400"),
        (role("n" * 64), "200"),
        (role("n" * 65), "400"),
        (function("f", Timeout=900), "200"),
        (function("f", Timeout=0), "400"),
        (function("f", MemorySize=100), "400"),
        (function("f.g"), "400"),
        (function("f", PackageType="Tar"), "400"),
        (function("f", PackageType="Zip"), "200"),
        (("nothing-of-awss", b"", "/", "GET", ""), "200"),
        (("s3", b"", "/bucket", "PUT", ""), "200"),
    ],
    ids=[
        "name of a rule",
        "too long for a rule",
        "name of a role",
        "too long for a role",
        "timeout",
        "no timeout",
        "too little memory",
        "a dot in a name",
        "a word that is not of the list",
        "a word of the list",
        "another service",
        "a service without lengths",
    ],  # fmt: skip
)
def test_calls_match_the_descriptions_of_aws(
    request_: tuple[str, bytes, str, str, str], expected: str
) -> None:
    assert status(*request_) == expected
