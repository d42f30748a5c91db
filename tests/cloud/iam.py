"""IAM for the mock AWS: checks requests of functions and deployer against the policies that Terraform gave
their roles.

A caller is identified by its access key, which in these tests is the name of its role. Callers without a role
may do everything.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from functools import cache
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

import botocore.session
from moto.iam.models import iam_backends
from werkzeug.wrappers import Request

ACCOUNT, REGION = "123456789012", "eu-west-1"

HERE = f"arn:aws:{{}}:{REGION}:{ACCOUNT}"

# S3's permissions by method, and for a bucket by the first field of the query.
ON_OBJECTS = {
    "GET": "GetObject",
    "HEAD": "GetObject",
    "PUT": "PutObject",
    "POST": "PutObject",
    "DELETE": "DeleteObject",
}
ON_BUCKETS = {"notification": "BucketNotification", "location": "GetBucketLocation", "": "ListBucket"}

# Always allowed.
FREE = {"sts:GetCallerIdentity"}

Permission = tuple[str, str]  # action, resource; "" if the call names none


class Gatekeeper:
    """WSGI middleware in front of moto. `refused` records the refused requests."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application
        self.refused: list[tuple[str, str, str]] = []

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        role, service = caller(environ)
        statements = statements_of(role)
        if statements is not None:
            prefix = parse_qs(environ.get("QUERY_STRING", "")).get("prefix", [""])[0]
            for action, resource in asked(service, environ):
                if not is_allowed(statements, action, resource, prefix):
                    self.refused.append((role, action, resource))
                    return refuse(service, f"{role} may not {action} on {resource}", start_response)
        return self.application(environ, start_response)


def caller(environ: dict[str, Any]) -> tuple[str, str]:
    """Return access key and service of a request's signature, or two empty strings if it is unsigned."""
    query = parse_qs(environ.get("QUERY_STRING", ""))
    signed = re.search(r"Credential=([^,]+)", environ.get("HTTP_AUTHORIZATION", ""))
    credential = signed[1] if signed else query.get("X-Amz-Credential", [""])[0]
    if not credential and is_form(environ):
        credential = form_of(environ).get("x-amz-credential", "")
    parts = credential.split("/")
    return (parts[0], parts[3]) if len(parts) == 5 else ("", "")


def statements_of(role: str) -> list[dict[str, Any]] | None:
    for kept in list(iam_backends[ACCOUNT]["aws"].roles.values()):
        if kept.name == role:
            return [s for policy in kept.policies.values() for s in json.loads(policy)["Statement"]]
    return None


def is_allowed(statements: list[dict[str, Any]], action: str, resource: str, prefix: str) -> bool:
    return action in FREE or any(
        statement["Effect"] == "Allow"
        and action in several(statement["Action"])
        # If the resource of a call is unknown here, only the action is checked.
        and (not resource or any(fnmatchcase(resource, wanted) for wanted in several(statement["Resource"])))
        and all(fnmatchcase(prefix, wanted) for wanted in prefixes(statement))
        for statement in statements
    )


def prefixes(statement: dict[str, Any]) -> list[str]:
    """Return the key prefixes that may be listed, the only condition checked here."""
    tests = statement.get("Condition", {}).values()
    return [str(test["s3:prefix"]) for test in tests if "s3:prefix" in test]


