"""Convert on a running site through its API."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from django.core.management.base import CommandError

from converter import engine
from converter.management.converting import Made, NotConverted

WAIT = 20  # seconds; the API's maximum
PAUSE = 1  # seconds
# Requests are retried while the site is busy or restarting. All are idempotent: new batches carry a key.
RETRIES = urllib3.Retry(
    total=8,
    backoff_factor=0.5,
    backoff_max=20,
    status_forcelist=(429, 502, 503, 504),
    allowed_methods=None,
    raise_on_status=False,
)
FIRST = RETRIES.new(total=2)  # before any work is done, so that a wrong address is reported at once
CONNECTIONS = 64  # kept open; more than there are workers


def _is_web_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


class Site:
    """The API of a site, as one user."""

    def __init__(self, url: str, token: str) -> None:
        """Raises CommandError if this is not the URL of a site or not a token."""
        if not _is_web_address(url):
            raise CommandError("--server must be a URL that begins with https:// or http://.", returncode=2)
        if not (token.isascii() and token.isprintable()):
            # urllib3's error would show the token.
            raise CommandError("The token contains characters that no token has.", returncode=2)
        self.url = f"{url.rstrip('/')}/api/v1/"
        self._token = {"Authorization": f"Bearer {token}"}
        timeout = urllib3.Timeout(connect=10, read=60)
        self._http = urllib3.PoolManager(maxsize=CONNECTIONS, retries=RETRIES, timeout=timeout)

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        fields: Any = None,
        key: str = "",
        retries: urllib3.Retry = RETRIES,
    ) -> dict[str, Any]:
        """Return the response's JSON. Raises NotConverted for an error, or if the site cannot be reached."""
        headers = {**self._token, **({"Idempotency-Key": key} if key else {})}
        answer = self._send(
            method, urljoin(self.url, path), headers, body=body, fields=fields, retries=retries
        )
        return dict(json.loads(answer.data)) if answer.data else {}

    def post_form(self, form: Mapping[str, Any], name: str, data: bytes) -> None:
        """Send the bytes with an upload form. Raises NotConverted."""
        fields = {**form["fields"], "file": (name, data, "application/octet-stream")}
        self._send("POST", urljoin(self.url, form["url"]), {}, fields=fields)

    def download(self, url: str) -> bytes:
        """Return the bytes of a result. Raises NotConverted."""
        return self._send("GET", urljoin(self.url, url), self._token, follow=True).data

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: Any = None,
        fields: Any = None,
        follow: bool = False,
        retries: urllib3.Retry = RETRIES,
    ) -> urllib3.BaseHTTPResponse:
        options: dict[str, Any] = {"fields": fields} if fields else {"json": body} if body is not None else {}
        options |= {"headers": dict(headers), "redirect": follow, "retries": retries}
        try:
            # On a redirect to another host, such as the storage's, urllib3 drops the token.
            answer = self._http.request(method, url, **options)
        except urllib3.exceptions.HTTPError as exc:
            raise NotConverted(f"{self.url} cannot be reached: {_cause(exc)}.") from exc
        if answer.status >= 300:
            raise _refusal(answer)
        return answer

    def close(self) -> None:
        self._http.clear()


def _cause(exc: urllib3.exceptions.HTTPError) -> str:
    """Return the system's words for a failed connection, without urllib3's objects and the URL."""
    reason = exc.reason if isinstance(exc, urllib3.exceptions.MaxRetryError) and exc.reason else exc
    cause = reason.__cause__
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return str(reason).rpartition("): ")[2].rstrip(".")


def _refusal(answer: urllib3.BaseHTTPResponse) -> NotConverted:
    if answer.status < 400:
        return NotConverted(f"The site redirects to {answer.headers.get('Location')}. Use its own address.")
    try:
        problem = json.loads(answer.data)
        return NotConverted(str(problem["detail"]), str(problem["code"]))
    except (ValueError, KeyError, TypeError):
        return NotConverted(f"The site answered with status {answer.status}.")


