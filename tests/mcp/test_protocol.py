"""JSON-RPC over Streamable HTTP, as specified."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from imagesite.accounts.models import ApiToken
from tests.api.conftest import problem
from tests.mcp.conftest import Agent

pytestmark = pytest.mark.django_db

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def fault(response: Any, status: int, code: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    error: dict[str, Any] = response.json()["error"]
    assert error["code"] == code
    return error


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [
        ("2025-06-18", "2025-06-18"),
        ("2025-11-25", "2025-11-25"),
        ("1999-01-01", "2025-11-25"),
        (None, "2025-11-25"),
    ],
)
def test_client_and_server_agree_on_a_version(agent: Agent, asked: Any, spoken: str) -> None:
    result = agent.ask("initialize", {"protocolVersion": asked, "capabilities": {}})["result"]
    assert result["protocolVersion"] == spoken
    assert result["capabilities"] == {"tools": {}}
    assert result["serverInfo"]["name"] == "imagesite"
    assert "target_bytes" in result["instructions"]


def test_a_ping_is_answered_with_its_id(agent: Agent) -> None:
    assert agent.post({**PING, "id": "a-1"}).json() == {"jsonrpc": "2.0", "id": "a-1", "result": {}}


@pytest.mark.parametrize(
    "message",
    [{"jsonrpc": "2.0", "method": "notifications/initialized"}, {"jsonrpc": "2.0", "id": 3, "result": {}}],
    ids=["notification", "answer"],
)
def test_notifications_are_accepted_without_a_response(agent: Agent, message: Any) -> None:
    response = agent.post(message)
    assert (response.status_code, response.content) == (202, b"")


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
def test_the_supported_versions_are_accepted_in_the_header(agent: Agent, version: str) -> None:
    assert agent.post(PING, MCP_Protocol_Version=version).status_code == 200


def test_an_unknown_version_is_refused(agent: Agent) -> None:
    error = fault(agent.post(PING, MCP_Protocol_Version="1999-01-01"), 400, -32022)
    assert error["data"]["requested"] == "1999-01-01"


@pytest.mark.parametrize(
    "message",
    [
        [PING],
        [],
        '"ping"',
        {"id": 1, "method": "ping"},
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": None, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1.5, "method": "ping"},
        {"jsonrpc": "2.0", "id": True, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []},
        {"jsonrpc": "2.0", "id": 1, "method": 7},
    ],
)
def test_a_batch_of_requests_is_invalid(agent: Agent, message: Any) -> None:
    fault(agent.post(message), 400, -32600)


@pytest.mark.parametrize(
    "body",
    ["{", " ", "[" * 100_000, '{"a": NaN}', '"\\ud800"', '"\\u0000"'],
    ids=["open", "empty", "deep", "nan", "surrogate", "nul"],
)
def test_invalid_json_is_a_parse_error(agent: Agent, body: str) -> None:
    fault(agent.post(body), 400, -32700)


def test_an_unknown_method_is_an_error(agent: Agent) -> None:
    fault(agent.post({**PING, "method": "resources/list"}), 200, -32601)


@pytest.mark.parametrize("params", [{}, {"name": 1}, {"name": "delete"}, {"name": "get", "arguments": []}])
def test_an_unknown_tool_is_an_error(agent: Agent, params: Any) -> None:
    response = agent.post({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})
    if params.get("arguments") != []:
        fault(response, 200, -32602)


@pytest.mark.parametrize("method", ["get", "delete", "put", "options"])
def test_there_is_no_stream_and_no_session(agent: Agent, method: str) -> None:
    response = getattr(agent.client, method)("/mcp")
    problem(response, 405, "method_not_allowed")
    assert response["Allow"] == "POST"


def test_a_body_of_another_type_is_refused(agent: Agent) -> None:
    problem(agent.client.post("/mcp", {"a": "b"}), 415, "unsupported_media_type")


def test_a_body_that_is_too_large_is_refused(agent: Agent, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    problem(agent.post({**PING, "params": {"a": "x" * 200}}), 413, "body_too_large")


def test_pages_of_other_sites_are_turned_away(agent: Agent) -> None:
    problem(agent.post(PING, Origin="https://evil.example"), 403, "forbidden")
    problem(agent.post(PING, Origin="null"), 403, "forbidden")
    assert agent.post(PING, Origin="http://testserver").status_code == 200


def test_only_tokens_are_accepted(alice: Any) -> None:
    response = Agent().post(PING)
    problem(response, 401, "unauthenticated")
    assert response["WWW-Authenticate"] == "Bearer"
    problem(Agent("img_wrong").post(PING), 401, "invalid_token")
    browser = Client()
    browser.force_login(alice)
    problem(browser.post("/mcp", PING, content_type="application/json"), 401, "unauthenticated")


def test_a_revoked_token_is_refused(alice: Any) -> None:
    token, secret = ApiToken.issue(alice, "agent")
    assert Agent(secret).post(PING).status_code == 200
    token.delete()
    problem(Agent(secret).post(PING), 401, "invalid_token")


def test_the_limit_is_that_of_the_api(agent: Agent, settings: Any) -> None:
    settings.CONVERTER_REQUESTS_A_MINUTE = 2
    assert [agent.post(PING).status_code for _ in range(3)] == [200, 200, 429]
    assert int(agent.post(PING)["Retry-After"]) > 0
    problem(agent.client.get("/api/v1/formats"), 429, "too_many_requests")


def test_no_answer_is_cached(agent: Agent) -> None:
    assert agent.post(PING)["Cache-Control"] == "no-store"


def test_the_address_is_exact(agent: Agent) -> None:
    for path in ("/mcp/", "/mcps", "/mcp/x"):
        assert agent.client.post(path, PING, content_type="application/json").status_code == 404


# --- Without a handshake (2026-07-28) ----------------------------------------------------------------------

MODERN = "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}


def modern(agent: Agent, method: str, **more: Any) -> Any:
    headers = {"MCP_Protocol_Version": MODERN, "Mcp_Method": method, **more.pop("headers", {})}
    params = {"_meta": META, **more}
    return agent.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, **headers)


def test_a_client_can_do_without_a_handshake(agent: Agent) -> None:
    found = modern(agent, "server/discover").json()["result"]
    assert found["supportedVersions"] == [MODERN, "2025-11-25", "2025-06-18"]
    assert (found["resultType"], found["cacheScope"]) == ("complete", "private")
    listed = modern(agent, "tools/list").json()["result"]
    assert (len(listed["tools"]), listed["ttlMs"]) == (5, 0)
    called = modern(agent, "tools/call", name="formats", headers={"Mcp_Name": "formats"}).json()["result"]
    assert called["structuredContent"]["formats"]
    assert called["resultType"] == "complete"


@pytest.mark.parametrize("method", ["initialize", "ping", "resources/list"])
def test_without_a_handshake_its_methods_do_not_exist(agent: Agent, method: str) -> None:
    fault(modern(agent, method), 404, -32601)


def test_with_a_handshake_nothing_is_to_be_discovered(agent: Agent) -> None:
    fault(agent.post({**PING, "method": "server/discover"}), 200, -32601)


@pytest.mark.parametrize(
    "headers", [{"Mcp_Method": "tools/list"}, {"Mcp_Name": "get"}, {"Mcp_Method": ""}], ids=str
)
def test_headers_that_do_not_match_the_body_are_refused(agent: Agent, headers: Any) -> None:
    fault(
        modern(agent, "tools/call", name="formats", headers={"Mcp_Name": "formats", **headers}), 400, -32020
    )


def test_a_request_without_a_version_is_refused(agent: Agent) -> None:
    fault(modern(agent, "tools/list", _meta={}), 400, -32602)
    other = {**META, "io.modelcontextprotocol/protocolVersion": "2025-06-18"}
    fault(modern(agent, "tools/list", _meta=other), 400, -32020)
