"""Write TIFF metadata as tags, including the subdirectories that Pillow's encoder leaves out."""

from __future__ import annotations

import struct

from PIL import ExifTags, Image, TiffImagePlugin, TiffTags

from converter.engine.raster.exif_blocks import as_written

_XMP, _IPTC = 700, 33723
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)


def tags_for(exif: bytes, xmp: bytes, iptc: bytes) -> TiffImagePlugin.ImageFileDirectory_v2:
    """Return the metadata tags for the main directory of a TIFF."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in _loaded(exif).items():
        if tag not in _DIRECTORIES:
            tags[tag] = as_written(value)
    for tag, kind, block in ((_XMP, TiffTags.BYTE, xmp), (_IPTC, TiffTags.UNDEFINED, iptc)):
        if block:
            tags[tag] = block
            tags.tagtype[tag] = kind
    return tags


def with_exif(data: bytes, exif: bytes) -> bytes:
    """Append the EXIF and GPS directories to the TIFF.

    The compressing encoder cannot write subdirectories, so the first directory is rewritten at the end.
    """
    source = _loaded(exif)
    directories = {tag: source.get_ifd(tag) for tag in _DIRECTORIES}
    if not any(directories.values()):
        return data
    endian = "<" if data.startswith(b"II") else ">"
    first = struct.unpack_from(endian + "I", data, 4)[0]
    count = struct.unpack_from(endian + "H", data, first)[0]
    start, end = first + 2, first + 2 + 12 * count
    entries = [data[at : at + 12] for at in range(start, end, 12)]
    output = bytearray(data)
    for tag, values in directories.items():
        if not values:
            continue
        directory = TiffImagePlugin.ImageFileDirectory_v2(ifh=data[:4] + bytes(4), group=tag)
        for name, value in values.items():
            directory[name] = as_written(value)
        output += bytes(len(output) % 2)
        entries.append(struct.pack(endian + "HHII", tag, TiffTags.LONG, 1, len(output)))
        output += directory.tobytes(len(output))
    output += bytes(len(output) % 2)
    struct.pack_into(endian + "I", output, 4, len(output))
    entries.sort(key=lambda entry: struct.unpack_from(endian + "H", entry)[0])
    output += struct.pack(endian + "H", len(entries)) + b"".join(entries) + data[end : end + 4]
    return bytes(output)


def _loaded(exif: bytes) -> Image.Exif:
    loaded = Image.Exif()
    if exif:
        loaded.load(exif)
    return loaded
