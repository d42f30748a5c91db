"""Message templates of the engine, by code: errors, recipe problems, notes, warnings, reasons, recipes."""

from __future__ import annotations

from .messages import gettext_noop as _
from .unread import UNREAD

ERRORS = {
    "engine_error": _("This image could not be converted. This is our fault, and it has been logged."),
    "engine_error.encoder": _(
        "This {format} could not be written. This is our fault, and it has been logged. Another format may work."
    ),
    "invalid_recipe": _("{problems}"),
    # The file.
    "empty_file": _("This file is empty. The upload may have been interrupted: upload it again."),
    "not_an_image": _("This is not an image in a format we know. Upload one of these: {formats}."),
    **UNREAD,
    "truncated": _("The end of this file is missing. Copy or download the original again, then upload it."),
    "corrupt": _("This file is damaged and cannot be read. Re-save it in another program, then try again."),
    "corrupt.icon": _("This icon contains no image. Export it again."),
    # Limits.
    "too_many_bytes": _("This file is {size:B}; the limit is {most:B}. Upload a smaller file."),
    "too_many_bytes.document": _(
        "Together, these images are larger than {most:B}, the limit for one document. Use fewer images."
    ),
    "too_many_frames": _("This file has more than {most} frames or pages, the limit. Split it first."),
    "too_many_frames.document": _(
        "The document would have more than {most} pages, the limit. Use fewer images."
    ),
    "too_many_frames.results": _(
        "With each page as its own file, this batch would have more than {most} results, the limit. Select fewer pages."
    ),
    "too_many_pixels": _("This image has more pixels than the limit. Make it smaller first."),
    "too_many_pixels.image": _(
        "This image is {width}×{height}; the limit is {most:M} megapixels. Make it smaller first."
    ),
    "too_many_pixels.side": _(
        "This image is {width}×{height}; the limit is {most} pixels per side. Make it smaller first."
    ),
    "too_many_pixels.frames": _(
        "The frames of this image add up to {pixels:M} megapixels; the limit is {most:M} megapixels. "
        "Use fewer or smaller frames."
    ),
    "too_many_pixels.document": _(
        "Together, these images have more than {most:M} megapixels, the limit for one document. Use fewer images."
    ),
    "too_many_pixels.result": _(
        "The result would be {width}×{height}; the limit is {side} pixels per side and {most:M} megapixels in total. "
        "Choose a smaller size."
    ),
    "out_of_memory": _("There is not enough memory for this image. Make it smaller first."),
    "out_of_memory.encoder": _("There is not enough memory to write this {format}. Choose a smaller size."),
    "out_of_memory.limit": _(
        "This conversion needs more than {most:B} of memory, the limit. Make the image smaller first."
    ),
    "timed_out.document": _("This document took longer than {seconds} seconds, the limit. Use fewer images."),
    "timed_out": _(
        "This conversion took longer than {seconds} seconds, the limit. Choose a smaller size or simpler settings."
    ),
    "crashed": _("This file crashed the decoder. It is probably damaged: re-save it in another program."),
    # Options that do not work with the file.
    "cannot_produce": _("This image cannot be written as {format}."),
    "too_large_for_format": _(
        "{format} supports at most {most} pixels per side; this result would be {width}×{height}. "
        "Choose a smaller size, or PNG or TIFF."
    ),
    "no_such_page": _("This file has no page or frame {pages}: it has {count}."),
    "target_unreachable": _(
        "This image does not fit in {bytes:,} bytes as {format} at any size. Allow more bytes."
    ),
    "target_unreachable.at_this_size": _(
        "Even at the lowest quality, this image is larger than {bytes:,} bytes. "
        "It would fit at {width}×{height}: resize to that, or allow smaller dimensions."
    ),
}

