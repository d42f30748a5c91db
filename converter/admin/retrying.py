"""Describe how jobs ended, and render the button that retries one."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from converter import jobs
from converter.models import Job
from converter.translation import translated, translated_row


def failure(job: Job) -> str:
    return translated_row(job.error_code, job.error_params, job.error_message)


def ending(job: Job) -> str:
    status = str(job.get_status_display())
    return f"{status}: {failure(job)}" if job.error_code else status


def retry_button(job: Job) -> str:
    """Return the retry button of a failed or cancelled job; "" for other jobs.

    It is disabled and shows the reason if a retry cannot help. It submits the surrounding form.
    """
    if not job.is_retryable:
        return ""
    if refusal := jobs.retry_refusal(job):
        return format_html(
            '<button class="button is-small" disabled>{}</button> <span class="reason">{}</span>',
            _("Retry"),
            translated(refusal.message),
        )
    url = reverse("admin:converter_job_retry", args=[job.pk])
    return format_html(
        '<button class="button is-small" formaction="{}">{}<span class="visually-hidden"> {}</span></button>',
        url,
        _("Retry"),
        job.upload.name,
    )


def back(request: HttpRequest) -> str:
    """Return the URL of the page that sent the form if it is on this site, else ""."""
    came_from = request.META.get("HTTP_REFERER", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, request.is_secure())
    return came_from if is_ours else ""
