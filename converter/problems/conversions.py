"""Error codes of images, options and conversions."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from .info import ErrorInfo

CONVERSIONS: Mapping[str, ErrorInfo] = {
    # The image.
    "empty_file": ErrorInfo(
        _("The file is empty"),
        _("The file contains no data."),
        _("Check the file on your device, then upload it again."),
        status=422,
    ),
    "not_an_image": ErrorInfo(
        _("Not an image"),
        _("We check the content of a file, not its name. This file is not an image."),
        _("Check that you chose the right file."),
        status=422,
    ),
    "unsupported_format": ErrorInfo(
        _("Unsupported format"),
        _(
            "We recognise this kind of file but can't read it. This includes SVG, EPS, PDF, PSD and camera RAW."
        ),
        _("Export it as JPEG, PNG or TIFF in the app that created it, then upload that."),
        status=422,
    ),
    "unsupported_variant": ErrorInfo(
        _("Unsupported variant of this format"),
        _("The file is intact and its format is supported, but it stores its pixels in a way we can't read."),
        _("Export it as 8-bit greyscale or RGB, then upload that."),
        status=422,
    ),
    "truncated": ErrorInfo(
        _("The file is incomplete"),
        _("The end of the file is missing, often because a copy or download was interrupted."),
        _("Copy or download the original again, then upload it."),
        status=422,
    ),
    "corrupt": ErrorInfo(
        _("The image is damaged"),
        _("The file starts like an image, but its content can't be decoded."),
        _("Open it in an image viewer, re-save it and upload the new file."),
        status=422,
    ),
    "too_many_bytes": ErrorInfo(
        _("The file is too large"),
        _("The file is larger than the limit, or larger than the size given when the upload was created."),
        _("Make the file smaller, then upload it again."),
        status=422,
    ),
    "too_many_pixels": ErrorInfo(
        _("Too many pixels"),
        _("The image, or the result, has more pixels than the limit."),
        _("Reduce the image first, or choose a smaller size."),
        status=422,
    ),
    "too_many_frames": ErrorInfo(
        _("Too many frames or pages"),
        _("The animation or document is longer than the limit."),
        _("Split it and upload the parts."),
        status=422,
    ),
    "engine_error": ErrorInfo(
        _("Conversion failed"),
        _("Something went wrong on our side. It has been logged."),
        _("Choose another format, or try again later."),
        status=500,
    ),
    # The options.
    "invalid_recipe": ErrorInfo(
        _("Invalid options"),
        _("An option is unknown, out of range or conflicts with another one."),
        _("Each error names the option to change."),
        status=422,
    ),
    "cannot_produce": ErrorInfo(
        _("This result is not possible"),
        _("These options don't work with this image."),
        _("Choose another format or size."),
        status=422,
    ),
    "too_large_for_format": ErrorInfo(
        _("Too large for this format"),
        _("This format does not support images with such long sides."),
        _("Choose a smaller size or another format."),
        status=422,
    ),
    "target_unreachable": ErrorInfo(
        _("Target size not reachable"),
        _("Even the smallest result is larger than the target."),
        _("Allow a larger file, or choose smaller dimensions."),
        status=422,
    ),
    "no_such_page": ErrorInfo(
        _("No such page"),
        _("The file has none of these pages or frames."),
        _("Choose pages that the file has."),
        status=422,
    ),
    "no_watermark": ErrorInfo(
        _("Your logo has expired"),
        _("It has expired, was deleted or was never uploaded."),
        _("Choose it again."),
        status=422,
    ),
    # The conversion.
    "out_of_memory": ErrorInfo(
        _("Out of memory"),
        _("Converting this image needs more memory than the limit."),
        _("Reduce the image first, or choose simpler settings."),
        status=422,
    ),
    "timed_out": ErrorInfo(
        _("It took too long"),
        _("The conversion reached the time limit and was stopped."),
        _("Choose a smaller size or simpler settings."),
        status=422,
    ),
    "crashed": ErrorInfo(
        _("The decoder crashed"),
        _("The file crashed the program that reads it. Your other images are not affected."),
        _("Re-save the image in another app, then upload that."),
        status=422,
    ),
    "gave_up": ErrorInfo(
        _("Too many failed attempts"),
        _("The conversion was interrupted several times."),
        _("Retry. If it fails again, re-save the image and upload that."),
        status=422,
    ),
    "bad_image": ErrorInfo(
        _("An image could not be added"),
        _("A document needs all of its images, and one of them could not be read or converted."),
        _("Leave that image out, or replace it, and convert the others again."),
        status=422,
    ),
    "upload_timed_out": ErrorInfo(
        _("The upload never arrived"),
        _("The file was not uploaded in time."),
        _("Upload it again."),
        status=422,
    ),
    "queue_timed_out": ErrorInfo(
        _("The queue was full"), _("The job waited too long."), _("Retry. Nothing is lost."), status=503
    ),
    "no_room": ErrorInfo(
        _("No space left"),
        _("The storage is full, so the result could not be saved."),
        _("Try again later, or delete files you no longer need."),
        status=507,
    ),
    "not_made": ErrorInfo(
        _("It could not be created"),
        _("Creating the ZIP or preview failed several times."),
        _("Try again in a minute. You can still download each result."),
        status=503,
    ),
    "result_missing": ErrorInfo(
        _("The result is missing"),
        _("The file is missing from storage or was damaged there."),
        _("Convert the image again."),
        status=410,
    ),
    "upload_replaced": ErrorInfo(
        _("The file was replaced"),
        _("The file changed after it was uploaded."),
        _("Upload the file again."),
        status=409,
    ),
    "no_upload": ErrorInfo(
        _("The file is no longer available"),
        _("It has expired or was deleted."),
        _("Upload it again."),
        status=410,
    ),
    "no_result": ErrorInfo(
        _("No result yet"), _("The job is not finished."), _("Wait, or check the job's page."), status=409
    ),
}
