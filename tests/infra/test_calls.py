"""Every AWS call in our code, the deployment and Zappa, checked against AWS's own descriptions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import botocore.loaders
import pytest
import zappa.core
from botocore import xform_name
from botocore.model import OperationModel, ServiceModel

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
OURS = ("converter", "imagesite", "infra")
SERVICES = (
    "acm", "apigateway", "budgets", "cloudformation", "cloudfront", "cloudwatch", "cognito-idp", "dynamodb", "ec2", "events",
    "freetier", "iam", "kinesis", "lambda", "logs", "rekognition", "route53", "s3", "service-quotas", "sesv2", "sns", "sqs", "ssm", "sts",
)  # fmt: skip
BOUND = {"TableName"}  # set by boto3's resources


@cache
def operations() -> dict[str, list[OperationModel]]:
    """Return the operations that a client's method may stand for, one for each service that has that name."""
    loader = botocore.loaders.create_loader()
    found: dict[str, list[OperationModel]] = {}
    for service in SERVICES:
        model = ServiceModel(loader.load_service_model(service, "service-2"), service)
        for name in model.operation_names:
            found.setdefault(xform_name(name), []).append(model.operation_model(name))
    return found


def calls_in(text: str) -> Iterator[tuple[int, str, set[str], bool]]:
    """Yield line, method, argument names, and whether these are complete (no `**more`)."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
            given = {keyword.arg for keyword in node.keywords if keyword.arg}
            # AWS's parameter names are capitalised; ours are not.
            if node.func.attr in operations() and any(name != name.lower() for name in given):
                yield node.lineno, node.func.attr, given, all(keyword.arg for keyword in node.keywords)


def is_known(method: str, given: set[str], is_all: bool) -> bool:
    shapes = [operation.input_shape for operation in operations()[method] if operation.input_shape]
    return any(
        given <= set(shape.members) and (not is_all or set(shape.required_members) - BOUND <= given)
        for shape in shapes
    )


def wrong_in(text: str) -> list[str]:
    return [
        f"{line}: {method}({', '.join(sorted(given))})"
        for line, method, given, is_all in calls_in(text)
        if not is_known(method, given, is_all)
    ]


@pytest.mark.parametrize(
    ("call", "is_wrong"),
    [
        ("s3.put_object(Bucket='b', Key='k', Body=b'')", False),
        ("s3.put_object(Bucket='b', Key='k', Contents=b'')", True),
        ("s3.put_object(Bucket='b')", True),
        ("s3.put_object(Bucket='b', **more)", False),
        ("table.get_item(Key=key)", False),
        ("events.put_rule(Name='clock', Schedule='rate(1 hour)')", True),
    ],
)
def test_a_call_that_aws_does_not_know_is_found(call: str, is_wrong: bool) -> None:
    assert bool(wrong_in(call)) == is_wrong


def test_every_call_is_one_of_awss() -> None:
    ours = [file for room in OURS for file in (ROOT / room).rglob("*.py")]
    zappas = list(Path(zappa.core.__file__).parent.glob("*.py"))
    seen = 0
    wrong = {}
    for file in [*ours, *zappas]:
        text = file.read_text()
        seen += len(list(calls_in(text)))
        if found := wrong_in(text):
            wrong[file.name] = found
    assert wrong == {}
    assert seen > 80


# What a call needs, where the permission is not named like the operation:
# docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
NEEDS = {
    "s3:DeleteObjects": ["s3:DeleteObject"],
    "s3:HeadObject": ["s3:GetObject"],
    "s3:ListObjectsV2": ["s3:ListBucket"],
    "lambda:Invoke": ["lambda:InvokeFunction"],
}
# Methods of boto3 that make several calls or sign one.
COMBINED = {
    "upload_fileobj": ["s3:PutObject", "s3:AbortMultipartUpload"],
    "generate_presigned_post": ["s3:PutObject"],
    "generate_presigned_url": ["s3:GetObject"],
}
# The services that the functions call, and what a module that calls them contains.
CALLED = {
    "cognito-idp": '"cognito-idp"',
    "dynamodb": "tables.table(",
    "lambda": '"lambda"',
    "rekognition": '"rekognition"',
    "s3": "S3Storage",
}
ADMINS = "doctor.py"  # runs with the permissions of whoever deploys


def is_signed(operation: OperationModel) -> bool:
    return operation.auth_type != "none" and "smithy.api#noAuth" not in (operation.auth or ())


def needed_by(text: str) -> Iterator[str]:
    """Yield the permissions that the calls in a module need; unsigned requests need none."""
    services = {service for service, mark in CALLED.items() if mark in text}
    methods = {
        node.func.attr
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    for method in methods if services else ():
        yield from COMBINED.get(method, [])
        for operation in operations().get(method, []):
            permission = f"{operation.service_model.service_name}:{operation.name}"
            if operation.service_model.service_name in services and is_signed(operation):
                yield from NEEDS.get(permission, [permission])


def test_the_roles_allow_what_the_code_calls_and_nothing_else() -> None:
    ours = [
        file.read_text()
        for room in ("converter", "imagesite")
        for file in (ROOT / room).rglob("*.py")
        if file.name != ADMINS
    ]
    used = {permission for text in ours for permission in needed_by(text)}
    assert any("AmazonSSM.GetParametersByPath" in text for text in ours)
    roles = (ROOT / "infra" / "roles.tf").read_text()
    granted = set(re.findall(rf'"((?:{"|".join(CALLED)}|ssm):[A-Z]\w+)"', roles))
    assert granted - {"lambda:SourceFunctionArn"} == used | {"ssm:GetParametersByPath"}
