"""Every error code of the site, explained: what happened, and what to do about it; and how programs are told of it."""

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
        _("It has no bytes at all."),
        _("Look at the file on your device, then send it again."),
    ),
    "not_an_image": Explained(
        _("This is not an image"),
        _("We look at what is in a file, not at its name. This one holds something else."),
        _("Check that you chose the right file."),
    ),
    "unsupported_format": Explained(
        _("We do not read this format"),
        _(
            "The file is known to us, but its kind is not one we open: SVG, EPS, PDF, PSD and camera RAW are among them."
        ),
        _("Export it as JPEG, PNG or TIFF with the program that made it, and send that."),
    ),
    "unsupported_variant": Explained(
        _("We do not read this kind of the format"),
        _(
            "The file is whole and its format is one we open, but it stores its pixels in a way we do not read."
        ),
        _("Export it in the usual form, with 8 bits a channel in grey or RGB, and send that."),
    ),
    "truncated": Explained(
        _("The image is cut off"),
        _("The end of the file is missing, often because a copy or download broke off."),
        _("Copy or download the original again, and send that."),
    ),
    "corrupt": Explained(
        _("The image is damaged"),
        _("The file begins as an image, but its content cannot be decoded."),
        _("Open it in a viewer and save it anew, then send that."),
    ),
    "too_many_bytes": Explained(
        _("The file is too large"),
        _("It has more bytes than one file may have, or more than it was announced with."),
        _("Save it smaller, then send it again."),
    ),
    "too_many_pixels": Explained(
        _("The picture is too large"),
        _("It has, or the result would have, more pixels than we handle."),
        _("Make it smaller first, or ask for a smaller size."),
    ),
    "too_many_frames": Explained(
        _("Too many frames or pages"),
        _("The animation or document is longer than we handle."),
        _("Split it, and send the parts."),
    ),
    "engine_error": Explained(
        _("The image could not be converted"),
        _("Something went wrong on our side. It has been logged."),
        _("Choose another format, or try again later."),
    ),
    # The options.
    "invalid_recipe": Explained(
        _("These options make no sense together"),
        _("An option is unknown, out of its range, or contradicts another one."),
        _("Each problem names the option it is about. Change that one."),
    ),
    "cannot_produce": Explained(
        _("This result cannot be made"),
        _("The options and this image do not go together."),
        _("Choose another format or size for it."),
    ),
    "too_large_for_format": Explained(
        _("Too large for this format"),
        _("The format cannot hold pictures with sides that long."),
        _("Ask for a smaller size, or choose another format."),
    ),
    "target_unreachable": Explained(
        _("The target cannot be reached"),
        _("Even the smallest result is larger than was asked for."),
        _("Allow more bytes, or ask for a smaller size."),
    ),
    "no_watermark": Explained(
        _("The watermark picture is not here"),
        _("It was deleted, has expired or was never sent."),
        _("Choose the picture again."),
    ),
    # The work.
    "out_of_memory": Explained(
        _("The image needs too much memory"),
        _("Decoding it took more memory than one image may have."),
        _("Make it smaller first, or ask for a simpler result."),
    ),
    "timed_out": Explained(
        _("It took too long"),
        _("The conversion was ended when its time was up."),
        _("Ask for a smaller or simpler result."),
    ),
    "crashed": Explained(
        _("The decoder broke down"),
        _("The file made the program that reads it crash. Nothing else was harmed."),
        _("Save the image anew with another program, and send that."),
    ),
    "gave_up": Explained(
        _("We gave up"),
        _("The conversion broke off several times."),
        _("Try once more. If it fails again, save the image anew and send that."),
    ),
    "upload_timed_out": Explained(
        _("The file never came"), _("It was announced but not sent in time."), _("Send it again.")
    ),
    "queue_timed_out": Explained(
        _("No worker was free"), _("The job waited for too long."), _("Try again; nothing is lost.")
    ),
    "upload_replaced": Explained(
        _("The file was replaced"),
        _("Other bytes took the place of the file after it came."),
        _("Send the file again."),
    ),
    "no_upload": Explained(
        _("The file is no longer here"), _("It has expired or was deleted."), _("Send it again.")
    ),
    "no_result": Explained(
        _("There is no result yet"), _("The job is not finished."), _("Wait for it, or look at its page.")
    ),
    # What was sent.
    "no_files": Explained(_("No image"), _("Nothing was chosen."), _("Choose at least one image.")),
    "no_outputs": Explained(
        _("No output"), _("It was not said what to make."), _("Choose at least one output.")
    ),
    "too_many_files": Explained(
        _("Too many images at once"), _("A batch has a limit."), _("Send them in several batches.")
    ),
    "too_many_outputs": Explained(
        _("Too many outputs at once"), _("A batch has a limit."), _("Ask for fewer, or send a second batch.")
    ),
    "same_outputs": Explained(
        _("Two outputs are the same"), _("They would make the same file twice."), _("Change or remove one.")
    ),
    "invalid_submission": Explained(
        _("The batch makes no sense"),
        _("Something about the files or outputs is wrong."),
        _("See the marked places."),
    ),
    "already_uploaded": Explained(
        _("The file is already here"), _("It was sent before."), _("There is nothing to do.")
    ),
    "form_expired": Explained(
        _("The upload form has expired"),
        _("A form to send a file works for some minutes only."),
        _("Ask for a new one and send the file again."),
    ),
    "form_forged": Explained(
        _("This is not our upload form"), _("Its signature does not hold."), _("Ask for a new one.")
    ),
    "form_incomplete": Explained(
        _("The upload form is incomplete"),
        _("Its fields must come as they were given, and the file last."),
        _("Send all of them."),
    ),
    "storage_full": Explained(
        _("The file could not be stored"),
        _("The place where files are kept did not take it."),
        _("Try again in a while."),
    ),
    "link_expired": Explained(
        _("The link has expired"),
        _("Links to files work for some minutes only."),
        _("Open the page it came from again."),
    ),
    "expired": Explained(
        _("It has expired"),
        _("Images and results are deleted when their time is up. That they were there is all we still know."),
        _("Send the image again."),
    ),
    "refused": Explained(_("Refused"), _("This act is not possible."), _("The message says why.")),
    "conflict": Explained(
        _("Not possible in this state"),
        _("What was asked for makes no sense in the state that the job is in."),
        _("Look at its page for what is possible."),
    ),
    "quota_exceeded": Explained(
        _("That is more than you may send for now"),
        _("Every account has a limit on how much it sends or keeps in a while."),
        _("Delete what you no longer need, or go on when some time has passed."),
    ),
    "fetch_failed": Explained(
        _("The image could not be fetched"),
        _("Its address did not answer with a file, took too long, or is not in the public internet."),
        _("Open the address in a browser. If it shows the image there, save it and send the file."),
    ),
    "not_looked_into": Explained(
        _("Nobody has looked into the file yet"),
        _("What is in a file is known when a job of it is done."),
        _("Ask again in a moment."),
    ),
    "name_taken": Explained(
        _("The name is taken"), _("You have another one of this name."), _("Choose another name.")
    ),
    # The request.
    "bad_request": Explained(
        _("The request could not be understood"),
        _("Its form is not as it should be."),
        _("Compare it with the documentation."),
    ),
    "malformed_json": Explained(
        _("The body is not JSON"), _("It could not be read."), _("Check it with a JSON tool.")
    ),
    "unauthenticated": Explained(
        _("Who are you?"), _("This needs a login or a token."), _("Log in, or send your token.")
    ),
    "invalid_token": Explained(
        _("The token is not valid"),
        _("It is unknown, expired or revoked."),
        _("Make a new one in your account."),
    ),
    "forbidden": Explained(_("Not allowed"), _("You may not do this."), _("Ask whoever runs this site.")),
    "csrf_failed": Explained(
        _("The form could not be trusted"),
        _("It did not carry the sign that our own pages give it."),
        _("Load the page again, then send it."),
    ),
    "read_only_token": Explained(
        _("The token may only read"), _("This changes something."), _("Use a token that may write.")
    ),
    "not_found": Explained(
        _("Nothing here"),
        _("There is nothing under this address, or it is not yours."),
        _("Check the address."),
    ),
    "method_not_allowed": Explained(
        _("This method is not allowed here"), _("The address takes others."), _("See the header Allow.")
    ),
    "in_progress": Explained(
        _("The first request still runs"),
        _("A request with the same idempotency key is being answered."),
        _("Wait a moment, then send it again."),
    ),
    "key_reused": Explained(
        _("The idempotency key was used before"),
        _("It belongs to a request with other content."),
        _("Use a new key for a new request."),
    ),
    "not_in_time": Explained(
        _("Not to be had at once"),
        _(
            "The image takes longer, or its result is larger, than one answer can hold, and it was not to be kept."
        ),
        _("Ask for it to be kept, or submit a batch, and fetch the result when it is made."),
    ),
    "body_too_large": Explained(
        _("The body is too large"),
        _("Less fits into one request."),
        _("Send image bytes to the upload form."),
    ),
    "unsupported_media_type": Explained(
        _("The body is of the wrong type"), _("Another one is expected."), _("See the documentation.")
    ),
    "invalid_request": Explained(
        _("The request makes no sense"), _("A value is missing or wrong."), _("Each problem names the place.")
    ),
    "too_many_requests": Explained(
        _("Too many requests"),
        _("You have asked too often in a short time."),
        _("Wait, then go on more slowly."),
    ),
    "internal_error": Explained(
        _("Our mistake"), _("Something broke on our side and was logged."), _("Try again.")
    ),
    "unavailable": Explained(
        _("Not available at the moment"), _("A part of the site does not answer."), _("Try again in a while.")
    ),
}


def title(code: str) -> str:
    """Return what a code means, in English as all that programs read, and the same whatever the occasion."""
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
    """Return the problem details of RFC 9457; what is special to the occasion stands in the detail."""
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
