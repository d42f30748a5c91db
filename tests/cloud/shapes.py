"""Lengths and ranges that AWS refuses and moto accepts: checks requests against the service descriptions in
botocore.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote

import botocore.loaders
from botocore.model import OperationModel, ServiceModel, Shape

from tests.cloud.iam import body_of, caller, refuse

# Signing names for which botocore's folder has another name.
FOLDERS = {"monitoring": "cloudwatch"}
PROTOCOLS = ("json", "query", "rest-json")  # the rest-xml models (S3, CloudFront) specify hardly any lengths

Route = tuple[str, re.Pattern[str], OperationModel]


class Shapes:
    """WSGI middleware in front of moto."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application
        self.seen: set[str] = set()  # checked operations, as `service:Operation`

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        service = caller(environ)[1]
        for operation, said in requests(service, environ):
            self.seen.add(f"{service}:{operation.name}")
            for fault in faults(operation.input_shape, said, operation.name):
                return refuse(service, fault, start_response, "ValidationException", "400 Bad Request")
        return self.application(environ, start_response)


@cache
def model_of(service: str) -> ServiceModel | None:
    name = FOLDERS.get(service, service)
    loader = botocore.loaders.create_loader()
    if not service or name not in loader.list_available_services("service-2"):
        return None
    model = ServiceModel(loader.load_service_model(name, "service-2"), name)
    return model if model.metadata["protocol"] in PROTOCOLS else None


@cache
def routes_of(service: str) -> list[Route]:
    """Return method, path and operation for a service that identifies its operations by method and path."""
    model = model_of(service)
    assert model
    found = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        path = operation.http["requestUri"].partition("?")[0]
        pattern = re.sub(r"\{(\w+)\+?\}", r"(?P<\1>[^/]+)", re.sub(r"[.]", r"\\.", path))
        found.append((operation.http["method"], re.compile(f"{pattern}/?"), operation))
    return found


def requests(service: str, environ: dict[str, Any]) -> Iterator[tuple[OperationModel, dict[str, Any]]]:
    """Yield the requested operation and its parameters, or nothing if the operation is unknown here."""
    model = model_of(service)
    if model is None:
        return
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        yield from named(model, target.rpartition(".")[2], json.loads(body_of(environ) or b"{}"))
    elif model.metadata["protocol"] == "query":
        fields = dict(parse_qsl(body_of(environ).decode("latin-1")))
        yield from named(model, fields.get("Action", ""), fields)
    elif model.metadata["protocol"] == "rest-json":
        for method, pattern, operation in routes_of(service):
            found = pattern.fullmatch(environ["PATH_INFO"])
            if found and method == environ["REQUEST_METHOD"]:
                in_path = {name: unquote(value) for name, value in found.groupdict().items()}
                yield operation, {**in_body(environ), **in_path}
                return


def named(
    model: ServiceModel, name: str, said: dict[str, Any]
) -> Iterator[tuple[OperationModel, dict[str, Any]]]:
    if name in model.operation_names:
        yield model.operation_model(name), said


def in_body(environ: dict[str, Any]) -> dict[str, Any]:
    try:
        said = json.loads(body_of(environ) or b"{}")
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def faults(shape: Shape | None, said: Any, where: str) -> Iterator[str]:
    """Yield AWS's error for each part that is too long, too short, too large or too small."""
    if shape is None or said is None:
        return
    kind = shape.type_name
    if kind == "structure" and isinstance(said, dict):
        for name, member in shape.members.items():  # type: ignore[attr-defined]
            yield from faults(member, said.get(member.serialization.get("name", name)), f"{where}.{name}")
    elif kind == "list" and isinstance(said, list):
        yield from out_of_range(shape, len(said), f"{where} length")
        for part in said:
            yield from faults(shape.member, part, where)  # type: ignore[attr-defined]
    elif kind == "map" and isinstance(said, dict):
        for name, part in said.items():
            yield from faults(shape.key, name, f"{where} key")  # type: ignore[attr-defined]
            yield from faults(shape.value, part, f"{where}.{name}")  # type: ignore[attr-defined]
    elif kind == "string" and isinstance(said, str):
        yield from out_of_range(shape, len(said), f"length of '{said[:80]}' at '{where}'")
        yield from ill_formed(shape, said, f"'{said[:80]}' at '{where}'")
    elif kind in ("integer", "long") and isinstance(said, int):
        yield from out_of_range(shape, said, f"'{said}' at '{where}'")


def out_of_range(shape: Shape, value: int, what: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if (least is not None and value < least) or (most is not None and value > most):
        yield f"1 validation error detected: {what} failed to satisfy constraint: between {least} and {most}"


WIDER = {"PasswordType"}
"""Shapes whose pattern is narrower than the service: Cognito's guide allows spaces inside a password."""


def ill_formed(shape: Shape, value: str, what: str) -> Iterator[str]:
    """Yield AWS's error for a string that is not in its enum or does not match its pattern."""
    enum = shape.metadata.get("enum")
    pattern = None if shape.name in WIDER else pattern_of(shape.metadata.get("pattern", ""))
    if (enum and value not in enum) or (pattern and not pattern.fullmatch(value)):
        yield (
            f"1 validation error detected: {what} failed to satisfy constraint: {enum or shape.metadata['pattern']}"
        )


@cache
def pattern_of(text: str) -> re.Pattern[str] | None:
    """Return the compiled pattern, or None if it is valid only in Java."""
    try:
        return re.compile(text) if text else None
    except re.error:
        return None
