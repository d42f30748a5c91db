"""Submit, receive, run, retry, cancel and expire jobs. Only this package changes a job's state.

    awaiting_upload ──receive──> queued ──run──> processing ──> finished ──expire──> expired
           │                       │                 │  └─────> failed ──retry──> queued
           └───────────────────────┴──────cancel─────┴────────> cancelled ──retry──> queued

Every action is idempotent and safe against races. A state changes by one conditional UPDATE, whose row count
says who won; a worker writes only while it holds the job's lease. The sweep fails or restarts whatever waits
too long.
"""

from __future__ import annotations

from converter.engine import register
from converter.jobs import submit
from converter.jobs.errors import (
    Conflict,
    Gone,
    InvalidSubmission,
    JobError,
    NotMade,
    OverQuota,
    StillRunning,
    hindrance_of,
)
from converter.jobs.guests import forget_guests, is_guest, move
from converter.jobs.limits import hard_limits, limits
from converter.jobs.links import SHARED_LIFETIME, original_url, result_url, thumbnail_url
from converter.jobs.logos import forget_logos, read_watermark
from converter.jobs.messages import TEMPLATES
from converter.jobs.owners import is_of_suspended
from converter.jobs.picture import snippets
from converter.jobs.previews import make_preview, preview_urls
from converter.jobs.quota import QuotaUse, quota_use
from converter.jobs.recipes import save_recipe
from converter.jobs.results import check_result, read_result
from converter.jobs.retention import expire, remove, remove_all, remove_upload
from converter.jobs.shares import count_opening, open_share, revoke_share, share
from converter.jobs.sweep import recover
from converter.jobs.transitions import (
    cancel,
    cancel_batch,
    retry,
    retry_batch,
    retry_if_it_may_help,
    retry_refusal,
)
from converter.jobs.uploads import (
    NewFile,
    announce,
    fetch,
    file_problem,
    keep_image,
    missing_uploads,
    receive,
    received_etag,
    renew_form,
    store,
    upload_form,
    use_result,
)
from converter.jobs.zips import make_shared_zip, make_zip, shared_zip_url, zip_name, zip_url

register(TEMPLATES)

__all__ = [
    "SHARED_LIFETIME",
    "Conflict",
    "Gone",
    "InvalidSubmission",
    "JobError",
    "NewFile",
    "NotMade",
    "OverQuota",
    "QuotaUse",
    "StillRunning",
    "announce",
    "cancel",
    "cancel_batch",
    "check_result",
    "count_opening",
    "expire",
    "fetch",
    "file_problem",
    "forget_guests",
    "forget_logos",
    "hard_limits",
    "hindrance_of",
    "is_guest",
    "is_of_suspended",
    "keep_image",
    "limits",
    "make_preview",
    "make_shared_zip",
    "make_zip",
    "missing_uploads",
    "move",
    "open_share",
    "original_url",
    "preview_urls",
    "quota_use",
    "read_result",
    "read_watermark",
    "receive",
    "received_etag",
    "recover",
    "remove",
    "remove_all",
    "remove_upload",
    "renew_form",
    "result_url",
    "retry",
    "retry_batch",
    "retry_if_it_may_help",
    "retry_refusal",
    "revoke_share",
    "save_recipe",
    "share",
    "shared_zip_url",
    "snippets",
    "store",
    "submit",
    "thumbnail_url",
    "upload_form",
    "use_result",
    "zip_name",
    "zip_url",
]
