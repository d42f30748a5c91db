"""The MCP tools, served by the packaged web function."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cloud.gateway import read, through_cloudfront
from tests.cloud.lambdas import Function

pytestmark = [pytest.mark.slow, pytest.mark.system]

HOST = "images.example.com"
TOKEN = "img_known-to-the-test-alone"
# As if the user pool had just confirmed that the owner is enabled.
MAKE_TOKEN = f"""
from django.core.cache import cache
from imagesite.accounts.models import ApiToken, User
cache.set("cognito-enabled:dave", True, 3600)
owner = User.objects.create_user("dave@example.org", sub="dave")
ApiToken.objects.create(owner=owner, name="agent", digest=ApiToken.digest_of("{TOKEN}"), start="img_kn")
"""

Ask = Callable[..., tuple[int, dict[str, str], Any]]


@pytest.fixture(scope="module")
def ask(web: Function) -> Ask:
    answer, failed, log = web.invoke({"raw_command": MAKE_TOKEN})
    assert not failed, answer + log

    def ask(message: Any, *, method: str = "POST", token: str = TOKEN, **headers: str) -> Any:
        sent = {"Content-Type": "application/json", "Authorization": f"Bearer {token}", **headers}
        event = through_cloudfront(
            method,
            "/mcp",
            host=HOST,
            headers=sent.items(),
            body=json.dumps(message).encode() if message else b"",
        )
        answer, failed, log = web.invoke(event)
        assert not failed, answer + log
        status, several, body = read(answer)
        return status, dict(several), json.loads(body) if body else None

    return ask


def request(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def test_an_agent_greets_lists_and_calls(ask: Ask) -> None:
    status, _, body = ask(request("initialize", protocolVersion="2025-06-18"))
    assert (status, body["result"]["protocolVersion"]) == (200, "2025-06-18")
    assert body["result"]["serverInfo"]["websiteUrl"] == f"https://{HOST}/"
    assert ask({"jsonrpc": "2.0", "method": "notifications/initialized"})[0] == 202
    _, _, body = ask(request("tools/list"), **{"MCP-Protocol-Version": "2025-06-18"})
    assert len(body["result"]["tools"]) == 5
    status, headers, body = ask(request("tools/call", name="formats", arguments={}))
    assert status == 200
    assert headers["Content-Type"] == "application/json"
    assert body["result"]["structuredContent"]["formats"]


def test_a_file_is_sent_to_the_site_with_a_form_that_s3_reads(ask: Ask) -> None:
    arguments = {"file": {"name": "a.jpg", "size": 5_000_000}, "recipe": {"format": "webp"}}
    _, _, body = ask(request("tools/call", name="convert", arguments=arguments))
    form = body["result"]["structuredContent"]["upload"]["form"]
    assert form["url"] == f"https://{HOST}/uploads"
    assert {"policy", "key", "x-amz-signature"} <= form["fields"].keys()


def test_strangers_and_streams_are_refused(ask: Ask) -> None:
    status, _, body = ask(request("ping"), token="img_wrong")
    assert (status, body["code"]) == (401, "invalid_token")
    status, headers, body = ask(None, method="GET")
    assert (status, headers["Allow"], body["code"]) == (405, "POST", "method_not_allowed")
    status, _, body = ask(request("ping"), Origin="https://evil.example")
    assert (status, body["code"]) == (403, "forbidden")
