"""CloudFront in front of the site, and API Gateway's proxy event (REST API, version 1)."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

ORIGIN_SECRET = "the secret that only CloudFront knows"
API_KEY = "the key that only CloudFront sends"
HOP_BY_HOP = ("connection", "content-length", "date", "server", "transfer-encoding")
API_HOST = "abcdef1234.execute-api.eu-west-1.amazonaws.com"


def proxy_event(
    method: str,
    path: str,
    *,
    query: str = "",
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    client: str = "203.0.113.7",
) -> dict[str, Any]:
    """Return the event that API Gateway passes to the function for one request."""
    several: dict[str, list[str]] = {}
    for name, value in headers:
        several.setdefault(name.title(), []).append(value)
    several["Host"] = [API_HOST]
    said = several.get(
        "X-Forwarded-For", []
    )  # from the visitor; CloudFront and then API Gateway append to it
    several["X-Forwarded-For"] = [", ".join([*said, client, "130.176.0.1"])]
    several["X-Forwarded-Proto"] = ["https"]
    parameters = parse_qs(query, keep_blank_values=True)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in several.items()},
        "multiValueHeaders": several,
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "stage": "production",
            "path": f"/production{path}",
            "httpMethod": method,
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "identity": {"sourceIp": client},
        },
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def through_cloudfront(
    method: str, path: str, *, host: str, headers: Iterable[tuple[str, str]] = (), **more: Any
) -> dict[str, Any]:
    """Return the event of a request through CloudFront, which adds the visitor's host and the secret."""
    dropped = ("host", "x-forwarded-host", "x-origin-verify", "x-forwarded-for")
    passed = [(name, value) for name, value in headers if name.lower() not in dropped]
    added = [("X-Forwarded-Host", host), ("X-Origin-Verify", ORIGIN_SECRET), ("X-Api-Key", API_KEY)]
    return proxy_event(method, path, headers=[*passed, *added], **more)


def read(answer: str) -> tuple[int, list[tuple[str, str]], bytes]:
    """Return status, headers and body of the function's response."""
    parsed = json.loads(answer)
    several = parsed.get("multiValueHeaders") or {n: [v] for n, v in parsed.get("headers", {}).items()}
    body = parsed.get("body") or ""
    content = base64.b64decode(body) if parsed.get("isBase64Encoded") else body.encode()
    return parsed["statusCode"], [(n, v) for n, values in several.items() for v in values], content


Answer = tuple[int, list[tuple[str, str]], bytes]


def send_to_bucket(url: str, method: str, headers: dict[str, str], body: bytes) -> Answer:
    """Send a request to S3 as CloudFront forwards it; return status, headers and body of the response."""
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        answer = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        kept = [(n, v) for n, v in answer.headers.items() if n.lower() not in HOP_BY_HOP]
        return answer.status, kept, answer.read()


class Edge:
    """A WSGI application in place of CloudFront that routes to the static bucket, the uploads bucket and the
    web function.
    """

    def __init__(
        self,
        invoke: Callable[[dict[str, Any]], tuple[str, bool, str]],
        static: Callable[[str], tuple[bytes, str] | None],
        uploads: str,
    ) -> None:
        """`uploads` is the URL of the bucket that receives forms."""
        self.invoke, self.static, self.uploads = invoke, static, uploads

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"].encode("latin-1").decode()
        if path.startswith("/static/"):
            found = self.static(path.lstrip("/"))
            if found is None:
                start_response("403 Forbidden", [])
                return [b""]
            start_response("200 OK", [("Content-Type", found[1])])
            return [found[0]]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        if path == "/uploads":
            kind = {"Content-Type": environ.get("CONTENT_TYPE", "")}
            code, passed, said = send_to_bucket(self.uploads, environ["REQUEST_METHOD"], kind, body)
            start_response(f"{code} ", passed)
            return [said]
        headers = [
            (name[5:].replace("_", "-"), value) for name, value in environ.items() if name.startswith("HTTP_")
        ]
        if environ.get("CONTENT_TYPE"):
            headers.append(("Content-Type", environ["CONTENT_TYPE"]))
        event = through_cloudfront(
            environ["REQUEST_METHOD"],
            path,
            host=environ["HTTP_HOST"],
            headers=headers,
            query=environ.get("QUERY_STRING", ""),
            body=body,
        )
        answer, failed, log = self.invoke(event)
        if failed:
            start_response("502 Bad Gateway", [("Content-Type", "text/plain")])
            return [f"{answer}\n{log}".encode()]
        status, several, content = read(answer)
        start_response(f"{status} ", [(n, v) for n, v in several if n.lower() != "content-length"])
        return [content]
