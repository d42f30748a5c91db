"""Template tags and filters, mainly for sizes, formats and states."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django import template
from django.conf import settings
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.forms import BoundField
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timeuntil as time_until
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from converter import engine, jobs
from converter.models import Batch, Delivery, Job, Upload
from converter.problems import CodedError
from converter.translation import bytes_in_words, recipe_sentence, translated, translated_row
from converter.web import words

register = template.Library()

MOST_SHOWN_BYTES = 400_000
USUAL_SIDE = 1600
"""The longest side, in pixels, that suits a screen."""
MOST_ON_PHONE, MOST_IN_COLUMN = 10, 15
"""The number of characters that fit in a select when two fields share a row."""
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")


@register.simple_tag
def webhooks_are_on() -> bool:
    return bool(settings.CONVERTER_WEBHOOKS)


@register.simple_tag
def originals_are_shown() -> bool:
    """Return whether owners may download their originals."""
    return bool(settings.CONVERTER_ORIGINALS)


@register.simple_tag
def can_be_installed() -> bool:
    """Return whether browsers may install the site as an app."""
    return bool(settings.CONVERTER_INSTALLABLE)


@register.filter
def size(count: int | None) -> SafeString | str:
    """Return the size in a readable unit, with the exact number on hover."""
    if count is None:
        return ""
    exact = ngettext("%(n)s byte", "%(n)s bytes", count) % {
        "n": number_format(count, use_l10n=True, force_grouping=True)
    }
    return format_html('<span class="nowrap" title="{}">{}</span>', exact, bytes_in_words(count))


@register.filter
def smaller_side(job: Job) -> int:
    """Return a longest side that would improve a low-quality result, or 0 if the quality is fine.

    Fewer pixels leave more bytes for each pixel.
    """
    longest = max(job.result_width or 0, job.result_height or 0)
    warnings = (job.report or {}).get("warnings", [])
    is_low = any(warning["code"] == "low_quality" for warning in warnings)
    if not is_low or not job.upload.is_here or job.recipe.get("resize", {}).get("mode", "fit") != "fit":
        return 0
    return USUAL_SIDE if longest > USUAL_SIDE else longest // 2


@register.filter
def wordiness(field: BoundField) -> str:
    """Return CSS classes for a field whose choices need a full row, on a phone or in any narrow column."""
    longest = max((len(str(label)) for _value, label in getattr(field.field, "choices", ())), default=0)
    if longest > MOST_IN_COLUMN:
        return " is-wordy is-wordiest"
    return " is-wordy" if longest > MOST_ON_PHONE else ""


@register.filter
def plain_size(count: int) -> str:
    return bytes_in_words(count)


@register.filter
def exact_bytes(count: int) -> str:
    return number_format(count, use_l10n=True, force_grouping=True)


@register.filter
def absolute(count: int) -> int:
    return abs(count)


@register.filter
def megapixels(count: int) -> str:
    return number_format(count / 1_000_000, 0)


@register.filter
def state(name: str) -> str:
    return words.state(name)


@register.filter
def event(name: str) -> str:
    return words.event(name)


@register.filter
def label(name: str) -> str:
    return words.format_label(name)


@register.filter
def sentence(recipe: Mapping[str, Any]) -> str:
    try:
        return recipe_sentence(engine.Recipe.parse(recipe))
    except engine.InvalidRecipe:
        return _("Uses options that are no longer available")


@register.filter
def message(refusal: CodedError) -> str:
    return translated(refusal.message)


@register.filter
def note(said: Mapping[str, Any]) -> str:
    """Return the translated text of a note or warning in a report."""
    return translated_row(said["code"], said["params"], said["text"])


@register.filter
def may_be_retried(job: Job) -> bool:
    return jobs.retry_refusal(job) is None


@register.filter
def needs_another_image(job: Job) -> bool:
    """Return whether a job failed because of its image, so that other settings would not help."""
    return job.error_code in {error.code for error in engine.InvalidImage.__subclasses__()}


@register.filter
def failure(job: Job) -> str:
    """Return the translated reason why a job failed."""
    return translated_row(job.error_code, job.error_params, job.error_message)


@register.filter
def failed_delivery(delivery: Delivery) -> str:
    """Return the translated reason why a webhook delivery got no response."""
    return translated_row("fetch_failed", delivery.error_params, delivery.answer)


@register.filter
def normal_growth(jobs: Iterable[Job]) -> Mapping[str, Any] | None:
    """Return the first note that says a result is larger because of its format, or None."""
    notes = (said for job in jobs for said in (job.report or {}).get("notes", ()))
    return next((said for said in notes if said["code"] == "larger_by_nature"), None)


@register.filter
def output_labels(outputs: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(dict.fromkeys(label(output["format"]) for output in outputs))


@register.filter
def input_labels(batch: Batch) -> str:
    """Return the formats of the batch's images that the history shows."""
    first = getattr(batch, "first_jobs", [])
    return ", ".join(dict.fromkeys(label(job.upload.format) for job in first if job.upload.format))


