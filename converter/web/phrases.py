"""What the engine and the jobs say in English, in the reader's language.

A sentence is known again by its shape. One that is not known here is shown as it was said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_noop as _

from converter import engine

# Of several shapes that fit, the first is taken. What stands in for `what`, `advice` and `reason` is a phrase too.
PHRASES = (
    # What is wrong with a file.
    _("This file is empty. Send it again; the upload may have been cut off."),
    _(
        "This is not a picture in a format known here. "
        "Send JPEG, PNG, WebP, AVIF, GIF, TIFF, BMP, ICO, JPEG 2000 or HEIC."
    ),
    _("This is a {what}, which cannot be read here. {advice}"),
    _("This is an {what}, which cannot be read here. {advice}"),
    _("This {format} has {what}, which cannot be read here. {advice}"),
    _("Export it with 8 bits a channel in grey or RGB first."),
    _("Export it as PNG or TIFF first."),
    _("grey and transparency in separate planes"),
    _("channels of different depths"),
    _("bits in reverse order"),
    _("an unknown compression"),
    _("a palette in an unusual layout"),
    _("a transparency mask as a page"),
    _("samples that are not plain numbers"),
    _("the layout of a big-endian BigTIFF"),
    _("{name} compression"),
    _("{bits}-bit signed samples"),
    _("{bits}-bit floating-point samples"),
    _("{bits}-bit samples"),
    _("{bits}-bit {space} colours and more channels"),
    _("{bits}-bit {space} colours"),
    _("{count} channels in separate planes"),
    _("{count} channels of {bits} bits"),
    _("{count} channels"),
    _("Export it as PNG or JPEG first."),
    _("Export its pages as PNG or JPEG first."),
    _("Develop it in your photo program and export a JPEG or TIFF."),
    _("Unpack it and send the pictures in it."),
    _("Send a picture, or save one frame of it."),
    _("PDF document"),
    _("EPS or PostScript drawing"),
    _("EPS drawing"),
    _("SVG drawing"),
    _("Photoshop document (PSD)"),
    _("camera RAW file"),
    _("JPEG XL picture"),
    _("GIMP document"),
    _("QOI picture"),
    _("DDS texture"),
    _("OpenEXR picture"),
    _("Windows cursor"),
    _("Windows metafile"),
    _("ZIP archive"),
    _("video"),
    _("This file is damaged and cannot be read. Open and save it in another program, then try again."),
    _("This file ends too early; part of the picture is missing. Send it again from the original."),
    _("This icon holds no picture. Export it again."),
    _("This file has {size}; at most {most} are accepted. Send a smaller file."),
    _("This file has more than {most} frames or pages, which is the most accepted. Split it first."),
    _("This picture is {size}; at most {side} pixels a side are accepted. Make it smaller first."),
    _("This picture is {size}; at most {most} megapixels are accepted. Make it smaller first."),
    _(
        "The frames of this picture add up to {size} megapixels; at most {most} megapixels are accepted. "
        "Send fewer or smaller frames."
    ),
    _(
        "The result would be {size}; at most {side} pixels a side and {most} megapixels in all are made. "
        "Ask for a smaller size."
    ),
    _("This picture took longer than {seconds} seconds. Ask for a smaller or simpler result."),
    _("This picture needs more memory than there is. Send it with fewer pixels."),
    _("This picture has more pixels than are accepted. Make it smaller first."),
    _("Writing this {format} needs more memory than there is. Ask for fewer pixels."),
    _("Writing this {format} failed. The fault is ours and has been logged. Another format may work."),
    _("The crop reaches outside the picture, which is {size}."),
    _(
        "{format} holds at most {most} pixels a side; this result would be {size}. "
        "Ask for a smaller size, or choose PNG or TIFF."
    ),
    _("No size of this picture fits in {bytes} bytes as {format}. Allow more bytes."),
    _(
        "No quality brings this picture down to {bytes} bytes. "
        "At {size} pixels it would fit: resize to that, or ask to shrink to fit."
    ),
    _("The watermark picture was not found."),
    _("This conversion took more than {seconds} seconds. Ask for a smaller size or another format."),
    _("This conversion needs more than the {size} MB of memory it may have. Send a smaller picture."),
    _("This file makes the decoder crash. It is damaged: save it anew in another program."),
    # What is wrong with the options.
    _("{format} can be read but not written. Choose JPEG, WebP or AVIF instead."),
    _("Format must be one of {choices}, auto."),
    _("Choose one of quality, aim and target bytes, not several."),
    _("Shrink to fit needs target bytes to fit in."),
    _("Lossless keeps every pixel, so it has no {what}. Leave one of the two out."),
    _("The same quality means different things in different formats. Choose an aim instead."),
    _("{format} has no quality to choose. Leave {what} out, or choose JPEG, WebP or AVIF."),
    _("quality"),
    _("aim"),
    _("target bytes"),
    _("{format} has no effort to choose. Leave it out, or choose WebP, AVIF or PNG."),
    _("{format} cannot say a resolution. Leave it out, or choose JPEG, PNG, TIFF or PDF."),
    _("{format} cannot be lossless. Choose PNG, WebP or TIFF."),
    _("{format} cannot be transparent. Choose a colour, or PNG, WebP or AVIF."),
    _("A watermark needs either a text or a picture, and not both."),
    _("Resize needs a width, a height, both, or a scale."),
    _("Choose a scale or a size, not both."),
    _("A scale keeps the shape, so it needs no mode."),
    _("More than 100 percent enlarges. Turn enlarge on too."),
    _("Smart chooses what to keep when filling. Set mode to fill."),
    _("{option} must be a colour such as #ffffff, or transparent."),
    _("{option} must be a whole number from {least} to {most}."),
    _("{option} must be a number from {least} to {most}."),
    _("{option} must be a text of {least} to {most} characters."),
    _("{option} is missing."),
    _("At most so many bytes"),
    _("There is no option “{name}” here."),
    # Why an act was not done, or a job ended.
    _("{name} is larger than the {size} MB that one file may have."),
    _("This file is already here."),
    _("This file is fetched from its address; it cannot be sent."),
    _("This upload has expired. Submit the file again."),
    _("Choose at least one image."),
    _("Choose at least one output."),
    _("A batch takes at most {most} images; this one has {count}. Send it in parts."),
    _("A batch takes at most {most} outputs."),
    _("Two of the outputs are the same."),
    _("The uploaded file is no longer here. Send it again."),
    _("{name} is no longer here. Send it again."),
    _("The watermark image is not here. Send it first, then use its upload id."),
    _(
        "These would be {count} more conversions; you may have {most} in 24 hours and had {today}. "
        "Try again later, or with fewer."
    ),
    _(
        "Your files would take more than the {size} MB you may keep here. "
        "Delete a batch that you do not need, or wait until one expires."
    ),
    _("Your logo has expired. Choose it again."),
    _("A logo kept with a recipe may have at most {size} MB."),
    _("Not here."),
    _("The file never came. Send it again."),
    _("No worker was free for too long. Try again."),
    _("The conversion broke off {count} times. The image may be damaged; try it again or save it anew."),
    _("This result has expired and was deleted."),
    _("These results have expired and were deleted."),
    _("There is no result: the job is {state}."),
    _("No result is finished yet."),
    _("The file was replaced by another one after it came. Send it again."),
    _("The watermark image is no longer here. Choose it again."),
    _("The file could not be fetched: the address answered {status}."),
    _("The file could not be fetched. {reason}"),
    _("The file that was fetched is empty."),
    _("{name} is empty."),
    _("The uploaded file is not here, so there is nothing to retry. Send it again."),
    _("Only a failed or cancelled job can be retried; this one is {state}."),
    _("Only a job that is not done can be cancelled; this one is {state}."),
    _("Choose at least one finished result."),
    _("A batch has at most {most} links. End one that is not needed any more."),
    _("You have {most} webhooks, which is the most. Delete one first."),
    _("Webhooks are turned off on this site."),
    _("This webhook is paused, or its address was gone. Resume it first."),
    _("This batch has expired; its results were deleted."),
    _("This link has ended. Ask whoever sent it to you for a new one."),
    # Why an address is of no use.
    _("It redirects too often."),
    _("This is not a web address: it must begin with https:// or http://."),
    _("This is not a web address."),
    _("A web address with a user name or password is not taken."),
    _("This address is not in the public internet."),
    _("It has more than the {bytes} bytes that are taken."),
    _("There is no such host."),
    _("Its certificate or encryption does not hold."),
    _("It took too long."),
    _("No connection, or one that broke off."),
    # What a recipe does.
    _("Best format"),
    _("watermark “{text}” all over"),
    _("watermark “{text}”"),
    _("watermark picture all over"),
    _("watermark picture"),
    _("lossless"),
    _("quality {quality}"),
    _("as small as looks fine"),
    _("balanced"),
    _("looks the same"),
    _("at most {bytes} bytes (smaller picture if needed)"),
    _("at most {bytes} bytes"),
    _("effort {effort}"),
    _("not progressive"),
    _("cropped to {size} at {place}"),
    _("rotated {degrees}°"),
    _("flipped left to right"),
    _("flipped top to bottom"),
    _("{what}, enlarged if needed"),
    _("scaled to {percent} percent"),
    _("fit in {width} wide"),
    _("fit in {height} high"),
    _("fit in {size}"),
    _("fill {width} wide"),
    _("fill {height} high"),
    _("fill {size}"),
    _("pad to {width} wide"),
    _("pad to {height} high"),
    _("pad to {size}"),
    _("stretch to {width} wide"),
    _("stretch to {height} high"),
    _("stretch to {size}"),
    _("background transparent"),
    _("background {color}"),
    _("colour profile kept"),
    _("{number} dpi"),
    _("first frame only"),
    _("metadata removed"),
    _("location removed"),
    _("metadata kept"),
    # Why a format was chosen.
    _("{reason} ({others} as large)"),
    _("the smallest that keeps every pixel"),
    _("a drawing in few colours, kept exactly"),
    _("the smallest at equal similarity that keeps transparency"),
    _("the smallest at equal similarity"),
    _("too large for every other format that suits"),
    # Parts of notes.
    _("left to right"),
    _("top to bottom"),
    _("transparent"),
    # The states of a job.
    _("awaiting_upload"),
    _("queued"),
    _("processing"),
    _("finished"),
    _("failed"),
    _("cancelled"),
    _("expired"),
)

# By the code of a note or warning of the engine, its words.
NOTES: Mapping[str, str] = {
    "upright": _("Turned upright"),
    "cropped": _("Cropped to {width}×{height}"),
    "rotated": _("Rotated {degrees}° clockwise"),
    "flipped": _("Flipped {direction}"),
    "resized": _("Resized from {from_width}×{from_height} to {width}×{height}"),
    "not_enlarged": _("Not enlarged: the picture is only {width}×{height}"),
    "focused": _("Cut to the part where most is to be seen"),
    "padded": _("Padded to {width}×{height} with {background}"),
    "shrunk_for_format": _("Shrunk to fit in {side}×{side}, the most that {format} holds"),
    "color_converted": _("Colours converted from {profile} to sRGB"),
    "profile_kept": _("Colour profile {profile} kept"),
    "bits_reduced": _("Reduced from {bits} to 8 bits a channel"),
    "alpha_flattened": _("Transparency flattened on {background}"),
    "alpha_hardened": _("Half-transparent pixels made fully transparent or solid"),
    "colors_reduced": _("Reduced to {colors} colours"),
    "dpi_set": _("Resolution set to {dpi} dpi"),
    "watermarked": _("Watermark added"),
    "frames_merged": _("Equal frames merged: {frames} became {kept}"),
    "frames_kept": _("All {frames} frames kept"),
    "pages_kept": _("All {pages} pages kept"),
    "quality_chosen": _("Quality {quality} chosen: similarity {similarity} to the picture at this size"),
    "bytes_met": _("Quality {quality} chosen to stay within {target} bytes"),
    "shrunk_to_fit": _("Shrunk to {width}×{height} to stay within {target} bytes"),
    "format_chosen": _("{format} chosen: {reason}"),
    "held_to_source": _("Quality lowered to {quality} so that the result is not larger than the original"),
    "location_removed": _("Location removed"),
    "metadata_removed": _("Metadata removed"),
    "metadata_kept": _("Metadata kept"),
    "thumbnail_removed": _("Embedded thumbnail removed"),
    "larger_by_nature": _("{format} files are larger than {source}. That is normal."),
    "first_frame_only": _("{format} holds one picture: only the first of {frames} frames is kept"),
    "first_page_only": _("{format} holds one picture: only the first of {pages} pages is kept"),
    "primary_image_only": _("Only the main one of {pictures} pictures is kept"),
    "profile_not_kept": _("{format} cannot hold the colour profile, so colours were converted to sRGB"),
    "profile_not_fitting": _(
        "The colour profile does not fit the whole result, so colours were converted to sRGB"
    ),
    "exif_unreadable": _("The photo's details (EXIF) are damaged and were dropped"),
    "profile_unusable": _("The colour profile could not be used and was dropped"),
    "cmyk_without_profile": _("Print colours (CMYK) came without a profile; colours are approximate"),
    "metadata_not_kept": _("{format} cannot hold some metadata, which was removed: {kinds}"),
    "metadata_left_with_location": _(
        "The location could not be separated from some metadata, which was removed: {kinds}"
    ),
    "hdr_lost": _("The brighter HDR version inside this photo is not kept"),
    "tone_mapped": _(
        "HDR ({transfer}) was tone-mapped: the brightest parts are less bright than in the original"
    ),
    "loop_not_kept": _("{format} always plays again and again; the number of repeats is not kept"),
    "glyphs_missing": _("Some characters of the watermark are not in the font: {characters}"),
    "larger_than_source": _("The result is larger than the original"),
}

_PHRASES_WITHIN = frozenset({"what", "advice", "reason", "state", "direction", "background"})
_WORDS_WITHIN = frozenset({"option"})
_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})*|\d+)(\.\d+)?( MB)?")


def translated(sentence: str) -> str:
    """Return what was said in English in the language of the reader."""
    if _is_english():
        return sentence
    for phrase, shape in _shapes():
        if found := shape.fullmatch(sentence):
            return _filled(phrase, found.groupdict())
    return sentence


def note(said: Mapping[str, Any]) -> str:
    """Return the words of a note of a report, as of `engine.Note.to_dict`."""
    phrase = NOTES.get(said["code"])
    if phrase is None or _is_english():
        return str(said["text"])
    return _filled(phrase, {name: _plain(name, value) for name, value in said["params"].items()})


def sentence(recipe: engine.Recipe) -> str:
    return ", ".join(map(translated, recipe.words()))


def _is_english() -> bool:
    return (get_language() or "en").startswith("en")


@cache
def _shapes() -> list[tuple[str, re.Pattern[str]]]:
    return [(phrase, _shape(phrase)) for phrase in PHRASES]


def _shape(phrase: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", phrase)  # text and names of holes by turns
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if index % 2 else re.escape(part) for index, part in enumerate(parts)),
        re.DOTALL,
    )


def _filled(phrase: str, parts: Mapping[str, str]) -> str:
    return gettext(phrase).format(**{name: _part(name, part) for name, part in parts.items()})


def _part(name: str, part: str) -> str:
    if name in _PHRASES_WITHIN:
        return translated(part)
    return gettext(part) if name in _WORDS_WITHIN else _number(part)


def _plain(name: str, value: Any) -> str:
    """Return a parameter of a note as the engine writes it."""
    if name == "target":
        return f"{value:,}"
    return f"{value:.3f}" if name == "similarity" else str(value)


def _number(part: str) -> str:
    """Write a number as the reader's language does; leave everything else."""
    found = _NUMBER.fullmatch(part)
    if found is None:
        return part
    whole, fraction, unit = found.groups(default="")
    value = Decimal(whole.replace(",", "") + fraction)
    digits = len(fraction) - 1 if fraction else 0
    return number_format(value, digits, use_l10n=True, force_grouping="," in whole) + unit
