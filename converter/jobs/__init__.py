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
    "Conflict",
    "Gone",
    "InvalidSubmission",
    "NewFile",
    "NotMade",
    "OverQuota",
    "QuotaUse",
    "SHARED_LIFETIME",
    "JobError",
    "StillRunning",
    "announce",
    "cancel",
    "cancel_batch",
    "count_opening",
    "expire",
    "fetch",
    "file_problem",
    "keep_image",
    "forget_guests",
    "forget_logos",
    "hindrance_of",
    "hard_limits",
    "is_guest",
    "is_of_suspended",
    "limits",
    "original_url",
    "read_watermark",
    "make_preview",
    "make_shared_zip",
    "make_zip",
    "missing_uploads",
    "move",
    "open_share",
    "preview_urls",
    "receive",
    "recover",
    "remove",
    "quota_use",
    "renew_form",
    "remove_all",
    "remove_upload",
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
    "check_result",
    "read_result",
    "received_etag",
    "use_result",
    "zip_name",
    "zip_url",
]
