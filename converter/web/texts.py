"""Translated strings for the scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext

from converter import outbound, problems
from converter.engine import RECIPE_SCHEMA, templates
from converter.engine.messages import gettext_noop as _
from converter.jobs import messages

# Strings of the convert page's script, by the keys that it uses.
_CONVERT = {
    "empty": _("This file is empty."),
    "tooLarge": _("Larger than the {size} limit."),
    "tooMany": _("A batch can have up to {count} images. Left out: {left}. Convert them in another batch."),
    "notAnImage": _("We can't read this file as an image."),
    "twice": _("This file is already in the list."),
    "waiting": _("Waiting"),
    "sending": _("Uploading, {percent}%"),
    "sent": _("Uploaded"),
    "failed": _("Upload failed: connection lost."),
    "expired": _("Upload failed: the upload form expired."),
    "loggedOutSending": _("Upload failed: you are logged out. Log in again in another tab, then retry."),
    "cancelled": _("Skipped"),
    "remove": _("Remove {name}"),
    "cancel": _("Cancel {name}"),
    "resume": _("Retry {name}"),
    "noFiles": _("Choose at least one image first."),
    "summary": _("{count} images, {size}"),
    "summaryOne": _("1 image, {size}"),
    "chosen": _("Continue with your {count} images"),
    "chosenOne": _("Continue with your image"),
    "unusable": _("{count} can't be converted"),
    "progress": _("{done} of {count} uploaded"),
    "progressPace": _("{done} of {count} uploaded · {speed}/s · about {time} left"),
    "someFailed": _("Some uploads failed. Retry or skip them."),
    "sendAgain": _("Retry all"),
    "refused": _("Please fix the highlighted fields."),
    "loggedOut": _("You are logged out. Log in again in another tab, then press Convert here."),
    "offline": _("Can't reach the site. Check your connection and try again."),
    "sharedLost": _("The shared images did not arrive. Choose them here."),
    "show": _("Show {name}"),
    "trying": _("Updating preview…"),
    "tried": _("{before} → {after}, {change}"),
    "triedAbout": _("{before} → about {after}, {change} (estimated from a smaller copy)"),
    # xgettext:no-python-format
    "smaller": _("{percent}% smaller"),
    "larger": _("{percent}% larger"),
    "tryTooLarge": _("Preview is available for images up to {size}."),
    "tryFailed": _("The preview took too long. Convert to see the result."),
    "tryAway": _("Preview is not available right now. Convert to see the result."),
    "crop": _("Crop"),
    "cropped": _("Cropped to {width}×{height}"),
    "point": _("Focal point"),
    # xgettext:no-python-format
    "pointAt": _("Focal point: {x}% across, {y}% down"),
    "cropUnknown": _(
        "The size of {name} is not known yet, so it cannot be cropped. Select it in the list first."
    ),
    "ratioOfOutput": _("Same as the output ({width}×{height})"),
    "makeOutputs": _("Make {count} outputs"),
    **{code: templates.WARNINGS[code] for code in ("low_quality", "first_frame_only", "first_page_only")},
    "limitSide": _("Limit to {side} px"),
    "recipeSaved": _("“{name}” saved as a recipe."),
    "noName": _("Enter a name."),
    "noFormat": _("Choose at least one format."),
    "badWidths": _("Enter whole numbers, such as 480, 960, 1600."),
    "tooManyOutputs": _("A batch can have at most {most} outputs; this would make {count}."),
    "output": _("Output {number}"),
    "ofOutput": _("Output {number}: {text}"),
    "convert": _("Convert"),
    "convertOne": _("Convert to {formats}"),
    "convertMany": _("Convert {count} to {formats}"),
    "joinMany": _("Join {count} images into one {formats}"),
    "moveUp": _("Move {name} up"),
    "moveDown": _("Move {name} down"),
    "moved": _("{name}: {place} of {count}"),
    "formats": _("{count} formats"),
    "bestFormat": _("the best format"),
}


def for_messages() -> dict[str, str]:
    """Return the templates of the API's error messages, and the option titles that these messages contain."""
    rooms = (
        templates.ERRORS,
        templates.OPTIONS,
        messages.TEMPLATES,
        outbound.TEMPLATES,
        problems.TEMPLATES,
    )
    said = {key: gettext(template) for room in rooms for key, template in room.items()}
    return said | {f"word.{title}": gettext(title) for title in _titles(RECIPE_SCHEMA)}


def _titles(part: Mapping[str, Any]) -> Iterator[str]:
    if "title" in part:
        yield part["title"]
    for inner in part.get("properties", {}).values():
        yield from _titles(inner)


def for_convert() -> dict[str, str]:
    """Return the strings of the convert page's script."""
    return {key: gettext(text) for key, text in _CONVERT.items()}
