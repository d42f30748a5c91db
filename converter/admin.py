"""The admin for staff: everything can be seen, little changed. Actions use `converter.jobs` and are logged."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cached_property
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from converter import engine, jobs
from converter.engine.formats import AUTO
from converter.models import (
    Batch,
    Delivery,
    Job,
    Preferences,
    Quota,
    Recipe,
    RecipeLink,
    Share,
    Upload,
    Webhook,
)
from converter.problems import CodedError
from converter.snapshot import snapshot
from converter.translation import recipe_sentence, translated, translated_row
from converter.webhooks import endpoints


class BoundedPaginator(Paginator):
    """Stops counting at MOST rows, so that a table of millions opens as fast as one of hundreds."""

    MOST = 2_000

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[: self.MOST].count()


class Bounded(admin.ModelAdmin):
    """Counts, and acts on, no more rows than BoundedPaginator.MOST, so that “all 2000 selected” are 2,000."""

    paginator = BoundedPaginator
    show_full_result_count = False

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        if self.action_form.base_fields["select_across"].clean(request.POST.get("select_across")):
            most = BoundedPaginator.MOST
            chosen = list(queryset.values_list("pk", flat=True)[: most + 1])
            if len(chosen) > most:
                self.message_user(
                    request,
                    f"More than {most} rows match; only the first {most} were changed. Repeat for the rest.",
                    messages.WARNING,
                )
            queryset = queryset.filter(pk__in=chosen[:most])
        return super().response_action(request, queryset)


class Overseen(Bounded):
    """Read-only rows; the `oversee` permission allows actions on them."""

    show_facets = admin.ShowFacets.NEVER  # they count the whole table
    list_per_page = 50
    list_max_show_all = 50
    date_hierarchy = None
    actions: Any = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_oversee_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"converter.change_{self.opts.model_name}")

    def act(
        self, request: HttpRequest, rows: QuerySet[Any], verb: Callable[[Any], object], done: str
    ) -> None:
        """Apply `verb` to each row, log who did it, and report how many changed and why others did not."""
        changed: list[Model] = []
        refused: dict[str, int] = {}
        for row in rows:
            try:
                result = verb(row)
            except CodedError as exc:
                reason = translated(exc.message)
                refused[reason] = refused.get(reason, 0) + 1
                continue
            if result != 0:
                changed.append(row)
        if changed:
            LogEntry.objects.log_actions(
                cast(UUID, request.user.pk), changed, CHANGE, change_message=f"{done}.", single_object=False
            )
        level = messages.SUCCESS if changed else messages.WARNING
        self.message_user(request, f"{done}: {len(changed)} of {len(rows)}.", level)
        for reason, count in refused.items():
            self.message_user(request, f"{count} × {reason}", messages.WARNING)


class Pictured(Overseen):
    """Shows a thumbnail of a user's image, and logs who viewed it."""

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        if jobs.thumbnail_url(obj if isinstance(obj, Upload) else obj.upload):
            LogEntry.objects.log_actions(
                cast(UUID, request.user.pk), [obj], CHANGE, change_message="Viewed image.", single_object=True
            )
        return super().render_change_form(request, context, add, change, form_url, obj)


def pretty(value: object) -> str | SafeString:
    if value is None:
        return "–"
    return format_html("<pre>{}</pre>", json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def picture(upload: Upload) -> str | SafeString:
    url = jobs.thumbnail_url(upload)
    return format_html('<img src="{}" alt="" height="160">', url) if url else "–"


def link(row: Model, text: object) -> SafeString:
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(name, args=[row.pk]), text)


class StuckFilter(admin.SimpleListFilter):
    title = "age"
    parameter_name = "age"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("stuck", "stuck"), ("unfinished", "in progress")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "stuck":
                return queryset.stuck(timezone.now())
            case "unfinished":
                return queryset.unfinished()
        return None