OPTIONS = {
    "option_boolean": _("{option:word} must be true or false."),
    "option_choice": _("{option:word} must be one of {choices}."),
    "option_color": _("{option:word} must be a colour such as #ffffff, or transparent."),
    "option_integer": _("{option:word} must be a whole number from {least} to {most}."),
    "option_missing": _("{option:word} is missing."),
    "option_number": _("{option:word} must be a number from {least} to {most}."),
    "option_object": _("{option:word} must be an object."),
    "option_pages": _("{option:word} must be numbers such as 1-3,7, starting at 1."),
    "option_string": _("{option:word} must be text."),
    "option_text": _("{option:word} must be {least} to {most} characters long."),
    "option_unknown": _("Unknown option “{name}”."),
    "auto_has_no_quality": _(
        "The same quality means different things in different formats. Choose an aim instead."
    ),
    "crop_outside": _("The crop reaches outside the image, which is {width}×{height}."),
    "focal_point_needs_fill": _("A focal point works only with the resize mode fill."),
    "focal_point_or_gravity": _("Choose a focal point or a gravity, not both."),
    "format_cannot_hold_dpi": _(
        "{format} cannot store a resolution. Leave it out, or choose JPEG, PNG, TIFF or PDF."
    ),
    "format_cannot_be_lossless": _("{format} cannot be lossless. Choose PNG, WebP or TIFF."),
    "format_cannot_be_transparent": _(
        "{format} cannot be transparent. Choose a colour, or PNG, WebP or AVIF."
    ),
    "format_has_no_effort": _("{format} has no effort setting. Leave it out, or choose WebP, AVIF or PNG."),
    "format_has_no_quality": _(
        "{format} has no quality setting. Leave out {option:word}, or choose JPEG, WebP or AVIF."
    ),
    "format_has_no_paper": _("{format} has no paper size. Leave it out, or choose PDF."),
    "format_is_read_only": _("{format} can be read but not written. Choose JPEG, WebP or AVIF instead."),
    "format_unknown": _("Format must be one of {choices}, auto."),
    "lossless_has_no_quality": _("Lossless keeps every pixel. Leave out either lossless or {option:word}."),
    "one_quality_only": _("Choose one of quality, aim and target bytes."),
    "orientation_needs_page": _("Only pages of a paper size have an orientation. Set page, too."),
    "pages_backwards": _("A page range cannot end before it starts."),
    "resize_needs_size": _("Resize needs a width, a height, both, or a scale."),
    "scale_enlarges": _("A scale above 100 percent enlarges the image. Turn on enlarge, too."),
    "scale_has_no_mode": _("A scale keeps the proportions, so leave out mode."),
    "scale_or_size": _("Choose a scale or a size, not both."),
    "shrink_needs_target": _("Shrink to fit needs target bytes."),
    "smart_needs_fill": _("Smart gravity works only with the mode fill."),
    "watermark_missing": _("The watermark image was not found."),
    "watermark_text_or_image": _("A watermark needs either text or an image, not both."),
    "watermark_unusable": _("The watermark image cannot be used. {reason}"),
}

NOTES = {
    "upright": _("Rotated upright"),
    "exact.whole": _("Exact: the JPEG can be restored byte for byte"),
    "exact.picture": _("Exact: the JPEG's own image data was kept"),
    "exact.restored": _("The original JPEG was restored byte for byte"),
    "cropped": _("Cropped to {width}×{height}"),
    "rotated": _("Rotated {degrees}° clockwise"),
    "flipped.horizontal": _("Flipped left to right"),
    "flipped.vertical": _("Flipped top to bottom"),
    "resized": _("Resized from {from_width}×{from_height} to {width}×{height}"),
    "not_enlarged": _("Not enlarged: the image is only {width}×{height}"),
    "focused": _("Cropped to the most interesting area"),
    "focused.point": _("Cropped around the focal point"),
    "padded": _("Padded to {width}×{height} with {background:word}"),
    "shrunk_for_format": _("Shrunk to fit in {side}×{side}, the largest size that {format} supports"),
    "color_converted": _("Colours converted from {profile} to sRGB"),
    "profile_kept": _("Colour profile {profile} kept"),
    "hdr_kept": _("Brighter HDR version kept"),
    "hdr_removed": _("Brighter HDR version removed"),
    "video_removed": _("Video of the motion photo removed"),
    "bits_reduced": _("Reduced from {bits} to 8 bits per channel"),
    "bits_reduced.to_16": _("Reduced from {bits} to 16 bits per channel"),
    "bits_kept": _("{bits} bits per channel kept"),
    "joined": _("{images} images joined, {pages} pages"),
    "of_image": _("{name}: {said}"),
    "page_filled.a4": _("Placed on A4 pages"),
    "page_filled.letter": _("Placed on US Letter pages"),
    "margin_added": _("{margin} mm margin added"),
    "turned_to_fit": _("Rotated to fit the page"),
    "reduced_on_page": _("Reduced to {dpi} dpi on paper"),
    "floats_scaled": _(
        "Floating-point values up to {white:.3f} were scaled to the range from black to white"
    ),
    "floats_scaled.faint": _(
        "Floating-point values that were all below 0.01 were scaled to the range from black to white"
    ),
    "alpha_flattened": _("Transparency flattened on {background:word}"),
    "alpha_hardened": _("Semi-transparent pixels made fully transparent or opaque"),
    "colors_reduced": _("Reduced to {colors} colours"),
    "dpi_set": _("Resolution set to {dpi} dpi"),
    "watermarked": _("Watermark added"),
    "frames_merged": _("Identical frames merged: {frames} became {kept}"),
    "plays_slower": _(
        "Plays in {seconds:.1f} s, not {before:.1f} s: a GIF cannot show a frame for less than 20 ms"
    ),
    "frames_kept": _("All {frames} frames kept"),
    "pages_kept": _("All {pages} pages kept"),
    "pages_selected": _("Pages selected: {pages} of {count}"),
    "pages_selected.frames": _("Frames selected: {pages} of {count}"),
    "quality_chosen": _("Quality {quality} chosen: similarity {similarity:.3f} to the image at this size"),
    "quality_chosen.score": _("Quality {quality} chosen: visual score {score:.0f} of 100"),
    "lossless_chosen": _(
        "Lossless: lossy compression reaches a visual score of {score:.1f} at most, not {aim:.1f}, in {bytes:B}"
    ),
    "search_stopped": _("There was no time to try qualities above {quality}, which might fit too"),
    "bytes_met": _("Quality {quality} chosen to stay within {target:,} bytes"),
    "shrunk_to_fit": _("Shrunk to {width}×{height} to stay within {target:,} bytes"),
    "format_chosen": _("{format} chosen: {reason}"),
    "held_to_source": _("Quality lowered to {quality} so that the result is not larger than the original"),
    "location_removed": _("Location removed"),
    "metadata_removed": _("Metadata removed"),
    "metadata_kept": _("Metadata kept"),
    "thumbnail_removed": _("Embedded thumbnail removed"),
    "source_type_kept": _(
        "Label “{type}” kept, which says how the image was made (IPTC digital source type)"
    ),
    "larger_by_nature": _("{format} files are larger than {source}. That is normal."),
}

