"""Base classes of the admin's tables: bounded counting, read-only views, thumbnails."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from converter import jobs
from converter.models import Upload
from converter.problems import CodedError
from converter.translation import translated

admin.site.enable_nav_sidebar = False  # leaves room for tables; the index links to everything


class BoundedPaginator(Paginator):
    """Stop counting at MOST rows, so that a table of millions opens as fast as one of hundreds."""

    MOST = 2_000

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Any]", self.object_list)
        return rows.order_by()[: self.MOST].count()


class ViewedList(ChangeList):
    """A change list whose rows have a `viewer`, the requesting user."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        for row in self.result_list:
            row.viewer = request.user


class ViewerAdmin(admin.ModelAdmin):
    """Set `viewer`, the requesting user, on rows, so that they link only to pages that the user may see."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ViewedList

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        row = super().get_object(request, *args, **kwargs)
        if row:
            row.viewer = request.user
        return row


class BoundedAdmin(ViewerAdmin):
    """Count and act on at most BoundedPaginator.MOST rows, so that “all 2000 selected” means 2,000."""

    paginator = BoundedPaginator
    show_full_result_count = False

    @admin.display(description=_("owner"), ordering="owner__email")
    def person(self, row: Any) -> str:
        return person_link(row.viewer, row.owner)

    def response_action(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        if self.action_form.base_fields["select_across"].clean(request.POST.get("select_across")):
            most = BoundedPaginator.MOST
            chosen = list(queryset.values_list("pk", flat=True)[: most + 1])
            if len(chosen) > most:
                self.message_user(
                    request,
                    _(
                        "More than %(most)s rows match; only the first %(most)s were changed. Repeat for the rest."
                    )
                    % {"most": most},
                    messages.WARNING,
                )
            queryset = queryset.filter(pk__in=chosen[:most])
        return super().response_action(request, queryset)


def log_changes(request: HttpRequest, rows: Sequence[Model], message: str) -> None:
    """Record in the admin's history that the requesting user changed these rows."""
    if rows:
        LogEntry.objects.log_actions(
            cast(UUID, request.user.pk), rows, CHANGE, change_message=message, single_object=False
        )


class ReadOnlyAdmin(BoundedAdmin):
    """Read-only rows; the `oversee` permission allows actions on them."""

    show_facets = admin.ShowFacets.NEVER  # facets count the whole table
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
        self, request: HttpRequest, rows: QuerySet[Any], verb: Callable[[Any], object], done: str | Promise
    ) -> None:
        """Apply `verb` to each row, log the changes, and report how many changed and why others did not."""
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
        with override("en"):  # the log is read by all staff
            log_changes(request, changed, f"{done}.")
        level = messages.SUCCESS if changed else messages.WARNING
        said = {"done": done, "changed": len(changed), "all": len(rows)}
        self.message_user(request, _("%(done)s: %(changed)s of %(all)s.") % said, level)
        for reason, count in refused.items():
            self.message_user(request, f"{count} × {reason}", messages.WARNING)


class ThumbnailAdmin(ReadOnlyAdmin):
    """Show a thumbnail of a user's image, and log who viewed it."""

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


def link(viewer: Any, row: Model, text: object) -> str:
    """Return a link to the page of a row, or only the text if the viewer may not see it."""
    app, model = row._meta.app_label, row._meta.model_name
    if not any(viewer.has_perm(f"{app}.{act}_{model}") for act in ("view", "change")):
        return str(text)
    return format_html('<a href="{}">{}</a>', reverse(f"admin:{app}_{model}_change", args=[row.pk]), text)


def may_see_people(viewer: Any) -> bool:
    return bool(viewer.has_perms(["accounts.view_user", "converter.view_job"]))


def person_link(viewer: Any, user: AbstractBaseUser) -> str:
    """Return a link to the page about a user, or only their name if the viewer may not see it."""
    if not may_see_people(viewer):
        return str(user)
    return format_html('<a href="{}">{}</a>', reverse("admin:person", args=[user.pk]), user)
