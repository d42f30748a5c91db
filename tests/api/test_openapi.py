from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from openapi_spec_validator import validate

from imagesite.api import api
from tests.api.conftest import Program
from tests.browser import chromium


@pytest.fixture
def described() -> dict[str, Any]:
    response = Client().get("/api/v1/openapi.json")
    assert response.status_code == 200
    document: dict[str, Any] = response.json()
    return document


@pytest.mark.long
@pytest.mark.django_db
def test_the_description_is_valid_openapi_3_1_and_open_to_all(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1")
    validate(described)


@pytest.mark.django_db
def test_the_description_declares_the_converted_image_as_bytes(described: dict[str, Any]) -> None:
    answer = described["paths"]["/api/v1/convert"]["post"]["responses"]["200"]
    assert {"image/webp", "application/pdf", "application/octet-stream"} <= set(answer["content"])
    assert "*/*" not in answer["content"]
    assert described["servers"] == [{"url": "/"}]


@pytest.mark.django_db
def test_every_operation_says_who_may_call_it_and_which_problems_it_has(described: dict[str, Any]) -> None:
    for operations in described["paths"].values():
        for operation in operations.values():
            assert operation["security"] == [{"Token": []}, {"Session": []}]
            assert {"401", "403", "422", "429"} <= set(operation["responses"])
            assert operation["description"]


@pytest.mark.django_db
def test_the_formats_come_with_schemas_of_their_options(program: Program) -> None:
    body = program.get("formats").json()
    formats = {format["name"]: format for format in body["items"]}
    assert body["next"] is None
    assert body["auto"]["properties"]["format"] == {"const": "auto"}
    assert formats["heic"]["options"] is None
    assert formats["jpeg"]["extensions"][0] == "jpg"
    assert formats["jpeg"]["options"]["properties"]["format"] == {"const": "jpeg"}
    assert "lossless" not in formats["jpeg"]["options"]["properties"]


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_the_documents_are_shown_under_the_content_security_policy(live_server: Any) -> None:
    complaints: list[str] = []
    with chromium() as browser, browser.new_page() as page:
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        response = page.goto(f"{live_server.url}/api/docs")
        assert response is not None
        policy = response.headers["content-security-policy"]
        page.get_by_text("/api/v1/batches/{batch_id}/zip").wait_for()
        page.get_by_text("Submit batch").click()
        page.get_by_role("heading", name="Request body").wait_for()
    assert "unsafe-inline" not in policy
    assert complaints == []


@pytest.mark.long
@pytest.mark.django_db
def test_the_examples_do_what_they_say(program: Program, described: dict[str, Any]) -> None:
    tried = 0
    expected: dict[str, tuple[Callable[..., Any], int]] = {
        "post": (program.post, 201),
        "put": (program.put, 200),
    }
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {})
            reference = content.get("application/json", {}).get("schema", {}).get("$ref")
            if reference is None or "{" in path:
                continue
            send, status = expected[method]
            for example in described["components"]["schemas"][reference.rpartition("/")[2]]["examples"]:
                response = send(path.removeprefix("/api/v1/"), example)
                assert response.status_code == status, response.content
                tried += 1
    assert tried == 7


@pytest.mark.django_db
def test_the_description_is_made_once_and_known_by_its_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Client().get("/api/v1/openapi.json")
    monkeypatch.setattr(api, "get_openapi_schema", lambda: pytest.fail("it is made again"))
    again = Client().get("/api/v1/openapi.json")
    assert (again.content, again["Content-Type"]) == (first.content, "application/json")
    assert again["ETag"] == first["ETag"]
    for known in (first["ETag"], f"W/{first['ETag']}"):  # the second is the ETag of a compressed response
        unchanged = Client().get("/api/v1/openapi.json", headers={"If-None-Match": known})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert Client().head("/api/v1/openapi.json")["ETag"] == first["ETag"]
    assert Client().post("/api/v1/openapi.json").status_code == 405