class RemoteConverter:
    """Upload each image, wait, download the results and delete everything on the site."""

    def __init__(self, site: Site, outputs: Sequence[dict[str, Any]]) -> None:
        self._site, self._outputs = site, outputs

    def convert(self, name: str, data: bytes) -> Sequence[Made]:
        return self._made([(name, lambda: data, len(data))])

    def join(self, paths: Sequence[Path], advance: Callable[[], None]) -> Made:
        """Like LocalConverter.join; `advance` is called for each image sent."""
        files = [(path.name, path.read_bytes, path.stat().st_size) for path in paths]
        return self._made(files, {"join": "pdf"}, advance)[0]

    def _made(
        self,
        files: Sequence[tuple[str, Callable[[], bytes], int]],
        more: Mapping[str, str] = MappingProxyType({}),
        advance: Callable[[], None] = lambda: None,
    ) -> Sequence[Made]:
        """Return the site's results for files, given as name, read function and size in bytes."""
        announced = [{"name": name, "size": size} for name, _, size in files]
        asked = {"files": announced, "outputs": self._outputs, **more}
        batch = self._site.call("POST", "batches", body=asked, key=str(uuid.uuid4()))
        try:
            for upload, (name, read, _) in zip(batch["uploads"], files, strict=True):
                self._site.post_form(upload["form"], name, read())
                advance()
            done = [self._done(job) for job in batch["jobs"]]
            if any(output.get("frames") == "each" for output in self._outputs):
                done = [self._done(job) for job in self._jobs(batch["id"])]
            return [self._result(job) for job in done]
        finally:
            self._remove(batch["id"])

    def _jobs(self, batch: str) -> Iterator[dict[str, Any]]:
        """Yield the jobs of a batch. All pages have jobs once the first job of each output is done."""
        cursor = ""
        while cursor is not None:
            part = self._site.call(
                "GET", f"batches/{batch}?cursor={cursor}" if cursor else f"batches/{batch}"
            )
            yield from part["jobs"]
            cursor = part["next"]

    def _result(self, job: dict[str, Any]) -> Made:
        result, pages = job["result"], str(job["recipe"].get("pages", ""))
        page = int(pages) if pages.isdecimal() else None
        data = self._site.download(result["url"])
        return Made(data, result["format"], result["width"], result["height"], job["report"], page)

    def _done(self, job: dict[str, Any]) -> dict[str, Any]:
        """Return the job once it has a result. Raises NotConverted."""
        while not job["finished_at"]:
            asked_at = time.monotonic()
            job = self._site.call("GET", f"jobs/{job['id']}?wait={WAIT}")
            if not job["finished_at"] and time.monotonic() - asked_at < PAUSE:
                time.sleep(PAUSE)  # the site has too many waiting requests and responded at once
        if job["error"]:
            raise NotConverted(job["error"]["message"], job["error"]["code"])
        if job["result"] is None:
            raise NotConverted(f"The job was {job['status']}.", job["status"])
        return job

    def _remove(self, batch: str) -> None:
        try:
            self._site.call("DELETE", f"batches/{batch}")
        except NotConverted:
            pass  # the site deletes it when it expires

    def close(self) -> None:
        """Do nothing: all workers share the site's connections."""


def outputs_for(
    site: Site, outputs: Sequence[engine.Recipe], images: Mapping[str, bytes]
) -> list[dict[str, Any]]:
    """Upload the logos and return the outputs with their ids. Raises CommandError if the site refuses one."""
    ids = {}
    for name, data in images.items():
        try:
            upload = site.call("POST", "uploads", fields={"file": (name, data, "application/octet-stream")})
        except NotConverted as exc:
            raise CommandError(f"The watermark {name} was refused: {exc}", returncode=2) from exc
        ids[name] = upload["id"]
    recipes = [output.canonical() for output in outputs]
    for recipe in recipes:
        if name := recipe.get("watermark", {}).get("image"):
            recipe["watermark"]["image"] = ids[name]
    return recipes


def check(site: Site) -> None:
    """Raise CommandError if the site cannot be reached or refuses the token."""
    try:
        site.call("GET", "jobs?limit=1", retries=FIRST)
    except NotConverted as exc:
        raise CommandError(str(exc), returncode=2) from exc
