"""The part of the Model Context Protocol that a server with tools and without sessions needs.

JSON-RPC 2.0 over Streamable HTTP: https://modelcontextprotocol.io/specification/2025-06-18/basic/transports.
From version 2026-07-28 on there is no handshake: each request names its protocol version. The official
package is not used because it would load a web server, a client and its models at every cold start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from converter.api.problems import Problem
from converter.engine import strict_json

HANDSHAKE = ("2025-11-25", "2025-06-18")  # newest first
MODERN = "2026-07-28"
VERSIONS = (MODERN, *HANDSHAKE)
UNSAID = "2025-03-26"  # the version of clients that send no version header

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

VERSION_HEADER = "MCP-Protocol-Version"
META = "io.modelcontextprotocol/"


class ProtocolError(Exception):
    """An invalid message, or a request for an unknown method or tool. `status` is the HTTP status."""

    def __init__(
        self, code: int, text: str, *, request_id: Any = None, status: int = 200, data: Any = None
    ) -> None:
        super().__init__(text)
        self.code, self.request_id, self.status, self.data = code, request_id, status, data

    def response(self) -> JsonResponse:
        error = {"code": self.code, "message": str(self)}
        if self.data is not None:
            error["data"] = self.data
        return JsonResponse({"jsonrpc": "2.0", "id": self.request_id, "error": error}, status=self.status)


@dataclass(frozen=True)
class Call:
    """A message from the client. `id` is None for notifications and responses, which need no response."""

    id: str | int | None
    method: str
    params: dict[str, Any]
    is_modern: bool = False
    """Whether the protocol version works without a handshake."""

    def answered(self, result: dict[str, Any]) -> JsonResponse:
        kind = {"resultType": "complete"} if self.is_modern else {}
        return JsonResponse({"jsonrpc": "2.0", "id": self.id, "result": {**result, **kind}})

    def refused(self, code: int, text: str) -> ProtocolError:
        status = (404 if code == METHOD_NOT_FOUND else 400) if self.is_modern else 200
        return ProtocolError(code, text, request_id=self.id, status=status)


def read(request: HttpRequest) -> Call:
    """Return the message in the body. Raises ProtocolError, or Problem if the content type is not JSON."""
    if request.content_type != "application/json":
        raise Problem("unsupported_media_type", kind="expected", type="application/json")
    try:
        message = strict_json.loads(request.body.decode())
    except ValueError as exc:
        raise ProtocolError(PARSE_ERROR, "The body is not valid JSON.", status=400) from exc
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise ProtocolError(INVALID_REQUEST, "The body must be one JSON-RPC 2.0 message.", status=400)
    request_id, method, params = message.get("id"), message.get("method"), message.get("params", {})
    if method is None and ("result" in message or "error" in message):
        return Call(None, "", {})
    valid_id = "id" not in message or (isinstance(request_id, str | int) and not isinstance(request_id, bool))
    if not isinstance(method, str) or not isinstance(params, dict) or not valid_id:
        raise ProtocolError(INVALID_REQUEST, "This is not a valid request.", status=400)
    _check_version(request, request_id, method)
    call = Call(request_id, method, params, request.headers.get(VERSION_HEADER) == MODERN)
    if call.is_modern and call.id is not None:
        _check_envelope(request, call)
    return call


def _check_version(request: HttpRequest, request_id: Any, method: str) -> None:
    """Check the version header. `initialize` may have any version, as none has been negotiated yet."""
    asked = request.headers.get(VERSION_HEADER, UNSAID)
    if method != "initialize" and asked not in (*VERSIONS, UNSAID):
        raise ProtocolError(
            UNSUPPORTED_VERSION,
            f"This server does not support version {asked[:20]}.",
            request_id=request_id,
            status=400,
            data={"supported": list(VERSIONS), "requested": asked[:20]},
        )


def _check_envelope(request: HttpRequest, call: Call) -> None:
    """Check that a request without a handshake has the required `_meta`, and headers that match its body."""
    meta = call.params.get("_meta")
    keys = (f"{META}protocolVersion", f"{META}clientCapabilities")
    if not isinstance(meta, dict) or any(key not in meta for key in keys):
        raise call.refused(INVALID_PARAMS, f"params._meta must have {' and '.join(keys)}.")
    expected = {VERSION_HEADER: meta[keys[0]], "Mcp-Method": call.method}
    if call.method == "tools/call":
        expected["Mcp-Name"] = call.params.get("name")
    for name, value in expected.items():
        if request.headers.get(name) != value:
            raise call.refused(HEADER_MISMATCH, f"The header {name} does not match the body.")


def version_for(params: dict[str, Any]) -> str:
    """Return the requested version if it is supported, else the newest one, which the client may decline."""
    asked = params.get("protocolVersion")
    return asked if asked in HANDSHAKE else HANDSHAKE[0]


def accepted() -> HttpResponse:
    """Return the HTTP response to a message that needs no JSON-RPC response."""
    return HttpResponse(status=202)
