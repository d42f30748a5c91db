"""Messages for actions that are not possible and jobs that failed."""

from __future__ import annotations

from converter.engine.messages import gettext_noop as _

TEMPLATES = {
    # Invalid submissions.
    "invalid_submission": _("{problems}"),
    "no_files": _("Choose at least one image."),
    "no_outputs": _("Choose at least one output."),
    "too_many_files": _("A batch can have at most {most} images; this one has {count}. Split it."),
    "invalid_submission.join_outputs": _("A document has a single output. Leave out the others."),
    "invalid_submission.join_format": _("Images can only be joined into PDF. Leave out format, or use pdf."),
    "invalid_submission.join_each": _("A document is one file. Keep all pages, or do not join."),
    "too_many_outputs": _("A batch can have at most {most} outputs."),
    "format_disabled": _("This site does not make {format}."),
    "same_outputs": _("Two of the outputs are the same."),
    "bad_name_pattern.part": _("Unknown part {part}. Use {parts}."),
    "bad_name_pattern.letter": _("File names cannot contain slashes or single braces."),
    "bad_name_pattern.same": _(
        "Use the name or the number of the image, or all files would have the same name."
    ),
    "empty_file.named": _("{name} is empty."),
    "empty_file.fetched": _("This URL returned an empty file."),
    "too_many_bytes.named": _("{name} is larger than {most:B}, the limit for one file."),
    "too_many_bytes.logo": _("A logo saved with a recipe can be at most {most:B}."),
    "no_upload": _("The uploaded file is no longer available. Upload it again."),
    "no_upload.named": _("{name} is no longer available. Upload it again."),
    "no_upload.retry": _(
        "The uploaded file is no longer available, so there is nothing to retry. Upload it again."
    ),
    "no_watermark": _("The watermark image is no longer available. Choose it again."),
    "no_watermark.logo": _("Your logo has expired. Choose it again."),
    "no_watermark.not_sent": _("The watermark image was not found. Upload it first, then use its upload id."),
    "already_uploaded": _("This file has already been uploaded."),
    "already_uploaded.fetched": _("This file is fetched from its URL, so it cannot be uploaded."),
    "quota_exceeded.conversions": _(
        "You can make {most} conversions in 24 hours. You have made {today}, and this batch needs {count} more. "
        "Try again later, or convert fewer."
    ),
    "quota_exceeded.guest": _(
        "Without an account you can convert {most} images an hour. "
        "Sign up to convert more now, or try again in {minutes} min."
    ),
    "quota_exceeded.announced": _(
        "You have uploaded {most} images within an hour that are in no batch. Convert or delete some first."
    ),
    "quota_exceeded.bytes": _(
        "Your files would need more than your {most:B} of storage. "
        "Delete a batch you no longer need, or wait until one expires."
    ),
    "quota_exceeded.bytes_at_once": _(
        "These files need more than your {most:B} of storage. Convert fewer at once, or make them smaller."
    ),
    "quota_exceeded.bytes_unused": _(
        "Your files would need more than your {most:B} of storage. Images you uploaded but did not convert "
        "take up part of it until they are deleted automatically. Choose fewer images, or try again later."
    ),
    "quota_exceeded.bytes_logos": _(
        "Your files would need more than your {most:B} of storage. "
        "Delete a recipe with a logo, or choose fewer images."
    ),
    "quota_exceeded.bytes_guest": _(
        "Visitors without an account share {most:B} of storage on your network, and it is almost full. "
        "Sign up for storage of your own, or try again later."
    ),
    # Failed jobs.
    "bad_image": _("{name}: {reason}"),
    "upload_timed_out": _("The file never arrived. Upload it again."),
    "upload_timed_out.joined": _("{name} never arrived. Upload it again."),
    "upload_timed_out.fetched": _("The file could not be fetched in time. Try again."),
    "upload_replaced": _("The file was replaced after it was uploaded. Upload it again."),
    "queue_timed_out": _("The queue was full for too long. Try again."),
    "gave_up": _(
        "The conversion was interrupted {attempts} times. The image may be damaged: "
        "retry, or re-save it in another program."
    ),
    "no_room": _("The storage is full. Try again when there is space."),
    # Renditions and results that cannot be served.
    "not_made": _("This failed three times. Try again in a minute."),
    "result_missing": _("This result is missing from storage. Convert the image again."),
    "result_missing.damaged": _("This result was damaged in storage. Convert the image again."),
    # Not possible in this state.
    "conflict.cancel": _("Only an unfinished job can be cancelled; this one is {state:word}."),
    "conflict.cancel_batch": _("All jobs of this batch are done, so none can be cancelled."),
    "conflict.delete_upload": _("This upload belongs to a batch. Delete the batch instead."),
    "conflict.retry": _("Only a failed or cancelled job can be retried; this one is {state:word}."),
    "conflict.retry_in_vain": _("It would fail again."),
    "conflict.retry_batch": _("No job of this batch can be retried."),
    "conflict.shares": _("A batch can have at most {most} shared links. Revoke one you no longer need."),
    "no_result": _("This job has no result: it is {state:word}."),
    "no_result.batch": _("No result is finished yet."),
    "no_result.chosen": _("Choose at least one finished result."),
    "expired.batch": _("This batch has expired and its results were deleted."),
    "expired.image": _("This image has expired and was deleted."),
    "expired.result": _("This result has expired and was deleted."),
    "expired.results": _("These results have expired and were deleted."),
    "expired.share": _("This link no longer works. Ask the person who sent it for a new one."),
    "expired.upload": _("This upload has expired. Submit the file again."),
    # The states of a job, inside a sentence.
    "word.awaiting_upload": _("waiting for its upload"),
    "word.queued": _("in the queue"),
    "word.processing": _("being converted"),
    "word.finished": _("finished"),
    "word.failed": _("failed"),
    "word.cancelled": _("cancelled"),
    "word.expired": _("expired"),
}
