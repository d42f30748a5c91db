"""Labels of facts, events, states and formats. A name without a label is shown as it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from converter import engine

Words = Mapping[str, str | Promise]

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


def format_label(name: str) -> str:
    """Return the label of a format, or of `auto`."""
    if name == "auto":
        return str(_("Best for each image"))
    return engine.FORMATS[name].label if name in engine.FORMATS else name.upper()


def span(time: timedelta) -> str:
    """Return a duration in words: in days if it is a whole number of them above one, otherwise in hours."""
    hours = time / timedelta(hours=1)
    if hours > 24 and hours % 24 == 0:
        return ngettext("%(n)s day", "%(n)s days", int(hours // 24)) % {"n": int(hours // 24)}
    return ngettext("%(n)s hour", "%(n)s hours", 1 if hours == 1 else 2) % {"n": f"{hours:g}"}


def event(name: str) -> str:
    return str(EVENTS.get(name, name))


def state(name: str) -> str:
    return str(STATES.get(name, name))
