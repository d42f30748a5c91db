"""The protocol's official client, against the running server."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from PIL import Image

from tests.conftest import make_photo
from tests.receiver import Receiver, receiver
from tests.server import Account

if TYPE_CHECKING:  # imported only where its tests run, since it takes a second
    from mcp import Client
    from mcp_types import CallToolResult, ResourceLink

pytestmark = pytest.mark.system

UNDER_200_KB = {"format": "auto", "target_bytes": 200_000, "resize": {"width": 1600}}


@dataclass
class Agent:
    account: Account

    def talk(self, talk: Callable[[Client], Awaitable[None]], token: str = "", mode: Any = "auto") -> None:
        import httpx2
        from mcp import Client
        from mcp.client.streamable_http import streamable_http_client

        async def connect() -> None:
            headers = {"Authorization": f"Bearer {token or self.account.token}"}
            async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
                transport = streamable_http_client(f"{self.account.url}/mcp", http_client=http)
                async with Client(transport, mode=mode) as client:
                    await talk(client)

        asyncio.run(connect())


@pytest.fixture
def agent(running_site: dict[str, Account]) -> Agent:
    return Agent(running_site["agent"])


@pytest.fixture
def website() -> Iterator[Receiver]:
    with receiver() as server:
        server.answers["/photo.jpg"] = (200, {}, make_photo(3000, 2000))
        yield server


def link_of(result: CallToolResult) -> ResourceLink:
    assert not result.is_error, result
    return next(part for part in result.content if part.type == "resource_link")


def fetched(link: ResourceLink) -> bytes:
    answer = requests.get(str(link.uri), timeout=20)
    assert answer.ok
    return answer.content


@pytest.mark.parametrize("mode", ["auto", pytest.param("legacy", marks=pytest.mark.slow)])
def test_an_agent_converts_an_image_to_a_maximum_size_in_one_call(
    agent: Agent, website: Receiver, mode: str
) -> None:
    async def talk(client: Client) -> None:
        assert bool(client.session.discover_result) == (mode == "auto")
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == ["inspect", "convert", "batch", "get", "formats"]
        asked = {"url": f"{website.url}/photo.jpg", "recipe": UNDER_200_KB}
        result = await client.call_tool("convert", asked)
        link = link_of(result)
        data = fetched(link)
        assert len(data) == link.size
        assert len(data) <= 200_000
        with Image.open(io.BytesIO(data)) as image:
            assert image.width == 1600
        assert result.structured_content["report"]["bytes_after"] == len(data)

    agent.talk(talk, mode=mode)


def test_a_file_is_sent_with_the_command_that_the_tool_hands_out(agent: Agent, tmp_path: Path) -> None:
    (tmp_path / "it's mine.jpg").write_bytes(make_photo(2000, 1000))
    size = os.path.getsize(tmp_path / "it's mine.jpg")

    async def talk(client: Client) -> None:
        file = {"name": "it's mine.jpg", "size": size}
        asked = await client.call_tool("convert", {"file": file, "recipe": UNDER_200_KB})
        assert asked.content[0].type == "text"
        command = asked.content[0].text.split("\n", 1)[1]
        subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
        done = await client.call_tool("get", {"job": asked.structured_content["job"], "wait": 20})
        assert len(fetched(link_of(done))) <= 200_000

    agent.talk(talk)


def test_a_batch_is_waited_for(agent: Agent, website: Receiver) -> None:
    async def talk(client: Client) -> None:
        url = f"{website.url}/photo.jpg"
        image = await client.call_tool("inspect", {"url": url})
        assert image.structured_content["found"]["width"] == 3000
        asked = {"uploads": [image.structured_content["upload"]["id"]], "urls": [url]}
        outputs = [{"format": "webp"}, {"format": "png", "resize": {"width": 100}}]
        batch = (await client.call_tool("batch", {**asked, "outputs": outputs})).structured_content
        for _ in range(3):  # on a busy machine an agent retries
            done = await client.call_tool("get", {"batch": batch["batch"], "wait": 20})
            if done.structured_content["status"] == "finished":
                break
        assert (done.structured_content["done"], done.structured_content["status"]) == (4, "finished")
        assert len([part for part in done.content if part.type == "resource_link"]) == 4

    agent.talk(talk)


def test_an_agent_gets_the_error(agent: Agent) -> None:
    from mcp import MCPError

    async def talk(client: Client) -> None:
        known = await client.call_tool("formats", {"format": "webp"})
        assert "quality" in known.structured_content["options"]["properties"]
        result = await client.call_tool(
            "convert", {"url": "HTTP://10.0.0.1/a.jpg", "recipe": {"format": "webp"}}
        )
        assert "This URL is not on the public internet." in str(result.content)
        result = await client.call_tool("get", {})
        assert result.is_error
        with pytest.raises(MCPError):
            await client.call_tool("delete", {})

    agent.talk(talk)


def test_a_read_only_token_is_shown_no_tool_that_writes(agent: Agent) -> None:
    async def talk(client: Client) -> None:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == ["inspect", "get", "formats"]
        result = await client.call_tool("convert", {"url": "https://a.example", "recipe": {"format": "webp"}})
        assert result.is_error
        assert result.structured_content["code"] == "read_only_token"

    agent.talk(talk, agent.account.reader)


def test_access_needs_a_token(agent: Agent) -> None:
    async def talk(client: Client) -> None:
        await client.list_tools()

    with pytest.raises(Exception):  # noqa: B017, PT011
        agent.talk(talk, "wrong")
