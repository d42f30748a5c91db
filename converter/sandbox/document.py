"""Make one PDF of several images: each is decoded in its own child, and a last child joins the pages."""

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

_LEAST_BYTES = 100  # the smallest target size a recipe may have


class Unjoined(Exception):
    """The document cannot be made because of an image, the recipe or a limit, so a retry would not help."""

    def __init__(self, message: engine.Message) -> None:
        super().__init__(message.text)
        self.message = message


class BadImage(Unjoined):
    """One image prevents the document; the message says why."""


class Document:
    """A document being made of `images` images. Each image has its limits, and the document has its own."""

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
        """Add the pages of the next image; yield its facts and the answers to the `extra` recipes.

        `recipe` replaces the document's recipe for this image.
        Raises BadImage, Unjoined, SandboxError, and Unwanted once `wanted` returns false.
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
        """Return the document; its width and height are those of its first page.

        Raises Unjoined, SandboxError, and Unwanted once `wanted` returns false.
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
        """Return the recipe with an equal share of the remaining bytes if the document has a maximum size."""
        most = self._recipe.target_bytes
        if most is None or recipe.target_bytes is None:
            return recipe
        share = (most - self._written) // self._left
        return replace(recipe, target_bytes=max(share, _LEAST_BYTES))

    def _count(self, probed: Probed, recipe: engine.Recipe) -> None:
        """Check the document's limits before the image is decoded."""
        try:
            count = len(recipe.picked(probed.pictures))
        except engine.NoSuchPage:
            return  # the image will be refused for this
        self._pixels += int(probed.facts["width"]) * int(probed.facts["height"]) * count
        self._pages += count
        self._check(self._bytes)

    def _check(self, size: int) -> None:
        try:
            self._limits.check_document(size, self._pixels, self._pages)
        except errors.LimitExceeded as exc:
            raise Unjoined(exc.message) from exc

    def _limits_now(self) -> engine.Limits:
        """Return the limits of the next child, which may take at most the document's remaining time."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise Unjoined(errors.TimedOut(kind="document", seconds=self._limits.document_seconds).message)
        return replace(self._limits, seconds=min(self._limits.seconds, max(1, left)))
