from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from imagesite.accounts.models import ApiToken


class Program:
    """An API client that sends JSON, with or without a token."""

    def __init__(self, token: str | None = None) -> None:
        self.client = Client(headers={"Authorization": f"Bearer {token}"} if token else None)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(f"/api/v1/{path}", body, content_type="application/json", headers=named)

    def put(self, path: str, body: Any) -> Any:
        return self.client.put(f"/api/v1/{path}", body, content_type="application/json")

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/api/v1/{path}")

    def submit(self, *names: str, outputs: list[Any] | None = None, size: int = 1000) -> Any:
        files = [{"name": name, "size": size} for name in names or ("a.jpg",)]
        response = self.post("batches", {"files": files, "outputs": outputs or [{"format": "webp"}]})
        assert response.status_code == 201, response.content
        return response.json()


class Clock:
    """A fake clock that advances only on sleep."""

    def __init__(self) -> None:
        self.now = 0.0
        self.naps = 0
        self.at_nap: dict[int, Any] = {}

    def monotonic(self) -> float:
        return self.now

    time = monotonic

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.naps += 1
        if self.naps in self.at_nap:
            self.at_nap[self.naps]()


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """Check that the response is this problem, with all fields, and return it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["status"] == status
    assert body["code"] == code
    assert body["type"] == f"/problems/{code}/"
    assert body["title"]
    assert body["detail"]
    assert isinstance(body["params"], dict)
    for error in body.get("errors", []):
        assert {"code", "params", "detail"} < set(error)
    return body


@pytest.fixture
def program(alice: Any) -> Program:
    """Return Alice's API client with a token that may write."""
    return Program(ApiToken.issue(alice, "test")[1])


@pytest.fixture
def reader(alice: Any) -> Program:
    """Return Alice's API client with a read-only token."""
    return Program(ApiToken.issue(alice, "test", scope="read")[1])


@pytest.fixture
def stranger(bob: Any) -> Program:
    return Program(ApiToken.issue(bob, "test")[1])


@pytest.fixture
def nobody() -> Program:
    return Program()
