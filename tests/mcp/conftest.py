from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from imagesite.accounts.models import ApiToken


class Agent:
    """An MCP client that sends one POST per message."""

    def __init__(self, token: str | None = None) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {token}"} if token else None)

    def post(self, message: Any, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post("/mcp", message, content_type="application/json", headers=named)

    def ask(self, method: str, params: dict[str, Any] | None = None) -> Any:
        response = self.post({"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}})
        assert response.status_code == 200, response.content
        return response.json()

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that succeeds and return its structured result."""
        result = self.result(tool, **arguments)
        assert not result["isError"], result
        content: dict[str, Any] = result["structuredContent"]
        return content

    def result(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result: dict[str, Any] = self.ask("tools/call", {"name": tool, "arguments": arguments})["result"]
        return result

    def refused(self, code: str, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that fails with this code and return the problem."""
        result = self.result(tool, **arguments)
        assert result["isError"], result
        problem: dict[str, Any] = result["structuredContent"]
        assert problem["code"] == code
        assert problem["detail"] in result["content"][0]["text"]
        return problem


@pytest.fixture
def agent(alice: Any) -> Agent:
    return Agent(ApiToken.issue(alice, "agent")[1])


@pytest.fixture
def reader(alice: Any) -> Agent:
    """Return Alice's agent with a read-only token."""
    return Agent(ApiToken.issue(alice, "agent", scope="read")[1])


@pytest.fixture
def stranger(bob: Any) -> Agent:
    return Agent(ApiToken.issue(bob, "agent")[1])
