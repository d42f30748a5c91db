"""The home twin of what S3 and CloudFront do between the browser and the worker.

S3 accepts a signed form and sends an event; CloudFront serves a signed link. Here two views do that, and the
bucket's signal becomes an S3 event for the same handler.
"""

from __future__ import annotations

import hashlib
import logging
import time
import urllib.parse
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import TooManyFieldsSent, TooManyFilesSent
from django.core.files.storage import storages
from django.core.files.uploadedfile import UploadedFile
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    UnreadablePostError,
)
from django.http.multipartparser import MultiPartParserError
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from converter import dispatch, jobs, storage
from converter.engine import Message
from converter.events.ranges import ranged
from converter.methods import require_POST, require_safe
from converter.problems import answer
from converter.storage import StorageFault, Stored
from converter.storage.signed import SignedBucket, object_created

logger = logging.getLogger(__name__)

app_name = "local"


def connect() -> None:
    object_created.connect(_notify, dispatch_uid="converter.events.local")


def _notify(bucket_name: str, key: str, stored: Stored, **kwargs: object) -> None:
    if bucket_name == storage.uploads.bucket_name and key.startswith("uploads/"):  # one bucket may hold both
        owner = key.split("/")[1]
        dispatch.ask("converter.events.s3.on_upload", s3_event(bucket_name, key, stored), owner)


def s3_event(bucket: str, key: str, stored: Stored) -> dict[str, Any]:
    """Return the event that S3 sends for a new object (version 2.1, only the fields we read)."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Post",
                "s3": {
                    "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
                    "object": {
                        "key": urllib.parse.quote_plus(key, safe="/"),
                        "size": stored.size,
                        "eTag": stored.etag,
                    },
                },
            }
        ]
    }


@csrf_exempt  # the signed policy authorizes the request, as on S3
@login_not_required
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Accept a posted file if its policy allows it."""
    bucket = _signed("uploads")
    try:
        policy = request.POST.get("policy", "")
    except TooManyFieldsSent:
        most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
        return answer(Message("bad_request", {"kind": "fields", "most": most}))
    except TooManyFilesSent:
        return answer(
            Message("bad_request", {"kind": "files", "most": settings.DATA_UPLOAD_MAX_NUMBER_FILES})
        )
    except (MultiPartParserError, UnreadablePostError) as exc:
        return answer(Message("bad_request", {"kind": "form", "reason": str(exc)}))
    try:
        # As on S3, the start of the request counts: sending the body may take longer than the form is valid.
        began = request.META.get("converter.request_began", time.time())
        key, most = bucket.read_policy(policy, began)
    except PermissionError as exc:
        if str(exc) == "expired":
            return answer(Message("form_expired"))
        return answer(Message("form_forged" if policy else "form_incomplete"))
    file = request.FILES.get("file")
    if key != request.POST.get("key") or not isinstance(file, UploadedFile):
        return answer(Message("form_incomplete"))
    if refusal := _refusal(file, key, most):
        return answer(refusal)
    try:
        stored = storage.uploads.put(key, file, filename="", content_type="application/octet-stream")
    except StorageFault:
        return answer(Message("storage_full"))
    try:
        # At once, so that nobody sees "waiting for upload" until a worker repeats this.
        jobs.receive(key, stored)
    except (DatabaseError, StorageFault):
        logger.warning("Could not record an upload yet; its event will do it", exc_info=True)
    return HttpResponse(status=201)


@login_not_required
@require_safe
def download(request: HttpRequest, token: str, filename: str) -> HttpResponseBase:
    """Serve a signed link, always as an attachment with a fixed type: nothing may run in our origin."""
    try:
        # The file name in the URL is ignored: whoever passes the link on could change it.
        link = _signed("results").read_link(token)
        if _is_withheld(request, link.key):
            return answer(Message("forbidden"))
        file, stored = _signed(link.key.partition("/")[0]).open_object(link.key)
    except jobs.Gone as exc:
        return answer(exc.message)
    except PermissionError as exc:
        if str(exc) == "expired":
            return answer(Message("link_expired"))
        return answer(Message("not_found"))
    except FileNotFoundError:
        return answer(Message("expired", {"kind": "file"}))
    response = FileResponse(file, content_type=link.content_type)
    response["Content-Disposition"] = storage.attachment(link.name)
    response["Cache-Control"] = "private, max-age=300, immutable"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return ranged(request, response, file, stored)


def _is_withheld(request: HttpRequest, key: str) -> bool:
    """Return whether the file's owner is suspended. Raises Gone if it is not as it was stored, StorageFault."""
    try:
        if jobs.is_of_suspended(key) and not request.user.has_perm("converter.view_upload"):
            return True
        if "Range" not in request.headers:  # the check reads the whole file, too slow for each part
            jobs.check_result(key)
    except (OperationalError, InterfaceError):  # away; a link needs no database in the cloud either
        logger.warning("Could not check a download", exc_info=True)
    return False


def _refusal(file: UploadedFile, key: str, most: int) -> Message | None:
    """Return why a file with a valid form is refused, or None."""
    if not file.size:
        return Message("empty_file")
    if file.size > most:
        return Message("too_many_bytes", {"kind": "announced", "most": most})
    try:
        if jobs.is_of_suspended(key):
            return Message("forbidden")
        return Message("already_uploaded") if _is_other(file, key) else None
    except DatabaseError:
        return None  # noticed when the file is read


def _is_other(file: UploadedFile, key: str) -> bool:
    """Return whether the same form has already sent other bytes; sending the same file twice is fine."""
    known = jobs.received_etag(key)
    digest = hashlib.md5(usedforsecurity=False)
    if known:
        for chunk in file.chunks():
            digest.update(chunk)
        file.seek(0)
    return known not in ("", digest.hexdigest())


def _signed(bucket: str) -> SignedBucket:
    found = storages[bucket]
    if not isinstance(found, SignedBucket):
        raise Http404
    return found


urlpatterns = [
    path("uploads", upload, name="upload"),
    path("results/<str:token>/<path:filename>", download, name="download"),
]
