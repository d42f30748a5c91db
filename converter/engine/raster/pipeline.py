"""Convert a file by recipes: decode once, then run the steps and encode for each recipe."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from PIL import Image

from converter.engine.errors import EngineError, OutOfMemory
from converter.engine.limits import DEFAULT_LIMITS, Deadline, Limits
from converter.engine.recipe import Recipe
from converter.engine.report import Log, Report, Result

from . import density, metadata, needs, steps
from .choose import chosen
from .codecs import Settings
from .codecs.content import GAIN_MAP
from .codecs.jpeg_gain_map import packed
from .decode import Opened, Picture, decode, open_data
from .encode import Encoder, prepare
from .exact import Exact, exact
from .facts import Facts
from .in_srgb import in_srgb, kept_profile
from .pillow import let_go, rendering, versions
from .produce import produce
from .source_notes import note_depth, note_growth, note_source
from .steps import Frame, RenderContext
from .watermark import watermark

Step = Callable[[Frame, RenderContext], Frame]

PIPELINE: tuple[Step, ...] = (
    steps.focus,
    steps.crop,
    steps.turn,
    steps.resize,
    steps.pad,
    steps.shrink_for_format,
    steps.flatten,
    watermark,
    steps.page,
)

_NO_IMAGES: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True)
class Written:
    """An encoded file; `frames` is the number of frames in it."""

    data: bytes
    size: tuple[int, int]
    frames: int
    settings: Settings
    similarity: float | None = None
    score: float | None = None


class Source:
    """An opened file, decoded once and rendered for each recipe."""

    def __init__(self, opened: Opened, limits: Limits) -> None:
        self._opened = opened
        self._limits = limits
        self._pictures: dict[int, Picture] = {}
        """The decoded pictures by number, starting from 0."""
        self._in_srgb: dict[bool, tuple[dict[int, Frame], Log]] = {}
        """The frames in sRGB and the notes on their colours, with all bits (True) or eight (False)."""
        self._scale = 0.0
        self._has_depth = False

    @property
    def facts(self) -> Facts:
        return self._opened.facts

    def load(self, recipes: Sequence[Recipe]) -> None:
        """Decode once, at the smallest size sufficient for all of these recipes.

        Raises Truncated, Corrupt, OutOfMemory, TimedOut, TooManyPixels.
        """
        scale = max((needs.scale(recipe, self.facts) for recipe in recipes), default=1)
        wanted = {number for recipe in recipes for number in needs.existing(recipe, self.facts)} or {0}
        depth = any(needs.depth(recipe, self.facts) for recipe in recipes)
        deadline = Deadline(self._limits.seconds)
        self._in_srgb = {}
        self._pictures = dict(decode(self._opened, self._limits, scale, wanted, deadline, depth))
        self._scale, self._has_depth = scale, depth

    def render(
        self, recipe: Recipe, images: Mapping[str, bytes] = _NO_IMAGES, *, last: bool = False
    ) -> Result:
        """Return the result of this recipe. `images` maps the names of watermark images to their bytes.

        With `last`, the decoded pictures are freed before the encoder runs.

        Raises InvalidRecipe, NoSuchPage, TooLargeForFormat, Fault, TooManyPixels, OutOfMemory, TimedOut.
        """
        picked = needs.pictures(recipe, self.facts)
        if not self._serves(recipe):
            self.load([recipe])
        try:
            with rendering():
                return self._rendered(recipe, picked, images, last)
        except OutOfMemory:
            if last:
                raise
        self._let_go(())  # what other recipes need is decoded again
        self.load([recipe])
        with rendering():
            return self._rendered(recipe, picked, images, True)

    def _rendered(
        self, recipe: Recipe, picked: Sequence[int], images: Mapping[str, bytes], last: bool
    ) -> Result:
        deadline = Deadline(self._limits.seconds)
        log = Log()
        first = self._pictures[picked[0]]
        kept = exact(self._opened, first, recipe) if self.facts.pictures == 1 else None
        if kept is not None:
            return self._as_it_was(kept, recipe, log)
        finished, icc = self._finished(recipe, picked, images, log, deadline)
        if recipe.is_auto:
            choice = chosen(finished, recipe, deadline)
            recipe = choice.recipe
            log.note("format_chosen", format=recipe.target.label, reason=choice.reason)
        gain_map = self._gain_map(recipe) if picked[0] == 0 else None
        self._note_source(picked, recipe, log, keeps_hdr=gain_map is not None)
        note_depth(
            max(self._pictures[number].bits for number in picked), any(frame.low for frame in finished), log
        )
        size = finished[0].image.size
        extras = self._extras(recipe, size, first.dpi, icc, log)
        if gain_map:
            extras[GAIN_MAP] = gain_map

        def ready(frames: Sequence[Frame]) -> Encoder:
            return prepare(frames, recipe, self.facts.plays, extras, first.bits == 1, log)

        deadline.check()
        if last:
            self._let_go(finished)
        made = produce(finished, recipe, ready, self._most_bytes(recipe, size), log, deadline, last)
        encoder = made.encoder
        written = Written(
            data=made.data,
            size=encoder.images[0].size,
            frames=encoder.frames_in(made.data),
            settings=encoder.settings(made.quality),
            similarity=made.similarity,
            score=made.score,
        )
        return self._result(written, recipe, first.frame, len(finished), log)

    def _let_go(self, finished: Sequence[Frame]) -> None:
        """Free everything decoded except these frames; rendering another recipe would decode again."""
        pictures = [each for one in self._pictures.values() for each in (one, one.eased) if each]
        frames = [picture.frame for picture in pictures]
        frames += [frame for converted, _ in self._in_srgb.values() for frame in converted.values()]
        let_go(_images(frames), kept=_images(finished))
        self._pictures, self._in_srgb = {}, {}

    def _extras(
        self,
        recipe: Recipe,
        size: tuple[int, int],
        dpi: density.Density | None,
        icc: bytes | None,
        log: Log,
    ) -> dict[str, Any]:
        """Return the encoder arguments for everything except the pixels."""
        found = self._opened.metadata
        extras = metadata.keep(found, recipe.metadata, recipe.target, size, log, srgb=icc is None)
        if icc:
            extras["icc_profile"] = icc
        exif = extras.get("exif", b"")
        extras |= density.arguments(dpi, self._is_sideways(recipe), recipe, size, exif)
        if recipe.dpi and not recipe.page:
            log.note("dpi_set", dpi=recipe.dpi)
        return extras

    def _note_source(
        self, picked: Sequence[int], recipe: Recipe, log: Log, *, keeps_hdr: bool = False
    ) -> None:
        keeps_all = needs.all_pictures(recipe, self.facts)
        pictures = [self._pictures[number] for number in picked]
        note_source(self._opened, pictures, recipe, log, keeps_all=keeps_all, keeps_hdr=keeps_hdr)

    def _gain_map(self, recipe: Recipe) -> bytes | None:
        """Return the gain map for the result; None if unwanted, unsupported or unable to match the layout."""
        if not (self._opened.has_gain_map and recipe.target.gain_map and recipe.hdr == "keep"):
            return None
        resize = recipe.resize
        found = self._opened.codec.gain_map(self._opened.data)
        if found is None or (resize and (resize.mode == "pad" or resize.gravity == "smart")):
            return None
        facts = self.facts
        size = (facts.height, facts.width) if facts.orientation >= 5 else (facts.width, facts.height)
        image = steps.following(found.image, size, facts.orientation, recipe, self._limits)
        return packed(found._replace(image=image))

    def _as_it_was(self, kept: Exact, recipe: Recipe, log: Log) -> Result:
        """Return the result that keeps the file's compressed picture unchanged."""
        size = (self.facts.width, self.facts.height)
        if kept.is_whole and self._opened.metadata.kinds():
            log.note("metadata_kept")
        if not kept.is_whole:
            metadata.keep(self._opened.metadata, "strip", recipe.target, size, log, srgb=True)
            self._note_source([0], recipe, log)
        log.note("exact", kind=kept.kind)
        written = Written(kept.data, size, 1, {"lossless": True} if recipe.lossless else {})
        return self._result(written, recipe, self._pictures[0].frame, 1, log)

    def _finished(
        self,
        recipe: Recipe,
        picked: Sequence[int],
        images: Mapping[str, bytes],
        log: Log,
        deadline: Deadline,
    ) -> tuple[list[Frame], bytes | None]:
        """Return the frames to encode, and their ICC profile unless they are in sRGB."""
        concrete = needs.concrete(recipe)
        pictures = [self._pictures[number] for number in picked]
        dpi = density.wanted(pictures[0].dpi, self._is_sideways(recipe), concrete)
        context = RenderContext(concrete, self._limits, log, images, dpi)
        if self.facts.orientation != 1:
            log.note("upright")
        profile = kept_profile(pictures, concrete, log)
        if profile:
            frames = [picture.frame for picture in pictures]
            finished = self._worked_on(frames, context, deadline)
            if all(profile.fits(frame.image) for frame in finished):
                log.note("profile_kept", profile=profile.name)
                return finished, profile.icc
            log.warn("profile_not_fitting")
        converted = self._srgb_frames(log, needs.depth(recipe, self.facts))
        return self._worked_on([converted[number] for number in picked], context, deadline), None

    def _worked_on(self, frames: Sequence[Frame], context: RenderContext, deadline: Deadline) -> list[Frame]:
        if not needs.depth(context.recipe, self.facts):
            frames = [replace(frame, low=None) for frame in frames]
        finished = _worked_on(frames, context, deadline)
        deep = context.recipe.target.deep
        return [frame if frame.image.mode in deep else replace(frame, low=None) for frame in finished]

    def _is_sideways(self, recipe: Recipe) -> bool:
        """Whether orientation and rotation together swap width and height."""
        return (self.facts.orientation >= 5) != (recipe.rotate in (90, 270))

    def _most_bytes(self, recipe: Recipe, size: tuple[int, int]) -> int | None:
        """Return the source's bytes as a limit for an aim, if format and size stay the same."""
        same = recipe.format == self.facts.format and size == (self.facts.width, self.facts.height)
        return len(self._opened.data) if recipe.aim and same else None

    def _result(self, written: Written, recipe: Recipe, first: Frame, frames: int, log: Log) -> Result:
        before, after = len(self._opened.data), len(written.data)
        if written.frames < frames:
            log.note("frames_merged", frames=frames, kept=written.frames)
        if after > before:
            note_growth(self.facts, recipe, log)
        width, height = written.size
        whole = (first.width, first.height)
        return Result(
            data=written.data,
            format=recipe.target.name,
            extension=recipe.target.extension,
            mime=recipe.target.mime,
            width=width,
            height=height,
            frames=written.frames,
            report=Report(
                notes=tuple(log.notes),
                warnings=tuple(log.warnings),
                resized=None if whole == written.size else (whole, written.size),
                bytes_before=before,
                bytes_after=after,
                frames_in=self.facts.pictures,
                frames_kept=frames,
                similarity=written.similarity,
                score=written.score,
                encoder=recipe.target.label,
                settings=written.settings,
                metadata_removed=tuple(log.metadata_removed),
                engine=versions(),
            ),
        )

    def _serves(self, recipe: Recipe) -> bool:
        """Whether the decoded pictures are sufficient for this recipe."""
        return (
            self._pictures.keys() >= set(needs.pictures(recipe, self.facts))
            and needs.scale(recipe, self.facts) <= self._scale
            and (self._has_depth or not needs.depth(recipe, self.facts))
        )

    def _srgb_frames(self, log: Log, depth: bool) -> dict[int, Frame]:
        """Return the frames in sRGB, converted once for all recipes.

        They have 16 bits per channel if `depth` is set and the source has as many.
        """
        if depth not in self._in_srgb:
            noted = Log()
            self._in_srgb[depth] = in_srgb(self._pictures, noted, depth), noted
        frames, noted = self._in_srgb[depth]
        log.include(noted)
        return frames


