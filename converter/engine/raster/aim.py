"""Find the quality at which a picture reaches the visual score of a quality mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from converter.engine.limits import Deadline
from converter.engine.report import Log

from .encode import Encoder, Judged, Made
from .sample import is_large
from .score import Reference
from .search import (
    HIGHEST,
    EncodedAt,
    Plan,
    QualityTarget,
    largest_within,
    lowest_alike,
    quick,
    thorough,
)
from .steps import Frame

_SECONDS_WITHOUT_LOSS = 1.0  # per megapixel, on a slow machine


@dataclass(frozen=True)
class Tried:
    """A frame encoded by `encoder`, and how it was judged."""

    encoder: Encoder
    found: EncodedAt
    judged: Judged

    @property
    def score(self) -> float:
        return self.judged.score


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
    plan = (quick if is_large(image.size) else thorough)(aim.score, one.usual)
    best = reached(one, reference, aim, deadline, plan)
    found, judged, alone = best.found, best.judged, best.found.data
    score = judged.score
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
            judged, bound = one.judged(alone, reference), "bytes"
            score = judged.score
            log.note("held_to_source", quality=found.quality)
    log.note("quality_chosen", kind="score", quality=found.quality, score=score)
    if score < aim.score:
        log.warn("aim_missed", kind=bound, score=score, aim=aim.score, quality=found.quality)
    return Made(data, made, found.quality, judged.similarity, score)


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
    encoder: Encoder, reference: Reference, aim: QualityTarget, deadline: Deadline, plan: Plan
) -> Tried:
    """Return the encoded frame that reaches the aim, or comes closest.

    The encoder keeps all colour detail if the aim cannot be reached otherwise, or only at a high quality.
    """
    if encoder.halves_color and plan.first > encoder.highest_quality:
        encoder = encoder.with_full_color()
    draft = encoder.drafting()
    judged: dict[bytes, Judged] = {}

    def score_of(data: bytes) -> float:
        judged[data] = draft.judged(data, reference)
        return judged[data].score

    found, score, guess, tries = lowest_alike(
        draft.encode, score_of, aim, deadline, plan, draft.highest_quality, may_leave=encoder.halves_color
    )
    if score < aim.score and encoder.halves_color and not found.cut_short:
        return reached(encoder.with_full_color(), reference, aim, deadline, plan.resumed(guess, tries))
    return Tried(encoder, found, judged[found.data])