WARNINGS = {
    "first_frame_only": _("{format} can store only one image: the first of {frames} frames is kept"),
    "first_page_only": _("{format} can store only one image: the first of {pages} pages is kept"),
    "primary_image_only": _("Only the main image of {pictures} is kept"),
    "profile_not_kept": _("{format} cannot store the colour profile, so colours were converted to sRGB"),
    "profile_not_fitting": _(
        "The colour profile does not fit the whole result, so colours were converted to sRGB"
    ),
    "exif_unreadable": _("The photo's EXIF data is damaged and was removed"),
    "profile_unusable": _("The colour profile could not be used and was removed"),
    "cmyk_without_profile": _("Print colours (CMYK) came without a profile; colours are approximate"),
    "metadata_not_kept": _("{format} cannot store some of the metadata, which was removed: {kinds}"),
    "metadata_too_large": _("Some metadata is too large for {format} and was removed: {kinds}"),
    "metadata_unread": _(
        "Some metadata is damaged, incomplete or too large to read and was removed: {kinds}"
    ),
    "exif_fields_not_kept": _("Some EXIF fields are not kept: {names}"),
    "maker_note_not_kept": _("The camera's own notes (MakerNote) are not kept"),
    "image_incomplete": _(
        "Part of the image is missing: the end of the file, or something in its middle, was lost"
    ),
    "image_incomplete.damaged": _(
        "The file is damaged: parts of the image may be missing, in the wrong place or in wrong colours"
    ),
    "metadata_left_with_location": _(
        "The location could not be separated from some metadata, which was removed: {kinds}"
    ),
    "source_type_not_kept": _(
        "{format} cannot store the label “{type}”, which says how the image was made (IPTC digital source type)"
    ),
    "credentials_removed": _("Content Credentials (C2PA) removed: they are only valid for the original file"),
    "hdr_lost": _("The brighter HDR version inside this photo is not kept"),
    "tone_mapped": _(
        "HDR ({transfer}) was tone-mapped: the brightest parts are less bright than in the original"
    ),
    "aim_missed.quality": _(
        "Visual score {score:.1f}, not the {aim:.1f} of this quality mode, even at the highest quality ({quality})"
    ),
    "aim_missed.bytes": _(
        "Visual score {score:.1f}, not the {aim:.1f} of this quality mode, which needs more bytes than the original"
    ),
    "aim_missed.time": _(
        "Visual score {score:.1f}, not the {aim:.1f} of this quality mode: there was no time to try qualities above {quality}"
    ),
    "low_quality": _("Low quality ({quality}): reduce the dimensions or allow more bytes"),
    "delays_shortened": _(
        "Frames stay for {seconds} s at most: {format} cannot be written with longer ones here"
    ),
    "loop_not_kept": _("{format} always loops; the number of repeats is not kept"),
    "watermark_invisible": _("The watermark is invisible: its text is blank, or its image transparent."),
    "glyphs_missing": _("Some characters of the watermark are not in the font: {characters}"),
    "larger_than_source": _("The result is larger than the original"),
}