@register.filter
def images(batch: Batch) -> int:
    return batch.tally.images


@register.filter
def thumbnail(upload: Upload) -> str | None:
    return jobs.thumbnail_url(upload)


@register.filter
def shown_result(jobs_of_image: Iterable[Job]) -> str | None:
    """Return a URL of the widest result that browsers can show and whose file is small enough for a card."""
    shown = [
        job
        for job in jobs_of_image
        if job.has_result
        and engine.FORMATS[job.result_format].shows_in_browser
        and (job.result_size or 0) <= MOST_SHOWN_BYTES
    ]
    return jobs.result_url(max(shown, key=lambda job: job.result_width or 0)) if shown else None


@register.filter
def mime(job: Job) -> str:
    return engine.FORMATS[job.result_format].mime


@register.filter
def percent_saved(before: int, after: int) -> int:
    return min(round(100 - 100 * after / before), 99) if before else 0  # an empty file stays empty


@register.filter
def saved_words(percent: int | None) -> str:
    if percent is None:
        return ""
    if percent > 0:
        return _("%(n)s%% smaller") % {"n": min(percent, 99)}
    return _("%(n)s%% larger") % {"n": -percent} if percent else _("same size")


@register.filter
def moment(when: datetime) -> SafeString:
    """Return a `<time>` element in UTC. times.js converts it to the visitor's time zone."""
    text = f"{date_format(when, 'DATETIME_FORMAT')} UTC"
    return format_html('<time datetime="{}" data-local>{}</time>', when.isoformat(), text)


@register.filter
def expires(moment: datetime) -> str:
    left = moment - timezone.now()
    if left <= timedelta(0):
        return _("expired")
    # Round to the nearest unit: one second into 24 hours, the text must not say 23 hours.
    if left > timedelta(days=2):
        moment += timedelta(hours=12)
    elif left > timedelta(hours=2):
        moment += timedelta(minutes=30)
    return _("expires in %(time)s") % {"time": time_until(moment, depth=1)}


@register.filter
def next_try(moment: datetime) -> str:
    if moment <= timezone.now():
        return _("retrying shortly")
    return _("next retry %(when)s") % {"when": naturaltime(moment)}


@register.filter
def fact_rows(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the facts that probing found, as table rows."""
    alone = {key for key in ("frames", "pages") if facts.get(key) == 1}  # a count of one is not worth a row
    rows = [(name, facts.get(key)) for key, name in words.FACTS.items() if key not in alone]
    return [(str(name), _value(value)) for name, value in rows if value not in (None, "", [], False)]


@register.filter
def encoder(said: Mapping[str, Any]) -> str:
    """Return the encoder's name and settings. Boolean settings are listed only if they are on."""
    return ", ".join([said["name"], *_settings(said.get("settings", {}))])


def _settings(settings: Mapping[str, Any]) -> Iterator[str]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _settings(value)
        elif value is not False:
            yield name if value is True else f"{name} {value}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list | tuple):
        return ", ".join(_value(part) for part in value)
    if isinstance(value, str) and MOMENT.fullmatch(value) and (moment := parse_datetime(value)):
        return date_format(moment, "DATETIME_FORMAT")
    return str(value)
