"""One PDF of many images: each is decoded in its own child, and a last child joins the pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from converter import engine
from converter.engine import errors
from converter.engine.joining import joined_report

from .answers import Answer, Probed, Refused, Rendered
from .client import Sandbox
from .messages import Unwanted

_LEAST_BYTES = 100  # that a recipe may ask for


class Unjoined(Exception):
    """The document cannot be made. The cause is an image, the recipe or a limit, so trying again would not help."""

    def __init__(self, message: engine.Message) -> None:
        super().__init__(message.text)
        self.message = message


class BadImage(Unjoined):
    """The document cannot be made because of one image; the message says why."""


class Document:
    """Pages in the making, of `images` images. Limits hold for each image, and those of documents for the whole."""

    def __init__(self, sandbox: Sandbox, recipe: engine.Recipe, limits: engine.Limits, images: int) -> None:
        self._sandbox, self._recipe, self._limits = sandbox, recipe, limits
        self._left = images
        self._end = time.monotonic() + limits.document_seconds
        self._parts: list[tuple[str, Rendered]] = []
        self._bytes = self._pixels = self._pages = 0

    def add(
        self,
        name: str,
        data: bytes,
        *,
        recipe: engine.Recipe | None = None,
        logos: Mapping[str, bytes] | None = None,
        extra: Sequence[engine.Recipe] = (),
        wanted: Callable[[], bool] = lambda: True,
    ) -> Iterator[Answer]:
        """Add the pages of the next image; yield what was found and the answers to the `extra` recipes.

        `recipe` is the image's own, instead of that of the document.
        Raises BadImage, Unjoined, SandboxError, and Unwanted once `wanted` says no.
        """
        self._bytes += len(data)
        self._check(self._bytes)
        own = recipe or self._recipe
        recipes = [*extra, self._with_share(own)]
        page = None
        for answer in self._sandbox.render(data, recipes, self._limits_now(), logos, wanted):
            if isinstance(answer, Probed):
                self._count(answer, own)
                yield answer
            elif answer.index < len(extra):
                yield answer
            else:
                page = answer
        if page is None:
            raise Unwanted
        if isinstance(page, Refused):
            raise BadImage(page.message)
        self._parts.append((name, page))
        self._left -= 1
        self._check(self._written)

    def finish(self, wanted: Callable[[], bool] = lambda: True) -> Rendered:
        """Return the document; its size in pixels is that of its first page.

        Raises Unjoined, SandboxError, and Unwanted once `wanted` says no.
        """
        files = [page.data for _, page in self._parts]
        data = self._sandbox.join(files, self._limits_now(), wanted)
        if isinstance(data, engine.EngineError):
            raise Unjoined(data.message)
        pages = [page for _, page in self._parts]
        report = joined_report([(name, page.report) for name, page in self._parts], len(data))
        return replace(
            pages[0],
            index=0,
            data=data,
            report=report,
            milliseconds=sum(page.milliseconds for page in pages),
        )

    @property
    def _written(self) -> int:
        return sum(len(page.data) for _, page in self._parts)

    def _with_share(self, recipe: engine.Recipe) -> engine.Recipe:
        """Return the recipe with a fair share of the bytes left, if the document has a maximum size."""
        most = self._recipe.target_bytes
        if most is None or recipe.target_bytes is None:
            return recipe
        share = (most - self._written) // self._left
        return replace(recipe, target_bytes=max(share, _LEAST_BYTES))

    def _count(self, probed: Probed, recipe: engine.Recipe) -> None:
        """Check the whole before the image is decoded."""
        try:
            count = len(recipe.picked(probed.pictures))
        except engine.NoSuchPage:
            return  # the image is refused for it
        self._pixels += int(probed.facts["width"]) * int(probed.facts["height"]) * count
        self._pages += count
        self._check(self._bytes)

    def _check(self, size: int) -> None:
        try:
            self._limits.check_document(size, self._pixels, self._pages)
        except errors.LimitExceeded as exc:
            raise Unjoined(exc.message) from exc

    def _limits_now(self) -> engine.Limits:
        """Return the limits of the next child, which may take no longer than the document has left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise Unjoined(errors.TimedOut(kind="document", seconds=self._limits.document_seconds).message)
        return replace(self._limits, seconds=min(self._limits.seconds, max(1, left)))
