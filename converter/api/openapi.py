"""The API as one object, described by OpenAPI 3.1 from the code that serves it."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from converter.api import schemas
from converter.api.problems import CONTENT_TYPE, KINDS, Problem

ALWAYS = (400, 401, 403, 422, 429, 500, 503)


def problems(*statuses: int) -> dict[str, Any]:
    """Return, for `openapi_extra`, the problems an operation may answer with beside those of all."""
    return {
        "responses": {status: {"$ref": f"#/components/responses/{status}"} for status in (*ALWAYS, *statuses)}
    }


class JsonParser(Parser):
    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        if request.content_type != "application/json":
            raise Problem("unsupported_media_type", "Send the body as application/json.")
        body: dict[str, Any] = json.loads(request.body, parse_constant=_refuse)
        return body


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


class Api(NinjaAPI):
    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        problem = schemas.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        components = schema["components"]
        components["schemas"].update(problem.pop("$defs"))
        components["schemas"]["Problem"] = problem
        content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        components["responses"] = {}
        for status, title in KINDS.values():
            known = components["responses"].setdefault(
                str(status), {"description": title, "content": content}
            )
            if known["description"] != title:
                known["description"] += f"; {title[0].lower()}{title[1:]}"
        return schema
