"""Error codes of requests and their contents."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from .info import ErrorInfo

REQUESTS: Mapping[str, ErrorInfo] = {
    # The content.
    "no_files": ErrorInfo(
        _("No image"), _("You didn't choose an image."), _("Choose at least one image."), status=422
    ),
    "no_outputs": ErrorInfo(
        _("No output"), _("You didn't choose an output."), _("Choose at least one output."), status=422
    ),
    "too_many_files": ErrorInfo(
        _("Too many images"),
        _("The batch is over the limit."),
        _("Split them into several batches."),
        status=422,
    ),
    "too_many_outputs": ErrorInfo(
        _("Too many outputs"),
        _("The batch is over the limit."),
        _("Choose fewer, or start a second batch."),
        status=422,
    ),
    "format_disabled": ErrorInfo(
        _("Format turned off"),
        _("The site's operator has turned off this output format."),
        _("Choose another format."),
        status=422,
    ),
    "same_outputs": ErrorInfo(
        _("Two outputs are the same"),
        _("They would create the same file twice."),
        _("Change or remove one."),
        status=422,
    ),
    "bad_name_pattern": ErrorInfo(
        _("File names can't be made from this"),
        _("The pattern for file names has a part we don't know, or would give all files the same name."),
        _("Use these parts, in braces: name, width, height, format, ext, number, page, date."),
        status=422,
    ),
    "invalid_submission": ErrorInfo(
        _("Invalid batch"),
        _("Something is wrong with the files or outputs."),
        _("Fix the highlighted fields."),
        status=422,
    ),
    "already_uploaded": ErrorInfo(
        _("Already uploaded"), _("This file was uploaded before."), _("Nothing to do."), status=409
    ),
    "form_expired": ErrorInfo(
        _("The upload form has expired"),
        _("An upload form is valid for a few minutes."),
        _("Request a new one and upload the file again."),
        status=403,
    ),
    "form_forged": ErrorInfo(
        _("Invalid upload form"), _("Its signature is not valid."), _("Request a new one."), status=403
    ),
    "form_incomplete": ErrorInfo(
        _("Incomplete upload form"),
        _("Send all fields unchanged, with the file as the last one."),
        _("Check the fields and upload again."),
        status=400,
    ),
    "storage_full": ErrorInfo(
        _("The file could not be stored"),
        _("The storage did not accept the file."),
        _("Try again later."),
        status=507,
    ),
    "link_expired": ErrorInfo(
        _("The link has expired"),
        _("Links to files are valid for a few minutes."),
        _("Reload the page it came from."),
        status=410,
    ),
    "expired": ErrorInfo(
        _("Expired"),
        _("Images and results are deleted after a set time."),
        _("Upload the image again."),
        status=410,
    ),
    "conflict": ErrorInfo(
        _("Not possible in this state"),
        _("The job's status doesn't allow this."),
        _("Check the job's page."),
        status=409,
    ),
    "quota_exceeded": ErrorInfo(
        _("Quota exceeded"),
        _("Each account has limits on jobs per day and storage."),
        _("Delete files you no longer need, or try again later."),
        status=429,
    ),
    "fetch_failed": ErrorInfo(
        _("The image could not be fetched"),
        _("The URL did not return a file, took too long or is not on the public internet."),
        _("Open the URL in a browser. If the image appears, save it and upload the file."),
        status=422,
    ),
    "not_looked_into": ErrorInfo(
        _("Not analysed yet"),
        _("Details of a file are available once one of its jobs is finished."),
        _("Try again in a moment."),
        status=409,
    ),
    "name_taken": ErrorInfo(
        _("The name is taken"),
        _("You already have one with this name."),
        _("Choose another name."),
        status=409,
    ),
    # The request.
    "bad_request": ErrorInfo(
        _("Bad request"), _("The request is malformed."), _("Check it against the documentation."), status=400
    ),
    "malformed_json": ErrorInfo(
        _("Invalid JSON"),
        _("The body could not be parsed."),
        _("Check it with a JSON validator."),
        status=400,
    ),
    "unauthenticated": ErrorInfo(
        _("Not signed in"),
        _("This requires a login or an API token."),
        _("Log in, or send your token."),
        status=401,
    ),
    "invalid_token": ErrorInfo(
        _("Invalid token"),
        _("The token is unknown, expired or revoked."),
        _("Create a new one in your account."),
        status=401,
    ),
    "forbidden": ErrorInfo(
        _("Not allowed"),
        _("You don't have permission to do this."),
        _("Contact the site's operator."),
        status=403,
    ),
    "csrf_failed": ErrorInfo(
        _("This page has expired"),
        _("The form's security token is missing or expired."),
        _("Reload the page and try again."),
        status=403,
    ),
    "read_only_token": ErrorInfo(
        _("Read-only token"),
        _("This request needs write access."),
        _("Use a token with read and write access."),
        status=403,
    ),
    "not_found": ErrorInfo(
        _("Not found"),
        _("Nothing exists at this address, or it isn't yours."),
        _("Check the address."),
        status=404,
    ),
    "method_not_allowed": ErrorInfo(
        _("Method not allowed"),
        _("This address accepts other methods."),
        _("See the Allow header."),
        status=405,
    ),
    "key_reused": ErrorInfo(
        _("Idempotency key already used"),
        _("It belongs to a different request."),
        _("Use a new key for a new request."),
        status=422,
    ),
    "not_in_time": ErrorInfo(
        _("Not finished in time"),
        _("The conversion takes too long, or the result is too large, for a single response."),
        _("Set keep to true, or create a batch, and download the result later."),
        status=422,
    ),
    "body_too_large": ErrorInfo(
        _("Request body too large"),
        _("The request body is over the limit."),
        _("Send images through an upload form."),
        status=413,
    ),
    "address_too_long": ErrorInfo(
        _("Address too long"),
        _("The address, with its parameters, is over the limit."),
        _("Send long values in the body, or fewer values at once."),
        status=414,
    ),
    "headers_too_large": ErrorInfo(
        _("Headers too large"),
        _("The headers of the request are over the limit."),
        _("Send fewer or smaller headers and cookies."),
        status=431,
    ),
    "unknown_transfer_coding": ErrorInfo(
        _("Unknown transfer coding"),
        _("The body was sent with a transfer coding that the server does not know."),
        _("Send the body as it is, or in chunks."),
        status=501,
    ),
    "unsupported_media_type": ErrorInfo(
        _("Unsupported media type"),
        _("The Content-Type is not supported here."),
        _("See the documentation."),
        status=415,
    ),
    "invalid_request": ErrorInfo(
        _("Invalid request"), _("A value is missing or wrong."), _("Each error names its field."), status=422
    ),
    "too_many_requests": ErrorInfo(
        _("Too many requests"),
        _("You've sent too many requests in a short time."),
        _("Wait, then try again."),
        status=429,
    ),
    "internal_error": ErrorInfo(
        _("Something went wrong"),
        _("This is our fault, and it has been logged."),
        _("Try again."),
        status=500,
    ),
    "unavailable": ErrorInfo(
        _("Temporarily unavailable"),
        _("Part of the site is not responding."),
        _("Try again later."),
        status=503,
    ),
}
