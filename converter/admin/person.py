"""The page about one user: usage, jobs, failures and the actions of staff."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import Count, prefetch_related_objects
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from converter import jobs
from converter.admin.base import may_see_people
from converter.admin.retrying import failure, retry_button
from converter.methods import require_safe
from converter.models import Job

SHOWN = 10  # rows of a list


@require_safe
def person(request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    if not may_see_people(request.user):
        raise PermissionDenied
    owner = get_object_or_404(get_user_model()._default_manager.select_related("quota"), pk=pk)
    newest = Job.objects.filter(owner=owner.pk).select_related("upload")
    context = {
        **admin.site.each_context(request),
        "title": str(owner),
        "person": owner,
        "use": jobs.quota_use(owner),
        "links": _links(request, owner),
        "states": _states(owner),
        "newest": newest[:SHOWN],
        "failures": _failures(request, newest.filter(status=Job.Status.FAILED)[:SHOWN]),
        "failures_url": _list("converter_job", owner, status__exact=Job.Status.FAILED),
        "jobs_url": _list("converter_job", owner),
    }
    return render(request, "admin/person.html", context)


def _list(model: str, owner: AbstractBaseUser, **filters: str) -> str:
    """Return the URL of the admin's change list with the rows of this user."""
    return f"{reverse(f'admin:{model}_changelist')}?{urlencode({'owner__id__exact': owner.pk, **filters})}"


def _links(request: HttpRequest, owner: AbstractBaseUser) -> list[tuple[str, str]]:
    """Return the name and URL of each page that the requesting user may open."""
    quota = f"{reverse('admin:converter_quota_add')}?{urlencode({'owner': owner.pk})}"
    if hasattr(owner, "quota"):
        quota = reverse("admin:converter_quota_change", args=[owner.pk])
    offered = [
        (
            "accounts.change_user",
            _("Account and permissions"),
            reverse("admin:accounts_user_change", args=[owner.pk]),
        ),
        ("converter.change_quota", _("Change quota"), quota),
        ("converter.view_batch", _("Batches"), _list("converter_batch", owner)),
        ("converter.view_upload", _("Images"), _list("converter_upload", owner)),
        ("converter.view_share", _("Shared links"), _list("converter_share", owner)),
        ("accounts.view_apitoken", _("API tokens"), _list("accounts_apitoken", owner)),
        ("converter.view_webhook", _("Webhooks"), _list("converter_webhook", owner)),
        (
            "accounts.delete_user",
            _("Delete with all images"),
            reverse("admin:accounts_user_delete", args=[owner.pk]),
        ),
    ]
    return [(name, url) for permission, name, url in offered if request.user.has_perm(permission)]


def _states(owner: AbstractBaseUser) -> list[tuple[str, int, str]]:
    rows = Job.objects.filter(owner=owner.pk).order_by().values_list("status").annotate(n=Count("pk"))
    counts = dict(rows)
    return [
        (str(status.label), counts[status], _list("converter_job", owner, status__exact=status))
        for status in Job.Status
        if status in counts
    ]


def _failures(request: HttpRequest, failed: Any) -> list[dict[str, Any]]:
    """Return the failed jobs, each with its reason and, if the requesting user may retry it, the button."""
    rows = list(failed)
    prefetch_related_objects([job for job in rows if job.is_joined], "sources")
    may_retry = request.user.has_perm("converter.change_job")
    return [
        {"job": job, "reason": failure(job), "button": retry_button(job) if may_retry else ""} for job in rows
    ]
