"""Every error code, with what happened and what to do, and the JSON response for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import JsonResponse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Explained:
    title: str | Promise
    what: str | Promise
    advice: str | Promise


PROBLEMS: Mapping[str, Explained] = {
    # The image.
    "empty_file": Explained(
        _("The file is empty"),
        _("The file contains no data."),
        _("Check the file on your device, then upload it again."),
    ),
    "not_an_image": Explained(
        _("Not an image"),
        _("We check the content of a file, not its name. This file is not an image."),
        _("Check that you chose the right file."),
    ),
    "unsupported_format": Explained(
        _("Unsupported format"),
        _(
            "We recognise this kind of file but can't read it. This includes SVG, EPS, PDF, PSD and camera RAW."
        ),
        _("Export it as JPEG, PNG or TIFF in the app that created it, then upload that."),
    ),
    "unsupported_variant": Explained(
        _("Unsupported variant of this format"),
        _("The file is intact and its format is supported, but it stores its pixels in a way we can't read."),
        _("Export it as 8-bit greyscale or RGB, then upload that."),
    ),
    "truncated": Explained(
        _("The file is incomplete"),
        _("The end of the file is missing, often because a copy or download was interrupted."),
        _("Copy or download the original again, then upload it."),
    ),
    "corrupt": Explained(
        _("The image is damaged"),
        _("The file starts like an image, but its content can't be decoded."),
        _("Open it in an image viewer, re-save it and upload the new file."),
    ),
    "too_many_bytes": Explained(
        _("The file is too large"),
        _("The file is larger than the limit, or larger than the size given when the upload was created."),
        _("Make the file smaller, then upload it again."),
    ),
    "too_many_pixels": Explained(
        _("Too many pixels"),
        _("The image, or the result, has more pixels than the limit."),
        _("Reduce the image first, or choose a smaller size."),
    ),
    "too_many_frames": Explained(
        _("Too many frames or pages"),
        _("The animation or document is longer than the limit."),
        _("Split it and upload the parts."),
    ),
    "engine_error": Explained(
        _("Conversion failed"),
        _("Something went wrong on our side. It has been logged."),
        _("Choose another format, or try again later."),
    ),
    # The options.
    "invalid_recipe": Explained(
        _("Invalid options"),
        _("An option is unknown, out of range or conflicts with another one."),
        _("Each error names the option to change."),
    ),
    "cannot_produce": Explained(
        _("This result is not possible"),
        _("These options don't work with this image."),
        _("Choose another format or size."),
    ),
    "too_large_for_format": Explained(
        _("Too large for this format"),
        _("This format does not support images with such long sides."),
        _("Choose a smaller size or another format."),
    ),
    "target_unreachable": Explained(
        _("Target size not reachable"),
        _("Even the smallest result is larger than the target."),
        _("Allow a larger file, or choose smaller dimensions."),
    ),
    "no_watermark": Explained(
        _("Your logo has expired"),
        _("It has expired, was deleted or was never uploaded."),
        _("Choose it again."),
    ),
    # The work.
    "out_of_memory": Explained(
        _("Out of memory"),
        _("Converting this image needs more memory than the limit."),
        _("Reduce the image first, or choose simpler settings."),
    ),
    "timed_out": Explained(
        _("It took too long"),
        _("The conversion reached the time limit and was stopped."),
        _("Choose a smaller size or simpler settings."),
    ),
    "crashed": Explained(
        _("The decoder crashed"),
        _("The file crashed the program that reads it. Your other images are not affected."),
        _("Re-save the image in another app, then upload that."),
    ),
    "gave_up": Explained(
        _("Too many failed attempts"),
        _("The conversion was interrupted several times."),
        _("Retry. If it fails again, re-save the image and upload that."),
    ),
    "upload_timed_out": Explained(
        _("The upload never arrived"), _("The file was not uploaded in time."), _("Upload it again.")
    ),
    "queue_timed_out": Explained(
        _("The queue was full"), _("The job waited too long."), _("Retry. Nothing is lost.")
    ),
    "upload_replaced": Explained(
        _("The file was replaced"),
        _("The file changed after it was uploaded."),
        _("Upload the file again."),
    ),
    "no_upload": Explained(
        _("The file is no longer available"), _("It has expired or was deleted."), _("Upload it again.")
    ),
    "no_result": Explained(
        _("No result yet"), _("The job is not finished."), _("Wait, or check the job's page.")
    ),
    # What was sent.
    "no_files": Explained(_("No image"), _("You didn't choose an image."), _("Choose at least one image.")),
    "no_outputs": Explained(
        _("No output"), _("You didn't choose an output."), _("Choose at least one output.")
    ),
    "too_many_files": Explained(
        _("Too many images"), _("The batch is over the limit."), _("Split them into several batches.")
    ),
    "too_many_outputs": Explained(
        _("Too many outputs"), _("The batch is over the limit."), _("Choose fewer, or start a second batch.")
    ),
    "same_outputs": Explained(
        _("Two outputs are the same"), _("They would create the same file twice."), _("Change or remove one.")
    ),
    "invalid_submission": Explained(
        _("Invalid batch"),
        _("Something is wrong with the files or outputs."),
        _("Fix the highlighted fields."),
    ),
    "already_uploaded": Explained(
        _("Already uploaded"), _("This file was uploaded before."), _("Nothing to do.")
    ),
    "form_expired": Explained(
        _("The upload form has expired"),
        _("An upload form is valid for a few minutes."),
        _("Request a new one and upload the file again."),
    ),
    "form_forged": Explained(
        _("Invalid upload form"), _("Its signature is not valid."), _("Request a new one.")
    ),
    "form_incomplete": Explained(
        _("Incomplete upload form"),
        _("Send all fields unchanged, with the file as the last one."),
        _("Check the fields and upload again."),
    ),
    "storage_full": Explained(
        _("The file could not be stored"),
        _("The storage did not accept the file."),
        _("Try again later."),
    ),
    "link_expired": Explained(
        _("The link has expired"),
        _("Links to files are valid for a few minutes."),
        _("Reload the page it came from."),
    ),
    "expired": Explained(
        _("Expired"),
        _("Images and results are deleted after a set time."),
        _("Upload the image again."),
    ),
    "refused": Explained(_("Refused"), _("This is not possible."), _("See the message for the reason.")),
    "conflict": Explained(
        _("Not possible in this state"),
        _("The job's status doesn't allow this."),
        _("Check the job's page."),
    ),
    "quota_exceeded": Explained(
        _("Quota exceeded"),
        _("Each account has limits on jobs per day and storage."),
        _("Delete files you no longer need, or try again later."),
    ),
    "fetch_failed": Explained(
        _("The image could not be fetched"),
        _("The URL did not return a file, took too long or is not on the public internet."),
        _("Open the URL in a browser. If the image appears, save it and upload the file."),
    ),
    "not_looked_into": Explained(
        _("Not analysed yet"),
        _("Details of a file are available once one of its jobs is finished."),
        _("Try again in a moment."),
    ),
    "name_taken": Explained(
        _("The name is taken"), _("You already have one with this name."), _("Choose another name.")
    ),
    # The request.
    "bad_request": Explained(
        _("Bad request"),
        _("The request is malformed."),
        _("Check it against the documentation."),
    ),
    "malformed_json": Explained(
        _("Invalid JSON"), _("The body could not be parsed."), _("Check it with a JSON validator.")
    ),
    "unauthenticated": Explained(
        _("Not signed in"), _("This requires a login or an API token."), _("Log in, or send your token.")
    ),
    "invalid_token": Explained(
        _("Invalid token"),
        _("The token is unknown, expired or revoked."),
        _("Create a new one in your account."),
    ),
    "forbidden": Explained(
        _("Not allowed"), _("You don't have permission to do this."), _("Contact the site's operator.")
    ),
    "csrf_failed": Explained(
        _("This page has expired"),
        _("The form's security token is missing or expired."),
        _("Reload the page and try again."),
    ),
    "read_only_token": Explained(
        _("Read-only token"),
        _("This request needs write access."),
        _("Use a token with read and write access."),
    ),
    "not_found": Explained(
        _("Not found"),
        _("Nothing exists at this address, or it isn't yours."),
        _("Check the address."),
    ),
    "method_not_allowed": Explained(
        _("Method not allowed"), _("This address accepts other methods."), _("See the Allow header.")
    ),
    "in_progress": Explained(
        _("Request in progress"),
        _("A request with the same idempotency key is still being processed."),
        _("Wait a moment, then try again."),
    ),
    "key_reused": Explained(
        _("Idempotency key already used"),
        _("It belongs to a different request."),
        _("Use a new key for a new request."),
    ),
    "not_in_time": Explained(
        _("Not finished in time"),
        _("The conversion takes too long, or the result is too large, for a single response."),
        _("Set keep to true, or create a batch, and download the result later."),
    ),
    "body_too_large": Explained(
        _("Request body too large"),
        _("The request body is over the limit."),
        _("Send images through an upload form."),
    ),
    "unsupported_media_type": Explained(
        _("Unsupported media type"), _("The Content-Type is not supported here."), _("See the documentation.")
    ),
    "invalid_request": Explained(
        _("Invalid request"), _("A value is missing or wrong."), _("Each error names its field.")
    ),
    "too_many_requests": Explained(
        _("Too many requests"),
        _("You've sent too many requests in a short time."),
        _("Wait, then try again."),
    ),
    "internal_error": Explained(
        _("Something went wrong"), _("This is our fault, and it has been logged."), _("Try again.")
    ),
    "unavailable": Explained(
        _("Temporarily unavailable"), _("Part of the site is not responding."), _("Try again later.")
    ),
}


def title(code: str) -> str:
    """Return the title of a code in English: it is always the same for the same code."""
    with translation.override("en"):
        return str(PROBLEMS[code].title)


def answer(
    code: str,
    status: int,
    detail: str,
    *,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> JsonResponse:
    """Return the problem details of RFC 9457; the specific cause is in the detail."""
    body: dict[str, Any] = {
        "type": f"/problems/{code}/",
        "title": title(code),
        "status": status,
        "detail": detail,
        "code": code,
    }
    if errors:
        body["errors"] = list(errors)
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=dict(headers or {}))
