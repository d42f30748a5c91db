"""What a report says about the source, whatever was done to the pixels."""

from __future__ import annotations

from converter.engine.formats import BULK_OF_LOSSLESS, FORMATS
from converter.engine.recipe import Recipe
from converter.engine.report import Log

from .decode import Opened, Picture
from .facts import Facts


def note_source(
    opened: Opened, picture: Picture, recipe: Recipe, log: Log, *, keeps_all: bool, keeps_hdr: bool
) -> None:
    """Note what the result keeps of the file and what it leaves out. `picture` is the first one in it."""
    if picture.white > 1:
        log.note("floats_scaled", white=picture.white)
    if opened.has_gain_map and keeps_hdr:
        log.note("hdr_kept")
    elif opened.has_gain_map and recipe.hdr == "sdr":
        log.note("hdr_removed")
    elif opened.has_gain_map:
        log.warn("hdr_lost")
    if opened.has_credentials:
        log.warn("credentials_removed")
    if picture.is_incomplete:
        log.warn("image_incomplete")
    if opened.pictures_in_file > 1:
        log.warn("primary_image_only", pictures=opened.pictures_in_file)
    if recipe.frames != "first":
        _note_frames(opened.facts, recipe, log, keeps_all)


def _note_frames(facts: Facts, recipe: Recipe, log: Log, keeps_all: bool) -> None:
    target = recipe.target
    if facts.animated and keeps_all:
        log.note("frames_kept", frames=facts.frames)
        if facts.plays and not target.loops and target.animation:
            log.warn("loop_not_kept", format=target.label)
    if facts.animated and not keeps_all:
        log.warn("first_frame_only", format=target.label, frames=facts.frames)
    if facts.pages > 1 and keeps_all:
        log.note("pages_kept", pages=facts.pages)
    if facts.pages > 1 and not keeps_all:
        log.warn("first_page_only", format=target.label, pages=facts.pages)


def note_depth(bits: int, is_kept: bool, log: Log) -> None:
    """Note what became of more than 8 bits per channel."""
    if bits <= 8:
        return
    if not is_kept:
        log.note("bits_reduced", bits=bits)
    elif bits > 16:
        log.note("bits_reduced", kind="to_16", bits=bits)
    else:
        log.note("bits_kept", bits=bits)


def note_growth(facts: Facts, recipe: Recipe, log: Log) -> None:
    """Note that the result is larger than the source, as a warning only where the formats do not explain it."""
    source = FORMATS[facts.format]
    bulk = BULK_OF_LOSSLESS if recipe.lossless else recipe.target.bulk
    if bulk <= source.bulk:
        log.warn("larger_than_source")
        return
    label = f"Lossless {recipe.target.label}" if recipe.lossless else recipe.target.label
    log.note("larger_by_nature", format=label, source=source.label)
