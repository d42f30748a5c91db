"""A visitor's browser: keeps cookies, finds the CSRF token, posts forms. Accepts secure cookies over HTTP, as
browsers do for localhost."""

from __future__ import annotations

import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass
from typing import Any


@dataclass
class Page:
    status: int
    url: str
    text: str
    content: bytes
    headers: Any

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Browser:
    def __init__(self, site: str) -> None:
        self.site = site
        policy = http.cookiejar.DefaultCookiePolicy(secure_protocols=("http", "https"))
        self.cookies = http.cookiejar.CookieJar(policy)
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(self.cookies)
        )

    def get(self, path: str, **headers: str) -> Page:
        return self._open(urllib.request.Request(self._url(path), headers=headers))

    def post(self, path: str, fields: dict[str, str]) -> Page:
        """Fill in and submit the form of that page."""
        page = self.get(path)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token, page.text
        body = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token[1]}).encode()
        return self._open(urllib.request.Request(page.url, body, {"Origin": self.site, "Referer": page.url}))

    def call(self, method: str, path: str, body: Any = None, *, token: str) -> Page:
        """Call the API like a program."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        return self._open(urllib.request.Request(self._url(path), content, headers, method=method))

    def send_file(self, form: dict[str, Any], content: bytes, **changes: str) -> Page:
        """Post the file with the signed form, first its fields and then the file."""
        boundary = uuid.uuid4().hex
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in {**form["fields"], **changes}.items()
        ]
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n'
            "Content-Type: image/jpeg\r\n\r\n".encode()
        )
        body = b"".join([*parts, content, f"\r\n--{boundary}--\r\n".encode()])
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Origin": self.site}
        return self._open(urllib.request.Request(self._url(form["url"]), body, headers))

    def _url(self, path: str) -> str:
        return path if "://" in path else self.site + path

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            with self._opener.open(request, timeout=60) as answer:
                return self._page(answer)
        except urllib.error.HTTPError as error:
            with error:
                return self._page(error)

    def _page(self, answer: Any) -> Page:
        content = answer.read()
        text = content.decode(errors="replace")
        return Page(answer.status, answer.url, text, content, answer.headers)
