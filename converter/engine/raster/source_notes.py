"""Notes in a report about the source, independent of what was done to the pixels."""

from __future__ import annotations

from collections.abc import Sequence

from converter.engine.formats import BULK_OF_LOSSLESS, FORMATS
from converter.engine.recipe import Recipe
from converter.engine.report import Log
from converter.engine.selection import tidied

from .decode import Opened, Picture
from .facts import Facts


def note_source(
    opened: Opened, pictures: Sequence[Picture], recipe: Recipe, log: Log, *, keeps_all: bool, keeps_hdr: bool
) -> None:
    """Note what the result keeps of the file and what it leaves out. `pictures` are those of the result."""
    white = pictures[0].white
    if white != 1:
        kind = {"kind": "faint"} if white < 1 else {}
        log.note("floats_scaled", **kind, white=white)
    if opened.has_gain_map and keeps_hdr:
        log.note("hdr_kept")
    elif opened.has_gain_map and recipe.hdr == "sdr":
        log.note("hdr_removed")
    elif opened.has_gain_map:
        log.warn("hdr_lost")
    if opened.has_video:
        log.note("video_removed")
    if opened.has_credentials:
        log.warn("credentials_removed")
    if any(picture.is_incomplete for picture in pictures):
        log.warn("image_incomplete")
    elif any(picture.is_damaged for picture in pictures):
        log.warn("image_incomplete", kind="damaged")
    if opened.facts.pictures > 1:
        _note_pictures(opened.facts, recipe, log, keeps_all)


def _note_pictures(facts: Facts, recipe: Recipe, log: Log, keeps_all: bool) -> None:
    """Note which frames or pages were selected, and which are kept."""
    picked = recipe.picked(facts.pictures)
    count = len(picked)
    if recipe.pages:
        kind = {"kind": "frames"} if facts.animated else {}
        pages = tidied(",".join(str(number + 1) for number in picked))
        log.note("pages_selected", **kind, pages=pages, count=facts.pictures)
    if recipe.frames == "first" or count == 1:
        return
    if not keeps_all:
        _note_left_out(facts, recipe, log, count)
        return
    if not recipe.pages:
        code, counted = ("frames_kept", "frames") if facts.animated else ("pages_kept", "pages")
        log.note(code, **{counted: count})
    target = recipe.target
    if facts.animated and facts.plays and target.animation and not target.loops:
        log.warn("loop_not_kept", format=target.label)


def _note_left_out(facts: Facts, recipe: Recipe, log: Log, count: int) -> None:
    """Note that only the first of several pictures is kept."""
    label = recipe.target.label
    if facts.animated:
        log.warn("first_frame_only", format=label, frames=count)
    elif recipe.pages or FORMATS[facts.format].pages:
        log.warn("first_page_only", format=label, pages=count)
    else:
        log.warn("primary_image_only", pictures=count)


def note_depth(bits: int, is_kept: bool, log: Log) -> None:
    """Note whether a depth of more than 8 bits per channel was kept."""
    if bits <= 8:
        return
    if not is_kept:
        log.note("bits_reduced", bits=bits)
    elif bits > 16:
        log.note("bits_reduced", kind="to_16", bits=bits)
    else:
        log.note("bits_kept", bits=bits)


def note_growth(facts: Facts, recipe: Recipe, log: Log) -> None:
    """Note that the result is larger than the source, as a warning unless the formats explain it."""
    source = FORMATS[facts.format]
    bulk = BULK_OF_LOSSLESS if recipe.lossless else recipe.target.bulk
    if bulk <= source.bulk:
        log.warn("larger_than_source")
        return
    label = f"Lossless {recipe.target.label}" if recipe.lossless else recipe.target.label
    log.note("larger_by_nature", format=label, source=source.label)
