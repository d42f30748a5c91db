"""Read IPTC datasets (IIM 4) from files, and build the JPEG segment that stores them."""

from __future__ import annotations

from PIL import ExifTags, Image

_DATASET = b"\x1c"
RESOURCE = 0x0404  # ID among Photoshop's image resources
_PHOTOSHOP = 34377  # TIFF tag of those resources
_LONGEST_SEGMENT = 65_535


def in_jpeg(image: Image.Image) -> bytes:
    """Return the datasets in the Photoshop resources of a JPEG."""
    resources = image.info.get("photoshop")
    iptc = resources.get(RESOURCE, b"") if isinstance(resources, dict) else b""
    return iptc if isinstance(iptc, bytes) else b""


def in_tiff(exif: Image.Exif) -> bytes:
    """Return the datasets of a TIFF, from their own tag or from its Photoshop resources."""
    iptc = exif.get(ExifTags.Base.IPTCNAA, b"")
    if isinstance(iptc, bytes) and iptc:
        return iptc
    resources = exif.get(_PHOTOSHOP, b"")
    return in_resources(resources) if isinstance(resources, bytes) else b""


def in_resources(resources: bytes) -> bytes:
    """Return the datasets from Photoshop's resources; some programs write the datasets alone."""
    if resources.startswith(_DATASET):
        return resources
    at = 0
    while resources[at : at + 4] == b"8BIM" and at + 12 <= len(resources):
        name = resources[at + 6] + 1
        start = at + 6 + name + name % 2 + 4
        size = int.from_bytes(resources[start - 4 : start], "big")
        if int.from_bytes(resources[at + 4 : at + 6], "big") == RESOURCE:
            return resources[start : start + size]
        at = start + size + size % 2
    return b""


def app13(iptc: bytes) -> bytes:
    """Return a JPEG segment with these datasets; it is longer than a segment may be if they do not fit."""
    padded = iptc + b"\x00" * (len(iptc) % 2)
    block = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + len(iptc).to_bytes(4, "big") + padded
    return b"\xff\xed" + min(len(block) + 2, _LONGEST_SEGMENT).to_bytes(2, "big") + block
