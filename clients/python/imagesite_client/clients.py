"""The synchronous and the asyncio client."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Literal, TypeVar

import httpx

from imagesite_client import flows
from imagesite_client.flows import Flow, Pause, Request, Upload
from imagesite_client.models import Job, Progress, Recipe, Result, Source

T = TypeVar("T")
Notify = Callable[[Progress], None]
TIMEOUT = httpx.Timeout(60, connect=10)


class _Counted(io.BytesIO):
    """A file that reports how much of it has been read."""

    def __init__(self, upload: Upload) -> None:
        super().__init__(upload.data)
        self._upload = upload

    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(size)
        if self._upload.notify and chunk:
            progress = Progress("uploading", self._upload.name, self.tell(), len(self._upload.data))
            self._upload.notify(progress)
        return chunk


class _Base:
    def __init__(self, url: str, token: str) -> None:
        """Raises ValueError for an impossible token, without repeating it, since the error may be logged."""
        token = token.strip()
        if not (token.isascii() and token.isprintable()):
            raise ValueError("The token contains characters that no token has.")
        self._url = httpx.URL(url.rstrip("/") + "/")
        self._headers = {"Authorization": f"Bearer {token}", "User-Agent": "imagesite-client/0.1"}

    def _options(self, request: Request) -> dict[str, Any]:
        # Links from the server start at the root of its host, ours at the root of the site.
        ours = request.url.startswith("/api/v1/") and not request.url.startswith(self._url.path + "api/v1/")
        url = self._url.join(request.url.lstrip("/") if ours else request.url)
        headers = {**(self._headers if request.with_token else {}), **request.headers}
        options: dict[str, Any] = {"method": request.method, "url": url, "headers": headers}
        if request.params:
            options["params"] = request.params
        if request.json is not None:
            options["json"] = request.json
        if request.upload:
            options["data"] = dict(request.form)
            options["files"] = {"file": (request.upload.name, _Counted(request.upload))}
        # Results redirect to a link; httpx does not send the token to another host.
        options["follow_redirects"] = request.method == "GET"
        return options


class Client(_Base):
    """A site, as one user. Use it as a context manager, or close it."""

    def __init__(self, url: str, token: str, *, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__(url, token)
        self._http = httpx.Client(timeout=TIMEOUT, transport=transport)

    def convert(
        self, source: Source, recipe: Recipe, *, keep: bool = False, progress: Notify | None = None
    ) -> Result:
        """Return the converted image. The server deletes the image and the result unless `keep` is true.

        With `"frames": "each"`, return the first page; `convert_many` returns all. `progress` is called while the file is
        uploaded and converted. Raises ApiError, ConversionError, OSError for an unreadable file, httpx.TransportError.
        """
        return self._run(flows.convert_all([source], [recipe], keep, progress))[0]

    def convert_many(
        self,
        sources: Iterable[Source],
        recipes: Iterable[Recipe],
        *,
        keep: bool = False,
        progress: Notify | None = None,
    ) -> list[Result]:
        """Return the results of all recipes, source by source. Raises like `convert`, at the first failure."""
        return self._run(flows.convert_all(list(sources), list(recipes), keep, progress))

    def join(
        self,
        sources: Iterable[Source],
        recipe: Recipe | None = None,
        *,
        keep: bool = False,
        progress: Notify | None = None,
    ) -> Result:
        """Return one PDF with the sources as its pages, in order. Raises like `convert`, at the first failure.

        The recipe contains the options of the PDF, such as `{"page": "a4", "margin": 10}`.
        """
        return self._run(flows.convert_all(list(sources), [recipe or {}], keep, progress, "pdf"))[0]

    def submit(
        self,
        sources: Iterable[Source],
        recipes: Iterable[Recipe],
        *,
        join: Literal["pdf"] | None = None,
        progress: Notify | None = None,
    ) -> dict[str, Any]:
        """Create a batch, upload its files and return it without waiting for its jobs.

        With `join`, the batch joins all sources into one document. Raises ApiError, OSError, httpx.TransportError.
        """
        return self._run(flows.submit(list(sources), list(recipes), progress, join))

    def wait(self, job: Job) -> Job:
        """Return the job once it has ended, whatever the outcome."""
        return self._run(flows.wait(job))

    def download(self, job: Job) -> Result:
        """Return the result of a finished job. Raises ConversionError if it has none."""
        job.check()
        return self._run(flows.download(job, None))

    def job(self, id: str) -> Job:
        return Job.of(self.call("GET", f"jobs/{id}"))

    def call(self, method: str, path: str, **options: Any) -> Any:
        """Return the API's response to any other request, such as `call("GET", "formats")`. Raises ApiError."""
        return self._run(flows.call(method, path, **options))

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, flow: Flow[T]) -> T:
        outcome: Any = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                outcome = None
                continue
            try:
                outcome = self._http.request(**self._options(step))
            except httpx.TransportError as exc:
                outcome = exc


class AsyncClient(_Base):
    """The client for asyncio: `async with AsyncClient(url, token) as client: await client.convert(…)`."""

    def __init__(self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        super().__init__(url, token)
        self._http = httpx.AsyncClient(timeout=TIMEOUT, transport=transport)

    async def convert(
        self, source: Source, recipe: Recipe, *, keep: bool = False, progress: Notify | None = None
    ) -> Result:
        """Like Client.convert."""
        return (await self._run(flows.convert_all([source], [recipe], keep, progress)))[0]

    async def convert_many(
        self,
        sources: Iterable[Source],
        recipes: Iterable[Recipe],
        *,
        keep: bool = False,
        progress: Notify | None = None,
    ) -> list[Result]:
        """Like Client.convert_many."""
        return await self._run(flows.convert_all(list(sources), list(recipes), keep, progress))

    async def join(
        self,
        sources: Iterable[Source],
        recipe: Recipe | None = None,
        *,
        keep: bool = False,
        progress: Notify | None = None,
    ) -> Result:
        """Like Client.join."""
        return (await self._run(flows.convert_all(list(sources), [recipe or {}], keep, progress, "pdf")))[0]

    async def submit(
        self,
        sources: Iterable[Source],
        recipes: Iterable[Recipe],
        *,
        join: Literal["pdf"] | None = None,
        progress: Notify | None = None,
    ) -> dict[str, Any]:
        """Like Client.submit."""
        return await self._run(flows.submit(list(sources), list(recipes), progress, join))

    async def wait(self, job: Job) -> Job:
        """Like Client.wait."""
        return await self._run(flows.wait(job))

    async def download(self, job: Job) -> Result:
        """Like Client.download."""
        job.check()
        return await self._run(flows.download(job, None))

    async def job(self, id: str) -> Job:
        return Job.of(await self.call("GET", f"jobs/{id}"))

    async def call(self, method: str, path: str, **options: Any) -> Any:
        """Like Client.call."""
        return await self._run(flows.call(method, path, **options))

    async def aclose(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _run(self, flow: Flow[T]) -> T:
        outcome: Any = None
        while True:
            try:
                step = flow.send(outcome)
            except StopIteration as stop:
                result: T = stop.value
                return result
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                outcome = None
                continue
            try:
                outcome = await self._http.request(**self._options(step))
            except httpx.TransportError as exc:
                outcome = exc
