"""The NinjaAPI object. Its OpenAPI 3.1 document is generated from the endpoints."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from converter.api import schemas
from converter.engine import FORMATS
from converter.problems import CONTENT_TYPE, ERRORS, title

ALWAYS = (400, 401, 403, 422, 429, 500, 503)


def problems(*statuses: int) -> dict[str, Any]:
    """Return the `openapi_extra` of an operation that may return these statuses besides the common ones."""
    return {
        "responses": {status: {"$ref": f"#/components/responses/{status}"} for status in (*ALWAYS, *statuses)}
    }


def any_bytes(description: str) -> dict[str, Any]:
    """Return the OpenAPI description of an image response.

    The last content type makes client generators return the body as bytes.
    """
    images = [format.mime for format in FORMATS.values() if format.encodes]
    content = {
        kind: {"schema": {"type": "string", "contentMediaType": kind}}
        for kind in (*images, "application/octet-stream")
    }
    return {"description": description, "content": content}


class Api(NinjaAPI):
    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        components = schema["components"]
        problem = schemas.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        components["schemas"].update(problem.pop("$defs"))
        components["schemas"]["Problem"] = problem
        components["responses"] = _problem_responses()
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["summary"] = operation["summary"].capitalize()
                if "requestBody" in operation:
                    operation["responses"] |= problems(413, 415)["responses"]
                for parameter in operation["parameters"]:
                    parameter["schema"] = _not_null(parameter["schema"])
        return schema


def _problem_responses() -> dict[str, Any]:
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    titles: dict[int, list[str]] = {}
    for code, info in ERRORS.items():
        titles.setdefault(info.status, []).append(title(code))
    return {
        str(status): {"description": "; ".join(said), "content": content} for status, said in titles.items()
    }


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter without the null type: parameters are omitted instead."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) != 1:
        return schema
    return {**{key: value for key, value in schema.items() if key != "anyOf"}, **choices[0]}
