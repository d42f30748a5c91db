"""What AWS requires and moto does not when a role is passed to a service: the caller may pass it, the role
trusts the service, and it has the permissions that the service needs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs

from moto.apigateway.models import Method
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends

from tests.cloud.iam import ACCOUNT, body_of, caller, is_allowed, refuse, several, statements_of

Handed = tuple[str, str]  # ARN of the role, principal of the service


_create_method = Method.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]


@classmethod  # type: ignore[misc]
def create_method(cls: type[Method], name: str, template: dict[str, Any], *where: Any, **more: Any) -> Any:
    """Keep the role of an integration, which moto drops from CloudFormation's resources."""
    method = _create_method(cls, name, template, *where, **more)
    method.method_integration.credentials = template["Properties"]["Integration"].get("Credentials")
    return method


def patch(set_attribute: Callable[[Any, str, Any], Any] = setattr) -> None:
    set_attribute(Method, "create_from_cloudformation_json", create_method)


class Roles:
    """WSGI middleware in front of moto."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        by, service = caller(environ)
        for role, principal in handed(service, environ):
            if not may_pass(by, role, principal):
                message = f"User: {by} is not authorized to perform: iam:PassRole on resource: {role}"
                return refuse(service, message, start_response)
            # API Gateway accepts any role, and fails when it uses it (rest_api.py).
            if principal != "apigateway.amazonaws.com" and (fault := distrust(role, principal)):
                return refuse(service, fault, start_response, "ValidationException", "400 Bad Request")
            if is_traced(service, environ) and not may_trace(role):
                message = (
                    "The provided execution role does not have permissions to call PutTraceSegments on XRAY"
                )
                code = "InvalidParameterValueException"
                return refuse(service, message, start_response, code, "400 Bad Request")
        return self.application(environ, start_response)


def handed(service: str, environ: dict[str, Any]) -> Iterator[Handed]:
    """Yield the roles that a request passes, and to which service."""
    if service == "events":
        fields = json.loads(body_of(environ) or b"{}")
        for part in (fields, *fields.get("Targets", [])):
            if role := part.get("RoleArn"):
                yield role, "events.amazonaws.com"
    elif service == "lambda" and re.search(r"/functions(/[^/]+/configuration)?/?$", environ["PATH_INFO"]):
        if environ["REQUEST_METHOD"] in ("POST", "PUT"):
            yield json.loads(body_of(environ))["Role"], "lambda.amazonaws.com"
    elif service == "cloudformation":
        fields = parse_qs(body_of(environ).decode())
        for url in fields.get("TemplateURL", []):
            for role in roles_of_methods(url):
                yield role, "apigateway.amazonaws.com"


def roles_of_methods(template_url: str) -> set[str]:
    """Return the roles with which the API of a stack will call its functions."""
    bucket, key = template_url.split("/")[-2:]
    bucket = bucket if "." not in bucket else bucket.partition(".")[0]
    file = s3_backends[ACCOUNT]["aws"].get_object(bucket, key)
    assert file
    template = json.loads(file.value)
    integrations = [
        part.get("Properties", {}).get("Integration", {}) for part in template["Resources"].values()
    ]
    return {integration["Credentials"] for integration in integrations if "Credentials" in integration}


def may_pass(by: str, role: str, principal: str) -> bool:
    statements = statements_of(by)
    return statements is None or any(
        principal
        in several(
            statement.get("Condition", {}).get("StringEquals", {}).get("iam:PassedToService", principal)
        )
        for statement in statements
        if is_allowed([statement], "iam:PassRole", role, "")
    )


def is_traced(service: str, environ: dict[str, Any]) -> bool:
    """Return whether a description of a function, whose role `handed` has yielded, enables X-Ray."""
    return service == "lambda" and json.loads(body_of(environ)).get("TracingConfig") == {"Mode": "Active"}


def may_trace(role: str) -> bool:
    return is_allowed(statements_of(role.rpartition("/")[2]) or [], "xray:PutTraceSegments", "", "")


def distrust(role: str, principal: str) -> str:
    """Return AWS's error if the role does not trust this service, else ""."""
    trust = json.loads(iam_backends[ACCOUNT]["aws"].get_role_by_arn(role).assume_role_policy_document)
    for statement in trust["Statement"]:
        services = several(statement["Principal"].get("Service", []))
        if (
            statement["Effect"] == "Allow"
            and principal in services
            and statement["Action"] == "sts:AssumeRole"
        ):
            return ""
    if principal == "lambda.amazonaws.com":
        return "The role defined for the function cannot be assumed by Lambda."
    return f"Provided role '{role}' cannot be assumed by principal '{principal}'."
