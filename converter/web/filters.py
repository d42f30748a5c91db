"""The history filter: its URL parameters, and the batches that match.

A search reads the batches in steps, newest first, until a page is full or LOOK_BACK batches have been read.
This bounds the cost of a search that has few matches.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from converter.models import Batch, Job, JobQuerySet, Source
from converter.paging import cursor_of, page_or_first
from converter.web.options import inputs, outputs

LOOK_BACK = 1000
"""The maximum number of batches that one search reads. The next page continues from there."""
STEP = 100

STATES = {
    "working": _("In progress"),
    "finished": _("Has results"),
    "failed": _("Has failures"),
    "cancelled": _("Cancelled"),
    "expired": _("Expired"),
}


class HistoryFilter(forms.Form):
    """The filter form. Every field is optional; invalid values are reported and ignored."""

    q = forms.CharField(
        label=_("Name"), required=False, max_length=100, widget=forms.TextInput(attrs={"type": "search"})
    )
    state = forms.ChoiceField(label=_("Status"), required=False)
    source = forms.ChoiceField(label=_("Original format"), required=False)
    format = forms.ChoiceField(label=_("Output format"), required=False)
    since = forms.DateField(label=_("Since"), required=False)
    until = forms.DateField(label=_("Until"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("source", [(format.name, format.label) for format in inputs()])
        self._offer("format", [(format.name, format.label) for format in outputs()])
        self._offer("state", list(STATES.items()))
        for name in ("since", "until"):
            # HTML date inputs only accept this format, whatever the language.
            self.fields[name].widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        self.is_valid()

    def _offer(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("Any")), *choices]

    @property
    def more(self) -> list[forms.BoundField]:
        return [field for field in self if field.name != "q"]

    @property
    def more_is_used(self) -> bool:
        return any(self.data.get(field.name) for field in self.more)

    @property
    def is_used(self) -> bool:
        return bool(self.data.get("q")) or self.more_is_used

    def in_time(self, batches: QuerySet[Batch]) -> QuerySet[Batch]:
        """Return the batches that were created on the chosen days."""
        if since := self.cleaned_data.get("since"):
            batches = batches.filter(created_at__gte=_moment(since, time.min))
        if until := self.cleaned_data.get("until"):
            batches = batches.filter(created_at__lte=_moment(until, time.max))
        return batches

    def jobs(self) -> JobQuerySet | None:
        """Return the jobs that match the filter, or None if it does not restrict the jobs."""
        wanted = {
            name: value
            for name in ("q", "state", "source", "format")
            if (value := self.cleaned_data.get(name))
        }
        if not wanted:
            return None
        found = Job.objects.all()
        if name := wanted.get("q"):
            sources = Source.objects.filter(upload__name__icontains=name, job=OuterRef("pk"))
            found = found.filter(Q(upload__name__icontains=name) | Exists(sources))
        if state := wanted.get("state"):
            found = found.unfinished() if state == "working" else found.in_state(state)
        if source := wanted.get("source"):
            found = found.filter(upload__format=source)
        if format := wanted.get("format"):
            found = found.filter(Q(output_format=format) | Q(result_format=format))
        return found


@dataclass(frozen=True)
class Found:
    batches: list[Batch]
    following: str | None
    """The cursor of the next page."""
    looked_back_to: datetime | None = None
    """The creation time of the last batch read, if the search stopped before the page was full."""


def search(batches: QuerySet[Batch], like: JobQuerySet | None, after: str | None, size: int) -> Found:
    """Return a page of the batches that have a job in `like`, or of all batches if `like` is None."""
    if like is None:
        return Found(*page_or_first(batches, after, size))
    found: list[Batch] = []
    for _step in range(0, LOOK_BACK, STEP):
        some, after = page_or_first(batches, after, STEP)
        fitting = set(like.filter(batch__in=some).order_by().values_list("batch", flat=True).distinct())
        found += [batch for batch in some if batch.pk in fitting]
        if len(found) > size:
            return Found(found[:size], cursor_of(found[size - 1]))
        if not after:
            return Found(found, None)
    return Found(found, after, some[-1].created_at)


def _moment(day: date, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))