def several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def asked(service: str, environ: dict[str, Any]) -> Iterator[Permission]:
    """Yield the permissions that the request needs."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"].encode("latin-1").decode()
    if service == "s3":
        yield from asked_of_s3(method, path, environ)
    elif service == "apigateway":
        yield f"apigateway:{method}", f"arn:aws:apigateway:{REGION}::{path}"
    elif service == "lambda":
        named = re.match(r"/[\d-]+/functions/([^/]+)", path)
        arn = f"{HERE.format('lambda')}:function:{named[1].rpartition(':')[2]}" if named else ""
        yield f"lambda:{lambda_operation(method, path)}", arn
    elif service == "monitoring":  # the signing name of CloudWatch
        yield f"cloudwatch:{cloudwatch_operation(path, environ)}", ""
    elif target := environ.get("HTTP_X_AMZ_TARGET"):
        fields = json.loads(body_of(environ) or b"{}")
        yield f"{service}:{target.rpartition('.')[2]}", resource_of(service, fields)
    else:
        yield f"{service}:{parse_qs(body_of(environ).decode())['Action'][0]}", ""


def asked_of_s3(method: str, path: str, environ: dict[str, Any]) -> Iterator[Permission]:
    bucket, _, key = path.lstrip("/").partition("/")
    arn = f"arn:aws:s3:::{bucket}"
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    if is_form(environ):
        yield "s3:PutObject", f"{arn}/{form_of(environ)['key']}"
    elif key:
        ends_parts = method == "DELETE" and "uploadId" in query
        yield f"s3:{'AbortMultipartUpload' if ends_parts else ON_OBJECTS[method]}", f"{arn}/{key}"
    elif "delete" in query:
        for element in ET.fromstring(body_of(environ)).iter():
            if element.tag.endswith("Key"):
                yield "s3:DeleteObject", f"{arn}/{element.text}"
    else:
        about = next((name for name in ON_BUCKETS if name in query), "")
        yield f"s3:{method.title() if about == 'notification' else ''}{ON_BUCKETS[about]}", arn


def cloudwatch_operation(path: str, environ: dict[str, Any]) -> str:
    """Return the operation, which is in the path, a header or the form, depending on the protocol."""
    if "/operation/" in path:
        return path.rpartition("/")[2]
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return str(target).rpartition(".")[2]
    return parse_qs(body_of(environ).decode("latin-1")).get("Action", [""])[0]


@cache
def lambda_routes() -> list[tuple[str, re.Pattern[str], str]]:
    model = botocore.session.get_session().get_service_model("lambda")
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = re.sub(r"\{\w+\}", "[^/]+", http["requestUri"].partition("?")[0])
        found.append((http["method"], re.compile(path + "/?"), name))
    return found


def lambda_operation(method: str, path: str) -> str:
    """Return the name of the permission, which is that of the operation, with one exception."""
    for wanted, pattern, name in lambda_routes():
        if wanted == method and pattern.fullmatch(path):
            return "InvokeFunction" if name == "Invoke" else name
    return f"{method} {path}"


def resource_of(service: str, fields: dict[str, Any]) -> str:
    """Return the ARN that a call names, for the services that the functions use, else ""."""
    here = HERE.format(service)
    if service == "ssm":
        return f"{here}:parameter{fields.get('Path') or fields.get('Name')}"
    if service == "dynamodb":
        return f"{here}:table/{fields['TableName']}"
    if service == "cognito-idp":
        return f"{here}:userpool/{fields['UserPoolId']}"
    return ""


def is_form(environ: dict[str, Any]) -> bool:
    return str(environ.get("CONTENT_TYPE", "")).startswith("multipart/form-data")


def form_of(environ: dict[str, Any]) -> dict[str, str]:
    with Request({**environ, "wsgi.input": io.BytesIO(body_of(environ))}) as request:
        return request.form.to_dict()


def body_of(environ: dict[str, Any]) -> bytes:
    """Return the body, and leave it readable."""
    body = bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def refuse(
    service: str,
    message: str,
    start_response: Callable[..., Any],
    code: str = "AccessDenied",
    status: str = "403 Forbidden",
) -> Iterable[bytes]:
    if service == "s3":
        body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    elif service in ("iam", "cloudformation", "rds", "sns"):
        body = (
            f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        )
    else:
        code = "AccessDeniedException" if code == "AccessDenied" else code
        body = json.dumps({"__type": code, "message": message})
    start_response(status, [("Content-Type", "text/plain")])
    return [body.encode()]
