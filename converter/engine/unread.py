"""Message templates for files that are not supported: other formats, no images, and unusual variants of ours."""

from __future__ import annotations

from .messages import gettext_noop as _

UNREAD = {
    "not_an_image.apple_double": _(
        "This file contains only macOS's extra information about an image. Upload the image itself, whose name is the same without “._”."
    ),
    "not_an_image.base64": _(
        "This is an image written as text (Base64 or hexadecimal). Decode it, then upload the image."
    ),
    "not_an_image.data": _(
        "This file contains {name} text, not an image. Check that you chose the right file."
    ),
    "not_an_image.git_lfs": _(
        "This is a Git LFS pointer, which only stands for the image. Run “git lfs pull”, then upload the image."
    ),
    "not_an_image.icloud": _(
        "This is a placeholder, and the image itself is in iCloud. Download it to your device, then upload it."
    ),
    "not_an_image.mangled": _(
        "This image was transferred as text, which destroyed it. Transfer the original again, as binary data."
    ),
    "not_an_image.multipart": _(
        "This file contains a whole form (multipart/form-data), not only the image. Send the form itself, or only the image."
    ),
    "not_an_image.shortcut": _(
        "This is a shortcut to another file or to a website. Upload the image itself."
    ),
    "not_an_image.text": _("This file contains text, not an image. Check that you chose the right file."),
    "not_an_image.web_page": _(
        "This is a web page, not an image. Some sites send a page instead of the image: open the image in your browser and save it again."
    ),
    "not_an_image.zeros": _(
        "This file contains only zeros: its content was lost, often because a copy was interrupted. Copy or download the original again."
    ),
    "unsupported_format.archive": _(
        "{name} archives cannot be converted here. Unpack the archive and upload the images inside."
    ),
    "unsupported_format.audio": _("Audio files cannot be converted here. Upload an image instead."),
    "unsupported_format.cursor": _(
        "Windows cursors cannot be converted here. Export the image as PNG first."
    ),
    "unsupported_format.dds": _("DDS textures cannot be converted here. Export the image as PNG first."),
    "unsupported_format.document": _(
        "{name} documents cannot be converted here. Save the images inside as PNG or JPEG and upload those."
    ),
    "unsupported_format.eps": _(
        "EPS and PostScript cannot be converted here. Export the image as PNG or JPEG first."
    ),
    "unsupported_format.exr": _(
        "OpenEXR images cannot be converted here. Export the image as PNG or JPEG first."
    ),
    "unsupported_format.image": _(
        "{name} images cannot be converted here. Export the image as PNG or JPEG first."
    ),
    "unsupported_format.jxl": _(
        "JPEG XL images cannot be converted here. Export the image as PNG or JPEG first."
    ),
    "unsupported_format.metafile": _(
        "Windows metafiles cannot be converted here. Export the image as PNG first."
    ),
    "unsupported_format.pdf": _(
        "PDF documents cannot be converted here. Export the pages as PNG or JPEG first."
    ),
    "unsupported_format.psd": _(
        "Photoshop documents cannot be converted here. Export the image as PNG or JPEG first."
    ),
    "unsupported_format.qoi": _("QOI images cannot be converted here. Export the image as PNG first."),
    "unsupported_format.raw": _(
        "Camera RAW files cannot be converted here. Export a JPEG or TIFF from your photo program first."
    ),
    "unsupported_format.svg": _("SVG drawings cannot be converted here. Export the image as PNG first."),
    "unsupported_format.tga": _("Targa images cannot be converted here. Export the image as PNG first."),
    "unsupported_format.video": _(
        "Videos cannot be converted here. Save a frame as an image and upload that."
    ),
    "unsupported_format.xcf": _(
        "GIMP documents cannot be converted here. Export the image as PNG or JPEG first."
    ),
    "unsupported_format.zip": _(
        "ZIP archives cannot be converted here. Unpack the archive and upload the images inside."
    ),
    "unsupported_variant.animation": _(
        "This {format} is an animation, which cannot be read here. Export it as GIF or WebP first."
    ),
    "unsupported_variant.channels": _(
        "This {format} has {channels} channels of {bits} bits, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.chunk": _(
        "This {format} cannot be shown without its part “{name}”, which is unknown here. Re-save it in another program, then try again."
    ),
    "unsupported_variant.cmyk": _(
        "This {format} has CMYK colours, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.colors": _(
        "This {format} has {bits}-bit {space} colours, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.colors_and_more": _(
        "This {format} has extra channels besides {bits}-bit {space} colours, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.compression": _(
        "This {format} uses {compression} compression, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.derived": _(
        "This {format} is composed of several images in a way that cannot be read here. Export it as PNG or JPEG first."
    ),
    "unsupported_variant.encrypted": _(
        "This {format} is encrypted, so it cannot be read here. Export it without encryption as PNG or JPEG first."
    ),
    "unsupported_variant.fill_order": _(
        "This {format} stores its bits in reverse order, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.float_samples": _(
        "This {format} has {bits}-bit floating-point samples, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.hierarchical": _(
        "This is a hierarchical {format}, which cannot be read here. Export it as an ordinary JPEG or PNG first."
    ),
    "unsupported_variant.inks": _(
        "This {format} uses {inks} inks other than CMYK, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.jpeg_ls": _(
        "This is a JPEG-LS image, which cannot be read here. Export it as an ordinary JPEG or PNG first."
    ),
    "unsupported_variant.many_channels": _(
        "This {format} has {channels} channels, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.many_parts": _(
        "This {format} has an unusually large number of parts, which cannot be read here. Re-save it in another program, then try again."
    ),
    "unsupported_variant.mask": _(
        "This {format} has a transparency mask as a page, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.mixed_depths": _(
        "The channels of this {format} have different depths, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.palette": _(
        "This {format} has an unusual palette, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.sample_format": _(
        "This {format} has samples of an unusual type, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.samples": _(
        "This {format} has {bits}-bit samples, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.separate_alpha": _(
        "This {format} stores grey and transparency in separate planes, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.separate_channels": _(
        "This {format} stores {channels} channels in separate planes, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.sequence": _(
        "This {format} contains only an image sequence, which cannot be read here. Export one of its images as PNG or JPEG first."
    ),
    "unsupported_variant.signed_samples": _(
        "This {format} has {bits}-bit signed samples, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.sparse": _(
        "This {format} leaves out empty parts (it is sparse), which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.subsampled": _(
        "This {format} uses an unusual subsampling, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.uncompressed": _(
        "This {format} stores its pixels without compression, which cannot be read here. Export it as PNG or JPEG first."
    ),
    "unsupported_variant.unknown_compression": _(
        "This {format} uses an unknown compression, which cannot be read here. Export it as an 8-bit PNG or TIFF first."
    ),
    "unsupported_variant.volume": _(
        "This {format} is a volume of {slices} slices in one page, which cannot be read here. Export the slices as separate pages or images first."
    ),
}
