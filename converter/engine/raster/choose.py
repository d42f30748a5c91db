"""Choose the best format for a picture, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf

from PIL import Image, ImageChops

from converter.engine.formats import ANIMATION_CANDIDATES, CANDIDATES, FORMATS, Format
from converter.engine.limits import Deadline
from converter.engine.messages import Message
from converter.engine.recipe import Recipe
from converter.engine.report import Log

from .aim import reached
from .codecs.content import is_noisy
from .encode import Encoder, prepare
from .sample import bands
from .score import Reference
from .search import AIMS, QualityTarget, rough
from .steps import Frame

# Formats are compared on a copy of at most this many pixels: faster, with the same ranking.
_MOST_PIXELS = 500_000

# A picture with at most this many colours is a drawing, not a photo.
_FLAT_COLORS = 1024
# A grey picture is a drawing if at least this share of its pixels equal their left neighbours: it is 0.95 for
# a page of text, 0.6 for a smooth photo.
_FLAT_NEIGHBOURS = 0.85
# Bytes per pixel below which searching for a smaller file is not worth the time.
_NEXT_TO_NOTHING = 0.004
# Files without loss are measured only if a few rows suggest that they have at most this many times the bytes.
_FAR = 3
_ROWS = 4  # of each band
# A file has 1.2 % fewer bytes if the loss, 100 less the visual score, is 1 % higher: at any score, in any format.
_BYTES_BY_LOSS = 1.2


@dataclass(frozen=True)
class Choice:
    recipe: Recipe
    reason: Message


def chosen(frames: Sequence[Frame], recipe: Recipe, deadline: Deadline) -> Choice:
    """Return the recipe with `auto` replaced by a format, and the reason."""
    image = frames[0].image
    if len(frames) > 1:
        return _for_animation(image, recipe)
    fitting = [format for format in CANDIDATES if _fits(image, format)]
    sample = _sample(image)
    exact = [
        replace(recipe, format=format.name, aim=None, lossless=format.lossless_is_a_choice)
        for format in fitting
        if format.lossless
    ]
    if recipe.lossless or (_is_flat(image) and not recipe.target_bytes):
        why = "reason_lossless" if recipe.lossless else "reason_drawing"
        return _smallest(exact, lambda option: _size(sample, option), why)
    lossy = [replace(recipe, format=format.name) for format in fitting if format.quality]
    if frames[0].has_alpha:
        lossy = [option for option in lossy if option.target.alpha]
    why = "reason_smallest_with_alpha" if frames[0].has_alpha else "reason_smallest"
    if not lossy:
        roomiest = max((format for format in CANDIDATES if format.lossless), key=lambda each: each.max_side)
        return Choice(replace(recipe, format=roomiest.name, aim=None), Message("reason_too_large"))
    whole = _WithoutLoss(sample, [] if recipe.target_bytes or is_noisy(sample) else exact)
    if whole.fit(_NEXT_TO_NOTHING * sample.width * sample.height):
        return whole.smallest()
    aim, reference = AIMS[recipe.aim or "balanced"], Reference(sample)
    tries = {option: _alike(reference, option, aim, deadline) for option in lossy}
    choice = _smallest_alike(tries, aim, why)
    return whole.smallest() if whole.fit(tries[choice.recipe][0]) else choice


class _WithoutLoss:
    """The sizes without loss, which take long to measure."""

    def __init__(self, sample: Image.Image, options: Sequence[Recipe]) -> None:
        self._sample, self._options = sample, options

    def fit(self, most: float) -> bool:
        """Return whether any takes no more bytes."""
        return self._least <= _FAR * most and min(self._sizes.values()) <= most

    def smallest(self) -> Choice:
        return _smallest(self._options, self._sizes.__getitem__, "reason_lossless")

    @cached_property
    def _least(self) -> float:
        """The smallest size as estimated by some rows."""
        rows = min(_ROWS, self._sample.height)
        places = bands(self._sample.size, rows)
        part = Image.new(self._sample.mode, (self._sample.width, rows * len(places)))
        for number, box in enumerate(places):
            part.paste(self._sample.crop(box), (0, rows * number))
        share = part.height / self._sample.height
        return min((_size(part, option) / share for option in self._options), default=inf)

    @cached_property
    def _sizes(self) -> Mapping[Recipe, int]:
        return {option: _size(self._sample, option) for option in self._options}


def _for_animation(image: Image.Image, recipe: Recipe) -> Choice:
    usual, *_, roomiest = ANIMATION_CANDIDATES
    if _fits(image, usual):
        return Choice(replace(recipe, format=usual.name), Message("reason_animation"))
    return Choice(replace(recipe, format=roomiest.name), Message("reason_large_animation"))


def _fits(image: Image.Image, format: Format) -> bool:
    return max(image.size) <= format.max_side


def _smallest(options: Sequence[Recipe], size: Callable[[Recipe], int], why: str) -> Choice:
    sizes = {option.format: size(option) for option in options}
    best = min(options, key=lambda option: sizes[option.format])
    others = [
        f"{FORMATS[name].label} {count / sizes[best.format]:.1f}×"
        for name, count in sizes.items()
        if name != best.format
    ]
    return Choice(best, Message(why, {"kind": "compared", "others": others} if others else {}))


def _smallest_alike(tries: Mapping[Recipe, tuple[int, float]], aim: QualityTarget, why: str) -> Choice:
    """Choose the smallest of the formats that reach the aim; if none or only one does, the best score."""
    alike = [option for option, (_, score) in tries.items() if score >= aim.score]
    if len(alike) > 1 or len(tries) == 1:
        return _smallest(alike or list(tries), lambda option: tries[option][0], why)
    return Choice(max(tries, key=lambda option: tries[option][1]), Message("reason_closest"))


def _size(sample: Image.Image, option: Recipe) -> int:
    return len(_encoder(sample, option).encode())


def _alike(reference: Reference, option: Recipe, aim: QualityTarget, deadline: Deadline) -> tuple[int, float]:
    """Return the bytes needed to reach the aim, or to come as close as possible, and the score."""
    encoder = _encoder(reference.picture, option)
    tried = reached(encoder, reference, aim, deadline, rough(aim.score, encoder.usual))
    encoder, found = tried.encoder, tried.found
    size = len(found.data if encoder.drafting() is encoder else encoder.encode(found.quality))
    if found.quality > aim.lowest:
        ratio = (100 - tried.score) / (100 - aim.score)
        size = round(size * min(1.0, ratio) ** _BYTES_BY_LOSS)
    return size, tried.score


def _encoder(sample: Image.Image, option: Recipe) -> Encoder:
    return prepare([Frame.whole(sample)], option, 1, {}, bilevel=False, log=Log())


def _sample(image: Image.Image) -> Image.Image:
    """Return a crop from the middle; a downscaled copy would lose the grain and edges of the picture."""
    scale = min(1.0, (_MOST_PIXELS / (image.width * image.height)) ** 0.5)
    width, height = max(1, int(image.width * scale)), max(1, int(image.height * scale))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _is_flat(image: Image.Image) -> bool:
    """Whether the picture is a drawing, not a photo: few colours or, if grey, many equal neighbours."""
    if image.mode in ("L", "LA"):
        return _alike_neighbours(image.getchannel("L")) >= _FLAT_NEIGHBOURS
    return image.mode in ("RGB", "RGBA") and image.getcolors(_FLAT_COLORS) is not None


def _alike_neighbours(gray: Image.Image) -> float:
    """Return the share of pixels, 0 to 1, that equal their left neighbour."""
    across = ImageChops.difference(gray, ImageChops.offset(gray, 1, 0))
    return across.histogram()[0] / (gray.width * gray.height)
