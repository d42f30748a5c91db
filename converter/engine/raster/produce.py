"""Encode one result: once with a given quality, or several times to reach a target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from converter.engine.errors import TargetUnreachable
from converter.engine.limits import Deadline
from converter.engine.recipe import Recipe
from converter.engine.report import Log

from .encode import Encoder
from .geometry import rounded
from .pillow import let_go
from .resample import resampled
from .score import Reference
from .search import AIMS, HIGHEST, EncodedAt, QualityTarget, largest_within, lowest_alike
from .steps import Frame

# The quality at which a picture that is shrunk to fit must fit.
_DECENT = 40
_LOW = 30  # below this quality, the loss is obvious
_MOST_SHRINKS = 8
_SMALLEST_SIDE = 8


@dataclass(frozen=True)
class Made:
    """An encoded result. `quality` is None if the recipe's or the format's default was used."""

    data: bytes
    encoder: Encoder
    quality: int | None = None
    similarity: float | None = None
    score: float | None = None


Ready = Callable[[Sequence[Frame]], Encoder]


def produce(
    frames: Sequence[Frame],
    recipe: Recipe,
    ready: Ready,
    most_bytes: int | None,
    log: Log,
    deadline: Deadline,
    last: bool = False,
) -> Made:
    """Return the encoded frames; `most_bytes` limits an aim. With `last`, the frames may be freed.

    Raises TargetUnreachable, TooLargeForFormat, Fault.
    """
    encoder = ready(frames)
    if recipe.target_bytes is not None:
        return _within_bytes(frames, encoder, recipe, ready, log, deadline)
    if recipe.aim is not None and recipe.target.quality and not recipe.lossless:
        return _alike(frames, encoder, AIMS[recipe.aim], most_bytes, log, deadline)
    if last:
        let_go((frame.image for frame in frames), kept=encoder.images)
        encoder = encoder.for_the_last_time()
    return Made(encoder.encode(), encoder)


def _alike(
    frames: Sequence[Frame],
    encoder: Encoder,
    aim: QualityTarget,
    most_bytes: int | None,
    log: Log,
    deadline: Deadline,
) -> Made:
    """Search for the quality on one frame, then encode all frames with it."""
    if (number := encoder.sample) is None:
        return Made(encoder.encode(), encoder)
    one, original = encoder.only(number).sampled(frames[number].image)
    reference = Reference(original)
    best, found, score = reached(one, reference, aim, deadline)
    bound = "time" if found.cut_short else "quality"
    if best is not one:
        encoder = encoder.with_full_color()
    alone = found.data
    data = alone if best.drafting() is encoder else encoder.encode(found.quality)
    if most_bytes is not None and len(data) > most_bytes:
        lower = largest_within(
            encoder.encode, most_bytes, deadline, highest=found.quality, may_fall_apart=True
        )
        if lower is not None:
            found, data, alone = lower, lower.data, best.encode(lower.quality)
            score, bound = one.score(alone, reference), "bytes"
            log.note("held_to_source", quality=found.quality)
    log.note("quality_chosen", kind="score", quality=found.quality, score=score)
    if score < aim.score:
        log.warn("aim_missed", kind=bound, score=score, aim=aim.score, quality=found.quality)
    return Made(data, encoder, found.quality, one.similarity(alone, original), score)


def reached(
    encoder: Encoder, reference: Reference, aim: QualityTarget, deadline: Deadline
) -> tuple[Encoder, EncodedAt, float]:
    """Return the encoder, the encoded frame and its score.

    The encoder keeps full colour resolution if the aim cannot be reached otherwise.
    """
    draft = encoder.drafting()
    found, score = lowest_alike(draft.encode, lambda data: draft.score(data, reference), aim, deadline)
    if score < aim.score and encoder.halves_color and not found.cut_short:
        return reached(encoder.with_full_color(), reference, aim, deadline)
    return encoder, found, score


def _within_bytes(
    frames: Sequence[Frame], encoder: Encoder, recipe: Recipe, ready: Ready, log: Log, deadline: Deadline
) -> Made:
    target = recipe.target_bytes or 0
    found = largest_within(encoder.encode, target, deadline, may_fall_apart=not recipe.shrink_to_fit)
    if found is None:
        frames, encoder, found = _shrunk(frames, encoder, target, ready, deadline)
        width, height = frames[0].image.size
        if not recipe.shrink_to_fit:
            raise TargetUnreachable(kind="at_this_size", bytes=target, width=width, height=height)
        log.note("shrunk_to_fit", width=width, height=height, target=target)
    similarity = score = None
    if encoder.sample is not None:
        log.note("bytes_met", quality=found.quality, target=target)
        if found.cut_short:
            log.note("search_stopped", quality=found.quality)
        if found.quality < _LOW:
            log.warn("low_quality", quality=found.quality)
        if len(frames) == 1:
            similarity = encoder.similarity(found.data, frames[0].image)
            score = encoder.score(found.data, Reference(frames[0].image))
    return Made(found.data, encoder, found.quality, similarity, score)


def _shrunk(
    frames: Sequence[Frame], encoder: Encoder, target: int, ready: Ready, deadline: Deadline
) -> tuple[Sequence[Frame], Encoder, EncodedAt]:
    """Return the frames shrunk until they fit at a decent quality, checked by encoding them."""
    scale = 1.0
    size = len(encoder.encode(_DECENT))
    for _ in range(_MOST_SHRINKS):
        deadline.check()
        # The file size falls slightly more slowly than the number of pixels.
        scale *= min(0.9, (target / size) ** 0.55)
        smaller = [_scaled(frame, scale) for frame in frames]
        encoder = ready(smaller)
        data = encoder.encode(_DECENT)
        size = len(data)
        if size <= target:
            found = largest_within(encoder.encode, target, deadline, HIGHEST)
            return smaller, encoder, found or EncodedAt(_DECENT, data)
        if max(smaller[0].image.size) <= _SMALLEST_SIDE:
            break
    raise TargetUnreachable(bytes=target, format=encoder.target.label)


def _scaled(frame: Frame, scale: float) -> Frame:
    size = (rounded(frame.image.width * scale), rounded(frame.image.height * scale))
    return Frame.whole(resampled(frame.image, (0, 0, *frame.image.size), size), frame.duration)
