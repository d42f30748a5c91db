"""Find the quality at which a picture reaches the visual score of a quality mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from converter.engine.limits import Deadline
from converter.engine.report import Log

from .encode import Encoder, Made
from .score import Reference
from .search import HIGHEST, THOROUGH, EncodedAt, Plan, QualityTarget, largest_within, lowest_alike
from .steps import Frame

_SECONDS_WITHOUT_LOSS = 1.0  # per megapixel, on a slow machine
# For a large picture: the tolerance above the aim, and the number of tries that is enough once one reaches it.
_NEAR_ENOUGH = 2.0
_ENOUGH_TRIES = 3


@dataclass(frozen=True)
class Tried:
    """A frame encoded by `encoder`, and its score."""

    encoder: Encoder
    found: EncodedAt
    score: float


def alike(
    frames: Sequence[Frame],
    encoder: Encoder,
    aim: QualityTarget,
    most_bytes: int | None,
    log: Log,
    deadline: Deadline,
) -> Made:
    """Search for the quality on one frame, then encode all frames with it; `most_bytes` limits the file."""
    if (number := encoder.sample) is None:
        return Made(encoder.encode(), encoder)
    image, one = frames[number].image, encoder.only(number)
    reference = Reference(image)
    best = _reached_by_whole(one, image, reference, aim, deadline)
    found, score, alone = best.found, best.score, best.found.data
    bound = "time" if found.cut_short else "quality"
    if score < aim.score and bound == "quality":
        exact = _without_loss(encoder, most_bytes, deadline)
        if exact:
            log.note("lossless_chosen", score=score, aim=aim.score, bytes=len(alone))
            return exact
    made = encoder.colored_as(best.encoder)
    is_ready = len(encoder.images) == 1 and best.encoder.drafting() is best.encoder
    data = alone if is_ready else made.encode(found.quality)
    if most_bytes is not None and len(data) > most_bytes:
        # With few bytes, a higher quality is worth more than colour resolution.
        highest = found.quality if made is encoder else HIGHEST
        lower = largest_within(encoder.encode, most_bytes, deadline, highest=highest, may_fall_apart=True)
        if lower is not None:
            made, found, data = encoder, lower, lower.data
            alone = data if one is encoder else one.encode(lower.quality)
            score, bound = one.score(alone, reference), "bytes"
            log.note("held_to_source", quality=found.quality)
    log.note("quality_chosen", kind="score", quality=found.quality, score=score)
    if score < aim.score:
        log.warn("aim_missed", kind=bound, score=score, aim=aim.score, quality=found.quality)
    return Made(data, made, found.quality, one.similarity(alone, image), score)


def _without_loss(encoder: Encoder, most_bytes: int | None, deadline: Deadline) -> Made | None:
    """Return the picture without loss, if the format offers it and the limits on time and bytes allow it."""
    seconds = _SECONDS_WITHOUT_LOSS * encoder.content.pixels / 1_000_000
    if len(encoder.images) > 1 or not encoder.target.lossless_is_a_choice or not deadline.leaves(seconds):
        return None
    exact = encoder.without_loss()
    data = exact.encode()
    if most_bytes is not None and len(data) > most_bytes:
        return None
    return Made(data, exact, similarity=1.0, score=100.0)


def reached(
    encoder: Encoder, reference: Reference, aim: QualityTarget, deadline: Deadline, plan: Plan = THOROUGH
) -> Tried:
    """Return the encoded frame that reaches the aim, or comes closest.

    The encoder keeps all colour detail if the aim cannot be reached otherwise, or only at a high quality.
    """
    if encoder.halves_color and plan.first > encoder.highest_quality:
        encoder = encoder.with_full_color()
    draft = encoder.drafting()
    found, score = lowest_alike(
        draft.encode,
        lambda data: draft.score(data, reference),
        aim,
        deadline,
        plan,
        draft.highest_quality,
    )
    if score < aim.score and encoder.halves_color and not found.cut_short:
        plan = replace(plan, first=found.quality)
        return reached(encoder.with_full_color(), reference, aim, deadline, plan)
    return Tried(encoder, found, score)


def _reached_by_whole(
    one: Encoder, image: Image.Image, reference: Reference, aim: QualityTarget, deadline: Deadline
) -> Tried:
    """Try a large picture first at the quality that suffices for parts of it."""
    part, original = one.sampled(image)
    if part is one:
        return reached(one, reference, aim, deadline)
    draft, of_parts = part.drafting(), Reference(original)
    guess, _ = lowest_alike(draft.encode, lambda data: draft.score(data, of_parts), aim, deadline)
    return reached(one, reference, aim, deadline, Plan(guess.quality, _NEAR_ENOUGH, _ENOUGH_TRIES))