def _worked_on(frames: Sequence[Frame], context: RenderContext, deadline: Deadline) -> list[Frame]:
    finished = []
    for frame in frames:
        for step in PIPELINE:
            deadline.check()
            frame = step(frame, context)
        finished.append(frame)
    return finished


def _images(frames: Sequence[Frame]) -> list[Image.Image | None]:
    return [image for frame in frames for image in (frame.image, frame.low)]


def open(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Source:
    """Return the opened file, recognised by its content and checked against the limits, but not yet decoded.

    Raises the InvalidImage and LimitExceeded families.
    """
    return Source(open_data(data, limits), limits)


def probe(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Facts:
    """Return the facts about the file.

    Raises the InvalidImage and LimitExceeded families.
    """
    return open_data(data, limits).facts


def convert(data: bytes, *recipes: Recipe, limits: Limits = DEFAULT_LIMITS) -> list[Result | EngineError]:
    """Return a result or an error for each recipe, decoding once. If decoding fails, all recipes fail."""
    try:
        source = open(data, limits)
        source.load(recipes)
    except EngineError as exc:
        return [exc for _ in recipes]
    return [
        _rendered(source, recipe, last=number == len(recipes)) for number, recipe in enumerate(recipes, 1)
    ]


def _rendered(source: Source, recipe: Recipe, last: bool) -> Result | EngineError:
    try:
        return source.render(recipe, last=last)
    except EngineError as exc:
        return exc
