"""Plain words for what the engine names by code. What is missing here is shown as the engine says it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from converter import engine

Words = Mapping[str, str | Promise]

TITLES: Words = {
    "format": _("Format"),
    "quality": _("Quality"),
    "aim": _("Aim for"),
    "target_bytes": _("At most (KB)"),
    "shrink_to_fit": _("Smaller picture if need be"),
    "effort": _("Effort"),
    "lossless": _("Lossless"),
    "progressive": _("Progressive"),
    "resize": _("Size"),
    "resize.mode": _("How it fits"),
    "resize.width": _("Width"),
    "resize.height": _("Height"),
    "resize.scale": _("Percent"),
    "resize.enlarge": _("Enlarge small pictures"),
    "resize.gravity": _("Keep this part"),
    "crop": _("Crop"),
    "crop.x": _("From the left"),
    "crop.y": _("From the top"),
    "crop.width": _("Crop width"),
    "crop.height": _("Crop height"),
    "rotate": _("Rotate"),
    "flip": _("Flip"),
    "background": _("Background"),
    "metadata": _("Photo details"),
    "color": _("Colours"),
    "dpi": _("Resolution (dpi)"),
    "frames": _("Animation and pages"),
    "watermark": _("Watermark"),
    "watermark.text": _("Text"),
    "watermark.image": _("Picture"),
    "watermark.position": _("Where"),
    "watermark.opacity": _("Opacity"),
    "watermark.scale": _("Share of the width"),
    "watermark.tile": _("Repeat all over"),
}

HINTS: Words = {
    "quality": _("1 to 100. Empty: a good value."),
    "aim": _("Judged on each picture."),
    "target_bytes": _("Never larger than this, in as good a quality as fits."),
    "shrink_to_fit": _("When no quality meets the size in KB."),
    "effort": _("More effort makes smaller files and takes longer."),
    "lossless": _("Keeps every pixel. Larger for photos, smaller for drawings."),
    "progressive": _("Shows a rough picture first while it loads."),
    "resize.width": _("In pixels. Empty: as it is."),
    "resize.height": "",
    "resize.mode": "",
    "rotate": "",
    "resize.scale": _("Of the picture's own size, instead of width and height."),
    "resize.gravity": _("When filling cuts something off."),
    "background": _("Behind transparency and around padding: #ffffff, or transparent."),
    "metadata": _("Camera, date and place stored in the file."),
    "color": _("sRGB looks right everywhere."),
    "dpi": _("For printing: 300. Leave empty to keep what the file says."),
    "watermark.opacity": _("0.01 (barely there) to 1 (solid)."),
    "watermark.scale": _("0.01 to 1: 0.2 is a fifth of the picture."),
}

_PLACES: Words = {
    "top_left": _("Top left"),
    "top": _("Top"),
    "top_right": _("Top right"),
    "left": _("Left"),
    "center": _("Centre"),
    "right": _("Right"),
    "bottom_left": _("Bottom left"),
    "bottom": _("Bottom"),
    "bottom_right": _("Bottom right"),
    "smart": _("Where most is to be seen"),
}

CHOICES: Mapping[str, Words] = {
    "aim": {
        "None": _("A fixed quality"),
        "small": _("Small file"),
        "balanced": _("Balanced"),
        "near_identical": _("Looks the same"),
    },
    "resize.mode": {
        "fit": _("Fit inside"),
        "fill": _("Fill and crop"),
        "pad": _("Fit and pad"),
        "stretch": _("Stretch"),
    },
    "resize.gravity": _PLACES,
    "watermark.position": _PLACES,
    "rotate": {
        "0": _("No"),
        "90": _("90° to the right"),
        "180": _("Upside down"),
        "270": _("90° to the left"),
    },
    "flip": {"None": _("No"), "horizontal": _("Left to right"), "vertical": _("Top to bottom")},
    "metadata": {
        "strip": _("Remove all"),
        "strip_location": _("Remove the place only"),
        "keep": _("Keep"),
    },
    "color": {"srgb": _("Convert to sRGB"), "keep": _("Keep the profile")},
    "frames": {"all": _("Keep all"), "first": _("First only")},
}

FACTS: Words = {
    "camera": _("Camera"),
    "lens": _("Lens"),
    "taken_at": _("Taken"),
    "location": _("Place (latitude, longitude)"),
    "copyright": _("Copyright"),
    "software": _("Software"),
    "profile": _("Colour profile"),
    "mode": _("Colour mode"),
    "bits": _("Bits a channel"),
    "has_alpha": _("Transparency"),
    "animated": _("Animated"),
    "frames": _("Frames"),
    "pages": _("Pages"),
    "duration_ms": _("Duration in milliseconds"),
}

EVENTS: Words = {
    "batch.finished": _("A batch is done"),
    "job.finished": _("A result is finished"),
    "job.failed": _("A result has failed"),
    "webhook.test": _("Test message"),
}

STATES: Words = {
    "awaiting_upload": _("Waiting for upload"),
    "queued": _("In the queue"),
    "processing": _("Converting"),
    "finished": _("Done"),
    "failed": _("Failed"),
    "partially_failed": _("Partly failed"),
    "cancelled": _("Cancelled"),
    "expired": _("Expired"),
}


# Paths whose numbers people say in thousands: bytes as KB.
IN_THOUSANDS = frozenset({"target_bytes"})


def format_label(name: str) -> str:
    """Return how people call a format, or the choice of one."""
    if name == "auto":
        return str(_("Best for each picture"))
    return engine.FORMATS[name].label if name in engine.FORMATS else name.upper()


def title(path: str, fallback: str = "") -> str:
    return str(TITLES.get(path) or gettext(fallback) or path)


def hint(path: str, fallback: str = "") -> str:
    return str(HINTS.get(path, gettext(fallback) if fallback else ""))


def choice(path: str, value: object) -> str:
    words = CHOICES.get(path, {}).get(str(value))
    return str(words or ("–" if value is None else str(value).replace("_", " ").capitalize()))


def span(time: timedelta) -> str:
    """Return how long something lasts: hours up to a day, then days where they are whole."""
    hours = time / timedelta(hours=1)
    if hours > 24 and hours % 24 == 0:
        return ngettext("%(n)s day", "%(n)s days", int(hours // 24)) % {"n": int(hours // 24)}
    return ngettext("%(n)s hour", "%(n)s hours", 1 if hours == 1 else 2) % {"n": f"{hours:g}"}


def bytes_in_words(count: int) -> str:
    """Return a size in units of 1000, as the limits are given: 999 bytes, 1.2 KB, 34 MB."""
    if abs(count) < 1000:
        return ngettext("%(n)s byte", "%(n)s bytes", count) % {"n": count}
    value, unit = count / 1000, "KB"
    for larger in ("MB", "GB", "TB"):
        if abs(value) < 999.5:
            break
        value, unit = value / 1000, larger
    digits = 1 if abs(value) < 10 else 0
    return f"{number_format(round(value, digits), digits)}\u00a0{unit}"


def event(name: str) -> str:
    return str(EVENTS.get(name, name))


def state(name: str) -> str:
    return str(STATES.get(name, name))
