"""Batches, their progress and outcome."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from converter import jobs
from converter.admin.base import ReadOnlyAdmin, ViewedList, link, pretty
from converter.admin.retrying import ending
from converter.models import Batch, Job
from converter.snapshot import snapshot
from converter.translation import bytes_in_words


class BatchList(ViewedList):
    """Load the progress of all batches on the page together."""

    def get_results(self, request: HttpRequest) -> None:
        with snapshot():
            super().get_results(request)
            tallies = Batch.objects.filter(pk__in=[batch.pk for batch in self.result_list]).tallies()
        for batch in self.result_list:
            batch.tally = tallies[batch.pk]


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    list_display = ("id", "person", "status", "progress", "before", "after", "created_at", "expires_at")
    list_filter = ("created_at", "expired_at")
    list_select_related = ("owner",)
    search_fields = ("=id", "owner__email")
    search_help_text = _("Search by owner's e-mail or batch id")
    actions = ("retry", "cancel", "expire")
    fields = (
        "id", "person", "status", "progress", "before", "after", "created_at", "expires_at", "expired_at",
        "asked_for", "its_jobs",
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BatchList

    def get_object(self, *args: Any, **kwargs: Any) -> Any:
        with snapshot():
            batch = super().get_object(*args, **kwargs)
            if batch:
                batch.rows = list(batch.jobs.select_related("upload").order_by("position"))
                batch.tally = batch.tally  # load and keep it now, in the same snapshot as the rows
        return batch

    @admin.display(description=_("Status"))
    def status(self, batch: Batch) -> str:
        return (
            gettext("Partly failed")
            if batch.state == "partially_failed"
            else str(Job.Status(batch.state).label)
        )

    @admin.display(description=_("done"))
    def progress(self, batch: Batch) -> str:
        return gettext("%(done)s of %(all)s") % {"done": batch.tally.done, "all": batch.tally.total}

    @admin.display(description=_("Before"))
    def before(self, batch: Batch) -> str:
        return bytes_in_words(batch.tally.bytes_before)

    @admin.display(description=_("After"))
    def after(self, batch: Batch) -> str:
        return bytes_in_words(batch.tally.bytes_after)

    @admin.display(description=_("outputs"))
    def asked_for(self, batch: Batch) -> str:
        return pretty(batch.outputs)

    @admin.display(description=_("jobs"))
    def its_jobs(self, batch: Any) -> SafeString:
        return format_html_join(
            "", "<div>{} – {}</div>", ((link(batch.viewer, job, job), ending(job)) for job in batch.rows)
        )

    @admin.action(description=_("Retry failed and cancelled jobs"), permissions=["oversee"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        self.act(request, queryset, _retry, _("Retried"))

    @admin.action(description=_("Cancel unfinished jobs"), permissions=["oversee"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        self.act(request, queryset, jobs.cancel_batch, _("Cancelled"))

    @admin.action(description=_("Expire now"), permissions=["oversee"])
    def expire(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        self.act(request, queryset.filter(expired_at=None), jobs.expire, _("Expired"))


def _retry(batch: Batch) -> None:
    if not jobs.retry_batch(batch, where_it_may_help=True):
        raise jobs.Conflict(kind="retry_batch")
