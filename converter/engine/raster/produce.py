"""Encode one result: once with a given quality, or several times to reach a target."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from converter.engine.errors import TargetUnreachable
from converter.engine.limits import Deadline
from converter.engine.recipe import Recipe
from converter.engine.report import Log

from .aim import alike
from .encode import Encoder, Made
from .geometry import rounded
from .pillow import let_go
from .resample import resampled
from .score import Reference
from .search import AIMS, HIGHEST, EncodedAt, largest_within
from .steps import Frame

# The quality at which a picture that is shrunk to fit must fit.
_DECENT = 40
_LOW = 30  # below this quality, the loss is obvious
_MOST_SHRINKS = 8
_SMALLEST_SIDE = 8


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
        return alike(frames, encoder, AIMS[recipe.aim], most_bytes, log, deadline)
    if last:
        let_go((frame.image for frame in frames), kept=encoder.images)
        encoder = encoder.for_the_last_time()
    return Made(encoder.encode(), encoder)


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
            judged = encoder.judged(found.data, Reference(frames[0].image))
            similarity, score = judged.similarity, judged.score
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
