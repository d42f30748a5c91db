"""CORS, for programs in browsers, and the headers of the rate limit, for polite ones."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Program, problem

pytestmark = pytest.mark.django_db

APP = "https://app.example.org"


@pytest.fixture
def allowed(settings: Any) -> None:
    settings.CORS_ALLOWED_ORIGINS = [APP]


def preflight(program: Program, path: str, origin: str = APP) -> Any:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,idempotency-key",
    }
    return program.client.options(path, headers=headers)


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("path", ["/api/v1/convert", "/api/v1/batches", "/mcp", "/uploads"])
def test_an_allowed_page_may_ask_with_a_token(nobody: Program, path: str) -> None:
    response = preflight(nobody, path)
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == APP
    assert "POST" in response["Access-Control-Allow-Methods"]
    assert {"authorization", "idempotency-key"} <= set(response["Access-Control-Allow-Headers"].split(", "))
    assert "Access-Control-Allow-Credentials" not in response


@pytest.mark.usefixtures("allowed")
def test_answers_and_errors_can_be_read_by_an_allowed_page(program: Program, nobody: Program) -> None:
    for response in (
        program.client.get("/api/v1/formats", headers={"Origin": APP}),
        nobody.client.get("/api/v1/formats", headers={"Origin": APP}),
    ):
        assert response["Access-Control-Allow-Origin"] == APP
        assert {"RateLimit", "Job-Report", "Retry-After"} <= set(
            response["Access-Control-Expose-Headers"].split(", ")
        )
        assert "origin" in response["Vary"].lower()


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("path", ["/", "/convert/", "/accounts/login/", "/admin/login/"])
def test_pages_are_for_our_own_site_alone(nobody: Program, path: str) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(nobody, path)
    assert "Access-Control-Allow-Origin" not in nobody.client.get(path, headers={"Origin": APP})


@pytest.mark.usefixtures("allowed")
def test_other_sites_are_not_allowed(program: Program) -> None:
    for origin in ("https://evil.example", f"{APP}.evil.example", "null"):
        assert "Access-Control-Allow-Origin" not in preflight(program, "/api/v1/convert", origin)
        response = program.client.get("/api/v1/formats", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in response


def test_by_default_no_other_site_is_allowed(program: Program) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(program, "/api/v1/convert")


def test_all_sites_can_be_allowed(program: Program, settings: Any) -> None:
    settings.CORS_ALLOW_ALL_ORIGINS = True
    assert preflight(program, "/api/v1/convert")["Access-Control-Allow-Origin"] == "*"


@pytest.mark.usefixtures("allowed")
def test_an_allowed_page_may_use_the_tools_too(program: Program) -> None:
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    statuses = [
        program.client.post(
            "/mcp", ping, content_type="application/json", headers={"Origin": origin}
        ).status_code
        for origin in (APP, "https://evil.example")
    ]
    assert statuses == [200, 403]


# --- Rate limit --------------------------------------------------------------------------------------------


def test_every_response_has_the_remaining_requests(program: Program, settings: Any) -> None:
    settings.CONVERTER_REQUESTS_A_MINUTE = 3
    left = [program.get("formats") for _ in range(3)]
    assert [response["RateLimit-Policy"] for response in left] == ['"minute";q=3;w=60'] * 3
    assert [response["RateLimit"] for response in left] == [
        '"minute";r=2;t=20',
        '"minute";r=1;t=40',
        '"minute";r=0;t=60',
    ]
    refused = program.get("formats")
    problem(refused, 429, "too_many_requests")
    assert refused["RateLimit"].startswith('"minute";r=0;t=')
    assert refused["RateLimit-Policy"] == '"minute";q=3;w=60'


def test_errors_count_and_have_the_header_too(program: Program, settings: Any) -> None:
    settings.CONVERTER_REQUESTS_A_MINUTE = 60
    response = program.get("jobs/00000000-0000-0000-0000-000000000000")
    assert response.status_code == 404
    assert response["RateLimit"] == '"minute";r=59;t=1'


def test_without_a_limit_there_is_no_header(program: Program, settings: Any) -> None:
    settings.CONVERTER_REQUESTS_A_MINUTE = 0
    assert "RateLimit" not in program.get("formats")
