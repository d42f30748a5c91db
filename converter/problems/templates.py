"""Messages for errors of API requests, upload forms and links."""

from __future__ import annotations

from converter.engine.messages import gettext_noop as _

TEMPLATES = {
    "bad_request": _("Check the address, the headers and the body."),
    "bad_request.form": _("The form could not be read: {reason}"),
    "bad_request.fields": _("A request can have at most {most:,} parameters or form fields."),
    "bad_request.files": _("A form can have at most {most:,} files."),
    "malformed_json": _(
        "The body is not JSON, contains a name twice, is nested too deeply, or contains text that cannot be stored: "
        "NUL, or half of a surrogate pair."
    ),
    "each_needs_batch": _(
        "This request returns a single file. Create a batch to get each page as its own file."
    ),
    "unauthenticated": _("Send a token as “Authorization: Bearer …”, or log in."),
    "invalid_token": _("The token is unknown, expired or revoked. Create a new one."),
    "forbidden": _("You don't have permission to do this."),
    "csrf_failed": _("Send the page's CSRF token in the X-CSRFToken header, or use a bearer token."),
    "read_only_token": _("This token is read-only. Create one that can write."),
    "not_found": _("Nothing exists at this address, or it isn't yours."),
    "not_found.batch": _("You have no batch with this id."),
    "not_found.delivery": _("This webhook has no delivery with this id."),
    "not_found.job": _("You have no job with this id."),
    "not_found.recipe": _("You have no recipe with this id."),
    "not_found.share": _("You have no shared link with this id."),
    "not_found.upload": _("You have no upload with this id."),
    "not_found.webhook": _("You have no webhook with this id."),
    "method_not_allowed": _("See the Allow header for the methods this address accepts."),
    "conflict": _("This is not possible right now."),
    "name_taken": _("You already have a recipe named “{name}”."),
    "not_looked_into": _("This image has not been analysed yet. Try again when one of its jobs is done."),
    "key_reused": _("This Idempotency-Key was already used for another request. Use a new one."),
    "expired": _("This has expired and was deleted."),
    "body_too_large": _("The request body is too large. Upload images with an upload form."),
    "body_too_large.one_shot": _(
        "An image sent this way can be at most {most:,} bytes. Create a batch instead."
    ),
    "address_too_long": _("This address is too long."),
    "headers_too_large": _("The headers of the request are too large. Send fewer or smaller headers."),
    "unknown_transfer_coding": _("The only Transfer-Encoding understood here is chunked."),
    "unsupported_media_type": _("See the documentation for the type this request takes."),
    "unsupported_media_type.expected": _("Send the body as {type}."),
    "unsupported_media_type.encoding": _("Send the body uncompressed, without Content-Encoding."),
    "not_in_time": _(
        "The conversion takes too long or the result is too large for one response. Set keep to true."
    ),
    "too_many_requests": _("You have sent too many requests. Try again in a moment."),
    "too_many_requests.allowance": _(
        "You may send {requests} requests per minute. Try again in {seconds} seconds."
    ),
    "too_many_requests.webhook": _("Wait {seconds} seconds before you send another event."),
    "too_many_requests.attempts": _("Too many unknown tokens were sent. Try again in {seconds} seconds."),
    "internal_error": _("Something went wrong on our side and was logged. Try again."),
    "unavailable": _("Part of the site is not responding. Try again in a moment."),
    "unavailable.busy": _("Too many requests are waiting. Try again in a moment."),
    # Errors in single fields of a request.
    "invalid_request": _("Something in the request is missing or wrong."),
    "invalid_request.problems": _("{problems}"),
    "invalid_value": _("{place}: {reason}."),
    "field_unknown": _("There is no field “{name}”."),
    "parameter_unknown": _("There is no parameter “{name}” here."),
    "parameter_unknown.similar": _("There is no parameter “{name}” here. Did you mean “{similar}”?"),
    "field_repeated": _("Send “{name}” only once."),
    "file_or_upload": _("Send either a file, with its name in UTF-8, or an upload id."),
    "one_source": _("Give exactly one of url, upload and file."),
    "job_or_batch": _("Give either a job or a batch."),
    "cursor_invalid": _("This cursor is not valid. Leave it out to start from the beginning."),
    "job_not_in_batch": _("This batch has no job with this id."),
    "recipe_not_found": _("You have no recipe with this id."),
    "recipe_not_json": _(
        "The recipe is not JSON, contains a name twice, is nested too deeply, or contains text that cannot be stored: "
        "NUL, or half of a surrogate pair."
    ),
    "retention_too_long": _("Files can be kept for at most {hours} hours."),
    "upload_not_found": _("You have no upload with this id."),
    "upload_repeated": _("This upload is in the list twice."),
    "import_disabled.guest": _("Log in to add images by URL, or upload the file instead."),
    "import_disabled": _("Import by URL is turned off on this site. Upload the file instead."),
    # Upload forms and links.
    "form_expired": _("This upload form has expired. Request a new one."),
    "form_forged": _("This upload form was not created by this site."),
    "form_incomplete": _(
        "Send the form's fields unchanged, then the file as “file”, with its name in UTF-8."
    ),
    "too_many_bytes.announced": _("This file is larger than the {most:,} bytes given for it."),
    "storage_full.uploads": _("Too many uploads are in progress. Try again in a few minutes."),
    "storage_full": _("The file could not be stored. Free some space and try again."),
    "link_expired": _("This link has expired. Go back to the page it came from."),
    "expired.file": _("This file has expired and was deleted."),
}
