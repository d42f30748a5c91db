"""Labels for the engine's option names and codes. What is missing here is shown as the engine names it."""

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
    "aim": _("Quality mode"),
    "target_bytes": _("Maximum size (KB)"),
    "shrink_to_fit": _("Reduce dimensions if needed"),
    "effort": _("Effort"),
    "lossless": _("Lossless"),
    "progressive": _("Progressive"),
    "resize": _("Size"),
    "resize.mode": _("Resize mode"),
    "resize.width": _("Width"),
    "resize.height": _("Height"),
    "resize.scale": _("Scale (%)"),
    "resize.enlarge": _("Enlarge small images"),
    "resize.gravity": _("Crop from"),
    "crop": _("Crop"),
    "crop.x": _("Left (px)"),
    "crop.y": _("Top (px)"),
    "crop.width": _("Crop width"),
    "crop.height": _("Crop height"),
    "rotate": _("Rotate"),
    "flip": _("Flip"),
    "background": _("Background"),
    "metadata": _("Metadata"),
    "color": _("Colour profile"),
    "dpi": _("Resolution (dpi)"),
    "frames": _("Animation and pages"),
    "watermark": _("Watermark"),
    "watermark.text": _("Text"),
    "watermark.image": _("Logo"),
    "watermark.position": _("Position"),
    "watermark.opacity": _("Opacity"),
    "watermark.scale": _("Size (fraction of width)"),
    "watermark.tile": _("Tile"),
}

HINTS: Words = {
    "quality": _("1–100. Leave empty for automatic."),
    "aim": _("Adjusted for each image."),
    "target_bytes": _("Best quality that fits this size."),
    "shrink_to_fit": _("If lower quality alone is not enough."),
    "effort": _("Higher effort makes smaller files but takes longer."),
    "lossless": _("Keeps every pixel. Larger files for photos, smaller for graphics."),
    "progressive": _("Shows a rough preview while loading."),
    "resize.width": _("Pixels. Leave empty to keep."),
    "resize.height": "",
    "resize.mode": "",
    "rotate": "",
    "resize.scale": _("Used instead of width and height."),
    "resize.gravity": _("Used with Fill and crop."),
    "background": _("Fills transparent areas and padding: #ffffff or transparent."),
    "metadata": _("Camera, date and location stored in the file."),
    "color": _("sRGB looks right on every screen."),
    "dpi": _("300 for print. Leave empty to keep."),
    "watermark.opacity": _("0.01 (faint) to 1 (solid)."),
    "watermark.scale": _("0.01–1. 0.2 is 20% of the image width."),
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
    "smart": _("Most interesting area (auto)"),
}

CHOICES: Mapping[str, Words] = {
    "aim": {
        "None": _("Fixed"),
        "small": _("Small file"),
        "balanced": _("Balanced"),
        "near_identical": _("Visually lossless"),
    },
    "resize.mode": {
        "fit": _("Fit inside"),
        "fill": _("Fill and crop"),
        "pad": _("Fit with padding"),
        "stretch": _("Stretch"),
    },
    "resize.gravity": _PLACES,
    "watermark.position": _PLACES,
    "rotate": {
        "0": _("None"),
        "90": _("90° clockwise"),
        "180": _("180°"),
        "270": _("90° anticlockwise"),
    },
    "flip": {"None": _("None"), "horizontal": _("Horizontal"), "vertical": _("Vertical")},
    "metadata": {
        "strip": _("Remove all"),
        "strip_location": _("Remove location only"),
        "keep": _("Keep all"),
    },
    "color": {"srgb": _("Convert to sRGB"), "keep": _("Keep original")},
    "frames": {"all": _("Keep all"), "first": _("First only")},
}

FACTS: Words = {
    "camera": _("Camera"),
    "lens": _("Lens"),
    "taken_at": _("Date taken"),
    "location": _("Location (latitude, longitude)"),
    "copyright": _("Copyright"),
    "software": _("Software"),
    "profile": _("Colour profile"),
    "mode": _("Colour mode"),
    "bits": _("Bit depth"),
    "has_alpha": _("Transparency"),
    "animated": _("Animated"),
    "frames": _("Frames"),
    "pages": _("Pages"),
    "duration_ms": _("Duration (ms)"),
}

EVENTS: Words = {
    "batch.finished": _("Batch finished"),
    "job.finished": _("Job finished"),
    "job.failed": _("Job failed"),
    "webhook.test": _("Test event"),
}

STATES: Words = {
    "awaiting_upload": _("Waiting for upload"),
    "queued": _("Queued"),
    "processing": _("Converting"),
    "finished": _("Done"),
    "failed": _("Failed"),
    "partially_failed": _("Partly failed"),
    "cancelled": _("Cancelled"),
    "expired": _("Expired"),
}


# Paths entered in thousands: bytes as KB.
IN_THOUSANDS = frozenset({"target_bytes"})


def format_label(name: str) -> str:
    """Return the label of a format, or of `auto`."""
    if name == "auto":
        return str(_("Best for each image"))
    return engine.FORMATS[name].label if name in engine.FORMATS else name.upper()


def title(path: str, fallback: str = "") -> str:
    return str(TITLES.get(path) or gettext(fallback) or path)


def hint(path: str, fallback: str = "") -> str:
    return str(HINTS.get(path, gettext(fallback) if fallback else ""))


def choice(path: str, value: object) -> str:
    words = CHOICES.get(path, {}).get(str(value))
    return str(words or ("–" if value is None else str(value).replace("_", " ").capitalize()))


def span(time: timedelta) -> str:
    """Return a duration: hours up to a day, then days if they are whole."""
    hours = time / timedelta(hours=1)
    if hours > 24 and hours % 24 == 0:
        return ngettext("%(n)s day", "%(n)s days", int(hours // 24)) % {"n": int(hours // 24)}
    return ngettext("%(n)s hour", "%(n)s hours", 1 if hours == 1 else 2) % {"n": f"{hours:g}"}


def bytes_in_words(count: int) -> str:
    """Return a size in units of 1000, like the limits: 999 bytes, 1.2 KB, 34 MB."""
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