REASONS = {
    "reason_animation": _("it is animated, and WebP keeps every frame in a small file"),
    "reason_large_animation": _("it is animated and too large for WebP"),
    "reason_drawing": _("a drawing with few colours, kept exactly"),
    "reason_drawing.compared": _("a drawing with few colours, kept exactly ({others} as large)"),
    "reason_lossless": _("the smallest that keeps every pixel"),
    "reason_lossless.compared": _("the smallest that keeps every pixel ({others} as large)"),
    "reason_smallest": _("the smallest at equal similarity"),
    "reason_smallest.compared": _("the smallest at equal similarity ({others} as large)"),
    "reason_smallest_with_alpha": _("the smallest at equal similarity that keeps transparency"),
    "reason_smallest_with_alpha.compared": _(
        "the smallest at equal similarity that keeps transparency ({others} as large)"
    ),
    "reason_closest": _("the closest to the original; the others do not reach this quality"),
    "reason_too_large": _("too large for the other suitable formats"),
}

RECIPE = {
    "recipe_format": _("{format}"),
    "recipe_format.auto": _("Best format"),
    "recipe_lossless": _("lossless"),
    "recipe_quality": _("quality {quality}"),
    "recipe_aim.small": _("small"),
    "recipe_aim.balanced": _("balanced"),
    "recipe_aim.near_identical": _("visually lossless"),
    "recipe_target_bytes": _("at most {bytes:,} bytes"),
    "recipe_target_bytes.or_smaller": _("at most {bytes:,} bytes (smaller dimensions if needed)"),
    "recipe_effort": _("effort {effort}"),
    "recipe_progressive": _("not progressive"),
    "recipe_crop": _("cropped to {width}×{height} at {x},{y}"),
    "recipe_focal_point": _("focal point {x:.0f} percent across, {y:.0f} percent down"),
    "recipe_rotate": _("rotated {degrees}°"),
    "recipe_flip.horizontal": _("flipped left to right"),
    "recipe_flip.vertical": _("flipped top to bottom"),
    "recipe_scale": _("scaled to {percent} percent"),
    "recipe_resize.fit": _("fit in {width}×{height}"),
    "recipe_resize.fit_width": _("fit in {width} wide"),
    "recipe_resize.fit_height": _("fit in {height} high"),
    "recipe_resize.fill": _("fill {width}×{height}"),
    "recipe_resize.fill_width": _("fill {width} wide"),
    "recipe_resize.fill_height": _("fill {height} high"),
    "recipe_resize.pad": _("pad to {width}×{height}"),
    "recipe_resize.pad_width": _("pad to {width} wide"),
    "recipe_resize.pad_height": _("pad to {height} high"),
    "recipe_resize.stretch": _("stretch to {width}×{height}"),
    "recipe_resize.stretch_width": _("stretch to {width} wide"),
    "recipe_resize.stretch_height": _("stretch to {height} high"),
    "recipe_enlarge": _("enlarged if needed"),
    "recipe_background": _("background {color}"),
    "recipe_background.transparent": _("transparent background"),
    "recipe_watermark.text": _("watermark “{text}”"),
    "recipe_watermark.text_tiled": _("tiled watermark “{text}”"),
    "recipe_watermark.image": _("logo"),
    "recipe_watermark.image_tiled": _("tiled logo"),
    "recipe_color.keep": _("colour profile kept"),
    "recipe_hdr.sdr": _("HDR removed"),
    "recipe_depth": _("{depth} bits per channel"),
    "recipe_dpi": _("{dpi} dpi"),
    "recipe_page.a4": _("on A4 pages"),
    "recipe_page.letter": _("on US Letter pages"),
    "recipe_orientation.portrait": _("in portrait"),
    "recipe_orientation.landscape": _("in landscape"),
    "recipe_orientation.turned": _("in portrait, wide images rotated"),
    "recipe_margin": _("{margin} mm margin"),
    "recipe_pages": _("pages or frames {pages}"),
    "recipe_frames.first": _("first frame only"),
    "recipe_frames.each": _("each page or frame as its own file"),
    "recipe_metadata.strip": _("metadata removed"),
    "recipe_metadata.strip_location": _("location removed"),
    "recipe_metadata.keep": _("metadata kept"),
}

TEMPLATES = {**ERRORS, **OPTIONS, **NOTES, **WARNINGS, **REASONS, **RECIPE}
