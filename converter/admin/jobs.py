"""Jobs: the outcome of each image, and actions on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from converter import engine, jobs
from converter.admin.base import ThumbnailAdmin, link, picture, pretty
from converter.admin.retrying import back, failure, retry_button
from converter.engine.formats import AUTO
from converter.methods import require_POST
from converter.models import (
    Batch,
    Job,
)
from converter.translation import bytes_in_words, recipe_sentence, translated_row


class StuckFilter(admin.SimpleListFilter):
    title = _("age")
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("stuck", gettext("stuck")), ("unfinished", gettext("in progress"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "stuck":
                return queryset.stuck(timezone.now())
            case "unfinished":
                return queryset.unfinished()
        return None


class OutputFilter(admin.SimpleListFilter):
    title = _("format")
    parameter_name = "output_format"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        formats = [(format.name, format.label) for format in engine.FORMATS.values() if format.encodes]
        return [*formats, (AUTO, "auto")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(output_format=self.value()) if self.value() else None


class SourceFilter(OutputFilter):
    parameter_name = "format"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(format.name, format.label) for format in engine.FORMATS.values() if format.decodes]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(format=self.value()) if self.value() else None


class FailureFilter(admin.SimpleListFilter):
    title = _("failure")
    parameter_name = "error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = Job.objects.exclude(error_code="").order_by("error_code").values_list("error_code", flat=True)
        return [(code, code) for code in codes.distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(error_code=self.value()) if self.value() else None


@admin.register(Job)
class JobAdmin(ThumbnailAdmin):
    list_display = (
        "name", "person", "created_at", "status", "failure", "again", "format", "sizes", "times",
    )  # fmt: skip
    list_filter = ("status", StuckFilter, OutputFilter, FailureFilter, "created_at")
    list_select_related = ("upload", "owner")
    search_fields = ("=id", "=batch__id", "owner__email", "upload__name")
    search_help_text = _("Search by owner's e-mail, image name, job id or batch id")
    actions = ("retry", "cancel", "expire")
    fieldsets = (
        (None, {"fields": ("id", "status", "picture", "source", "in_batch", "person", "output_format")}),
        (_("Failure"), {"fields": ("error_code", "failure", "again", "attempts", "lease_until")}),
        (
            _("Timings"),
            {
                "fields": (
                    "created_at", "queued_at", "asked_at", "started_at", "finished_at", "waiting", "milliseconds",
                )
            },
        ),
        (_("Result"), {"fields": ("before", "after", "result_format", "result_width", "result_height", "changes")}),
        (_("Details"), {"fields": ("recipe_in_words", "recipe_json", "report_json", "versions_json")}),
    )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        retry = self.admin_site.admin_view(require_POST(self.retry_one))
        return [path("<id:pk>/retry/", retry, name="converter_job_retry"), *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        return super().get_queryset(request).prefetch_related("sources")

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._usable_by(request, self.list_display)

    def get_fieldsets(self, request: HttpRequest, obj: Job | None = None) -> Any:
        return [
            (title, {"fields": self._usable_by(request, options["fields"])})
            for title, options in self.fieldsets
        ]

    def _usable_by(self, request: HttpRequest, names: Sequence[Any]) -> list[Any]:
        """Leave out the retry button for staff who may only view."""
        may_act = self.has_oversee_permission(request)
        return [name for name in names if may_act or name != "again"]

    @admin.display(description=_("image"))
    def name(self, job: Job) -> str:
        more = f" + {job.images - 1}" if job.is_joined else ""
        return f"{job.upload.name}{more}"

    @admin.display(description=_("thumbnail"))
    def picture(self, job: Job) -> str:
        return picture(job.upload)

    @admin.display(description=_("image"))
    def source(self, job: Any) -> str:
        images = ((link(job.viewer, upload, upload.name),) for upload in job.uploads)
        return format_html_join("", "<div>{}</div>", images)

    @admin.display(description=_("batch"))
    def in_batch(self, job: Any) -> str:
        return link(job.viewer, job.batch, job.batch_id)

    @admin.display(description=_("Before"))
    def before(self, job: Job) -> str:
        before = (job.report or {}).get("bytes_before") if job.is_joined else job.upload.size
        return bytes_in_words(before) if before else "–"

    @admin.display(description=_("After"))
    def after(self, job: Job) -> str:
        return bytes_in_words(job.result_size) if job.result_size else "–"

    @admin.display(description=_("format"), ordering="output_format")  # short enough for the list
    def format(self, job: Job) -> str:
        return job.output_format

    @admin.display(description=_("size"))
    def sizes(self, job: Job) -> str:
        return f"{self.before(job)} → {self.after(job)}"

    @admin.display(description=_("wait time"))
    def waiting(self, job: Job) -> str:
        return f"{job.waited.total_seconds():.1f} s" if job.waited else "–"

    @admin.display(description=_("wait, processing"))
    def times(self, job: Job) -> str:
        took = "–" if job.milliseconds is None else f"{job.milliseconds / 1000:.1f} s"
        return f"{self.waiting(job)}, {took}"

    @admin.display(description=_("changes"))
    def changes(self, job: Job) -> str:
        report = job.report or {}
        said = [*report.get("warnings", []), *report.get("notes", [])]
        notes = ((translated_row(note["code"], note["params"], note["text"]),) for note in said)
        return format_html_join("", "<div>{}</div>", notes) or "–"

    @admin.display(description=_("error message"))
    def failure(self, job: Job) -> str:
        return failure(job) or "–"

    @admin.display(description=_("retry"))
    def again(self, job: Job) -> str:
        return retry_button(job) or "–"

    @admin.display(description=_("recipe"))
    def recipe_in_words(self, job: Job) -> str:
        return recipe_sentence(job.parsed_recipe)

    @admin.display(description=_("recipe (JSON)"))
    def recipe_json(self, job: Job) -> str:
        return pretty(job.recipe)

    @admin.display(description=_("report"))
    def report_json(self, job: Job) -> str:
        return pretty(job.report)

    @admin.display(description=_("versions"))
    def versions_json(self, job: Job) -> str:
        return pretty(job.versions)

    @admin.action(description=_("Retry"), permissions=["oversee"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self.act(request, queryset.select_related("upload", "batch"), jobs.retry_if_it_may_help, _("Retried"))

    def retry_one(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Retry the job of the row whose button was pressed, and return to that page."""
        if not self.has_oversee_permission(request):
            raise PermissionDenied
        get_object_or_404(Job, pk=pk)
        self.retry(request, self.get_queryset(request).filter(pk=pk))
        return redirect(back(request) or reverse("admin:converter_job_change", args=[pk]))

    @admin.action(description=_("Cancel"), permissions=["oversee"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self.act(request, queryset, jobs.cancel, _("Cancelled"))

    @admin.action(description=_("Expire batches now"), permissions=["oversee"])
    def expire(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        batches = Batch.objects.filter(pk__in=queryset.order_by().values("batch"), expired_at=None)
        self.act(request, batches, jobs.expire, _("Batches expired"))
