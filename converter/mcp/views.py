"""The MCP endpoint: each request holds one message."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from converter.api.access import ApiRequest, Caller
from converter.api.problems import Problem
from converter.mcp import protocol, tools
from converter.mcp.protocol import Call, ProtocolError

INSTRUCTIONS = (
    "Convert, resize, crop and watermark images. "
    "Messages contain links to images, never the images themselves. Pass an image as a public URL, as the id of an earlier "
    "upload, or as a file: its name and size in bytes. For a file you get an upload form; post the file with it and call get "
    "with the job's id. "
    "For a maximum file size, set target_bytes in the recipe; for a maximum width, set resize.width. "
    "Links to results are valid for five minutes; get returns new ones."
)

UNCACHED = {"ttlMs": 0, "cacheScope": "private"}


def check_origin(request: HttpRequest) -> None:
    """Reject other sites' pages, which could reach a server in a private network through a user's browser."""
    origin = request.headers.get("Origin")
    allowed = settings.CORS_ALLOW_ALL_ORIGINS or origin in settings.CORS_ALLOWED_ORIGINS
    if origin and not allowed and urlsplit(origin).netloc != request.get_host():
        raise Problem("forbidden")


def answer(request: HttpRequest, caller: Caller) -> HttpResponse:
    """Return the response to the caller's message. Raises Problem if the request holds no message."""
    if request.method != "POST":
        # There is no server-initiated stream (GET) and no session to end (DELETE).
        raise Problem("method_not_allowed", headers={"Allow": "POST"})
    request = cast(ApiRequest, request)
    request.auth = caller
    try:
        call = protocol.read(request)
        if call.id is None:
            return protocol.accepted()
        return call.answered(_result(request, call))
    except ProtocolError as exc:
        return exc.response()


def _result(request: ApiRequest, call: Call) -> dict[str, Any]:
    match call.method:
        case "server/discover" if call.is_modern:
            return {"supportedVersions": list(protocol.VERSIONS), **_about(), **UNCACHED}
        case "initialize" if not call.is_modern:
            return {
                "protocolVersion": protocol.version_for(call.params),
                "serverInfo": _server(request),
                **_about(),
            }
        case "ping" if not call.is_modern:
            return {}
        case "tools/list":
            return {"tools": tools.listed(request.auth), **(UNCACHED if call.is_modern else {})}
        case "tools/call":
            return _called(request, call)
        case _:
            raise call.refused(protocol.METHOD_NOT_FOUND, f"There is no method {call.method[:100]}.")


def _about() -> dict[str, Any]:
    return {"capabilities": {"tools": {}}, "instructions": INSTRUCTIONS}


def _server(request: ApiRequest) -> dict[str, str]:
    return {
        "name": "imagesite",
        "title": "Imagesite",
        "version": "1",
        "description": "Convert, resize, crop and watermark images.",
        "websiteUrl": request.build_absolute_uri(reverse("web:landing")),
    }


def _called(request: ApiRequest, call: Call) -> dict[str, Any]:
    name, arguments = call.params.get("name"), call.params.get("arguments") or {}
    if not isinstance(name, str) or not isinstance(arguments, dict):
        raise call.refused(
            protocol.INVALID_PARAMS, "A call needs the name of a tool, and its arguments as an object."
        )
    tool = tools.TOOLS.get(name)
    if tool is None:
        raise call.refused(protocol.INVALID_PARAMS, f"There is no tool named {name[:100]}.")
    return tools.call(request, tool, arguments)