class OutputFilter(admin.SimpleListFilter):
    title = "format"
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
    title = "failure"
    parameter_name = "error_code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        codes = Job.objects.exclude(error_code="").order_by("error_code").values_list("error_code", flat=True)
        return [(code, code) for code in codes.distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(error_code=self.value()) if self.value() else None


@admin.register(Job)
class JobAdmin(Pictured):
    list_display = (
        "name", "status", "error_code", "output_format", "sizes", "times", "attempts", "owner", "created_at",
    )  # fmt: skip
    list_filter = ("status", StuckFilter, OutputFilter, FailureFilter, "created_at")
    list_select_related = ("upload", "owner")
    search_fields = ("=id", "=batch__id", "owner__email", "upload__name")
    search_help_text = "Search by owner's e-mail, image name, job id or batch id"
    actions = ("retry", "cancel", "expire")
    fieldsets = (
        (None, {"fields": ("id", "status", "picture", "source", "in_batch", "owner", "output_format")}),
        ("Failure", {"fields": ("error_code", "failure", "attempts", "lease_until")}),
        (
            "Timings",
            {
                "fields": (
                    "created_at", "queued_at", "asked_at", "started_at", "finished_at", "waiting", "milliseconds",
                )
            },
        ),
        ("Result", {"fields": ("before", "after", "result_format", "result_width", "result_height", "changes")}),
        ("Details", {"fields": ("recipe_in_words", "recipe_json", "report_json", "versions_json")}),
    )  # fmt: skip

    @admin.display(description="image")
    def name(self, job: Job) -> str:
        return job.upload.name

    @admin.display(description="thumbnail")
    def picture(self, job: Job) -> str:
        return picture(job.upload)

    @admin.display(description="image")
    def source(self, job: Job) -> str:
        return link(job.upload, job.upload.name)

    @admin.display(description="batch")
    def in_batch(self, job: Job) -> str:
        return link(job.batch, job.batch_id)

    @admin.display
    def before(self, job: Job) -> str:
        return filesizeformat(job.upload.size)

    @admin.display
    def after(self, job: Job) -> str:
        return filesizeformat(job.result_size) if job.result_size else "–"

    @admin.display(description="size")
    def sizes(self, job: Job) -> str:
        return f"{self.before(job)} → {self.after(job)}".replace(" ", "\u00a0")

    @admin.display(description="wait time")
    def waiting(self, job: Job) -> str:
        return f"{job.waited.total_seconds():.1f} s" if job.waited else "–"

    @admin.display(description="wait, processing")
    def times(self, job: Job) -> str:
        took = "–" if job.milliseconds is None else f"{job.milliseconds / 1000:.1f} s"
        return f"{self.waiting(job)}, {took}"

    @admin.display(description="changes")
    def changes(self, job: Job) -> str:
        report = job.report or {}
        said = [*report.get("warnings", []), *report.get("notes", [])]
        notes = ((translated_row(note["code"], note["params"], note["text"]),) for note in said)
        return format_html_join("", "<div>{}</div>", notes) or "–"

    @admin.display(description="error message")
    def failure(self, job: Job) -> str:
        return translated_row(job.error_code, job.error_params, job.error_message)

    @admin.display(description="recipe")
    def recipe_in_words(self, job: Job) -> str:
        return recipe_sentence(job.parsed_recipe)

    @admin.display(description="recipe (JSON)")
    def recipe_json(self, job: Job) -> str:
        return pretty(job.recipe)

    @admin.display(description="report")
    def report_json(self, job: Job) -> str:
        return pretty(job.report)

    @admin.display(description="versions")
    def versions_json(self, job: Job) -> str:
        return pretty(job.versions)

    @admin.action(description="Retry", permissions=["oversee"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self.act(request, queryset.select_related("upload"), jobs.retry, "Retried")

    @admin.action(description="Cancel", permissions=["oversee"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        self.act(request, queryset, jobs.cancel, "Cancelled")

    @admin.action(description="Expire batches now", permissions=["oversee"])
    def expire(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        batches = Batch.objects.filter(pk__in=queryset.order_by().values("batch"), expired_at=None)
        self.act(request, batches, jobs.expire, "Batches expired")


class BatchList(ChangeList):
    """Loads the progress of all batches of the page in one query."""

    def get_results(self, request: HttpRequest) -> None:
        with snapshot():
            super().get_results(request)
            tallies = Batch.objects.filter(pk__in=[batch.pk for batch in self.result_list]).tallies()
        for batch in self.result_list:
            batch.tally = tallies[batch.pk]


@admin.register(Batch)
class BatchAdmin(Overseen):
    list_display = ("id", "owner", "status", "progress", "before", "after", "created_at", "expires_at")
    list_filter = ("created_at", "expired_at")
    list_select_related = ("owner",)
    search_fields = ("=id", "owner__email")
    search_help_text = "Search by owner's e-mail or batch id"
    actions = ("retry", "cancel", "expire")
    fields = (
        "id", "owner", "status", "progress", "before", "after", "created_at", "expires_at", "expired_at",
        "asked_for", "its_jobs",
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BatchList

    def get_object(self, *args: Any, **kwargs: Any) -> Batch | None:
        with snapshot():
            batch = super().get_object(*args, **kwargs)
            if batch:
                batch.rows = list(batch.jobs.select_related("upload").order_by("position"))
                batch.tally = batch.tally  # read now, with the rows
        return batch

    @admin.display
    def status(self, batch: Batch) -> str:
        return batch.state

    @admin.display(description="done")
    def progress(self, batch: Batch) -> str:
        return f"{batch.tally.done} of {batch.tally.total}"

    @admin.display
    def before(self, batch: Batch) -> str:
        return filesizeformat(batch.tally.bytes_before)

    @admin.display
    def after(self, batch: Batch) -> str:
        return filesizeformat(batch.tally.bytes_after)

    @admin.display(description="outputs")
    def asked_for(self, batch: Batch) -> str:
        return pretty(batch.outputs)

    @admin.display(description="jobs")
    def its_jobs(self, batch: Any) -> SafeString:
        return format_html_join(
            "", "<div>{} – {}</div>", ((link(job, job), job.status) for job in batch.rows)
        )

    @admin.action(description="Retry failed and cancelled jobs", permissions=["oversee"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        self.act(request, queryset, jobs.retry_batch, "Retried")

    @admin.action(description="Cancel unfinished jobs", permissions=["oversee"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        self.act(request, queryset, jobs.cancel_batch, "Cancelled")

    @admin.action(description="Expire now", permissions=["oversee"])
    def expire(self, request: HttpRequest, queryset: QuerySet[Batch]) -> None:
        self.act(request, queryset.filter(expired_at=None), jobs.expire, "Expired")


@admin.register(Upload)
class UploadAdmin(Pictured):
    list_display = (
        "name", "owner", "format", "dimensions", "frames", "bytes", "created_at", "received_at", "deleted_at",
    )  # fmt: skip
    list_filter = (SourceFilter, "created_at", ("deleted_at", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("=id", "owner__email", "name")
    search_help_text = "Search by owner's e-mail, image name or id"
    fields = (
        "id", "name", "picture", "owner", "bytes", "format", "dimensions", "frames", "mode", "profile", "key", "etag",
        "created_at", "received_at", "expires_at", "deleted_at", "its_jobs",
    )  # fmt: skip

    @admin.display(description="thumbnail")
    def picture(self, upload: Upload) -> str:
        return picture(upload)

    @admin.display
    def dimensions(self, upload: Upload) -> str:
        return f"{upload.width}×{upload.height}" if upload.width else "–"

    @admin.display(description="size", ordering="size")
    def bytes(self, upload: Upload) -> str:
        return filesizeformat(upload.size)

    @admin.display(description="jobs")
    def its_jobs(self, upload: Upload) -> SafeString:
        rows = upload.jobs.order_by("created_at", "position")
        return format_html_join(
            "", "<div>{} – {}</div>", ((link(job, job.output_format), job.status) for job in rows)
        )


@admin.register(Recipe)
class RecipeAdmin(Overseen):
    list_display = ("name", "owner", "sentence", "updated_at")
    list_select_related = ("owner",)
    search_fields = ("=id", "owner__email", "name")
    fields = ("id", "name", "owner", "sentence", "canonical", "created_at", "updated_at")
    ordering = ("-updated_at",)

    @admin.display(description="summary")
    def sentence(self, recipe: Recipe) -> str:
        return recipe_sentence(engine.Recipe.parse(recipe.recipe))

    @admin.display(description="recipe")
    def canonical(self, recipe: Recipe) -> str:
        return pretty(recipe.recipe)


@admin.register(RecipeLink)
class RecipeLinkAdmin(Overseen):
    list_display = ("hash", "owner", "created_at")
    list_select_related = ("owner",)
    search_fields = ("=hash", "owner__email")
    fields = (*list_display, "canonical")

    @admin.display(description="recipe")
    def canonical(self, link: RecipeLink) -> str:
        return pretty(link.recipe)


@admin.register(Share)
class ShareAdmin(Overseen):
    """The link is not shown: it would open the images without a log entry."""

    list_display = ("id", "owner", "batch", "opened", "created_at", "expires_at", "revoked_at")
    list_filter = (("revoked_at", admin.EmptyFieldListFilter), "created_at", "expires_at")
    list_select_related = ("owner", "batch")
    search_fields = ("=id", "=batch__id", "owner__email")
    fields = list_display
    actions = ("revoke",)

    @admin.action(description="Revoke links", permissions=["oversee"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Share]) -> None:
        self.act(request, queryset, jobs.revoke_share, "Revoked")


@admin.register(Quota)
class QuotaAdmin(Bounded):
    """Quotas of single users, the only rows staff edit."""

    list_display = ("owner", "jobs_a_day", "bytes_kept")
    list_select_related = ("owner",)
    search_fields = ("owner__email",)
    autocomplete_fields = ("owner",)


@admin.register(Preferences)
class PreferencesAdmin(Overseen):
    """A user's own preferences."""

    list_display = ("owner", "retention", "recipe")
    list_select_related = ("owner", "recipe")
    search_fields = ("owner__email",)
    fields = list_display


@admin.register(Webhook)
class WebhookAdmin(Overseen):
    """The secret is not shown."""

    list_display = ("url", "owner", "events", "created_at", "disabled_at")
    list_filter = (("disabled_at", admin.EmptyFieldListFilter), "created_at")
    list_select_related = ("owner",)
    search_fields = ("=id", "owner__email", "url")
    fields = ("id", *list_display)
    actions = ("pause", "resume")

    @admin.action(description="Pause", permissions=["oversee"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        self.act(request, queryset, endpoints.pause, "Paused")

    @admin.action(description="Resume", permissions=["oversee"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        self.act(request, queryset, endpoints.resume, "Resumed")


@admin.register(Delivery)
class DeliveryAdmin(Overseen):
    list_display = ("event", "webhook", "attempts", "answer_status", "created_at", "due_at", "delivered_at")
    list_filter = (
        "event",
        ("delivered_at", admin.EmptyFieldListFilter),
        ("due_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("webhook__owner",)
    search_fields = ("=id", "=webhook__id", "webhook__owner__email")
    fields = ("id", *list_display, "answer", "body")
