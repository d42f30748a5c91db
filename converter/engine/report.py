"""What happened to an image: said to people in words, to programs as codes with parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

NOTES: Mapping[str, str] = MappingProxyType(
    {
        "upright": "Turned upright",
        "cropped": "Cropped to {width}×{height}",
        "rotated": "Rotated {degrees}° clockwise",
        "flipped": "Flipped {direction}",
        "resized": "Resized from {from_width}×{from_height} to {width}×{height}",
        "not_enlarged": "Not enlarged: the picture is only {width}×{height}",
        "focused": "Cut to the part where most is to be seen",
        "padded": "Padded to {width}×{height} with {background}",
        "shrunk_for_format": "Shrunk to fit in {side}×{side}, the most that {format} holds",
        "color_converted": "Colours converted from {profile} to sRGB",
        "profile_kept": "Colour profile {profile} kept",
        "bits_reduced": "Reduced from {bits} to 8 bits a channel",
        "alpha_flattened": "Transparency flattened on {background}",
        "alpha_hardened": "Half-transparent pixels made fully transparent or solid",
        "colors_reduced": "Reduced to {colors} colours",
        "dpi_set": "Resolution set to {dpi} dpi",
        "watermarked": "Watermark added",
        "frames_merged": "Equal frames merged: {frames} became {kept}",
        "frames_kept": "All {frames} frames kept",
        "pages_kept": "All {pages} pages kept",
        "quality_chosen": "Quality {quality} chosen: similarity {similarity:.3f} to the picture at this size",
        "bytes_met": "Quality {quality} chosen to stay within {target:,} bytes",
        "shrunk_to_fit": "Shrunk to {width}×{height} to stay within {target:,} bytes",
        "format_chosen": "{format} chosen: {reason}",
        "held_to_source": "Quality lowered to {quality} so that the result is not larger than the original",
        "location_removed": "Location removed",
        "metadata_removed": "Metadata removed",
        "metadata_kept": "Metadata kept",
        "thumbnail_removed": "Embedded thumbnail removed",
        "larger_by_nature": "{format} files are larger than {source}. That is normal.",
    }
)

WARNINGS: Mapping[str, str] = MappingProxyType(
    {
        "first_frame_only": "{format} holds one picture: only the first of {frames} frames is kept",
        "first_page_only": "{format} holds one picture: only the first of {pages} pages is kept",
        "primary_image_only": "Only the main one of {pictures} pictures is kept",
        "profile_not_kept": "{format} cannot hold the colour profile, so colours were converted to sRGB",
        "profile_not_fitting": "The colour profile does not fit the whole result, so colours were converted to sRGB",
        "exif_unreadable": "The photo's details (EXIF) are damaged and were dropped",
        "profile_unusable": "The colour profile could not be used and was dropped",
        "cmyk_without_profile": "Print colours (CMYK) came without a profile; colours are approximate",
        "metadata_not_kept": "{format} cannot hold some metadata, which was removed: {kinds}",
        "metadata_left_with_location": "The location could not be separated from some metadata, which was removed: {kinds}",
        "hdr_lost": "The brighter HDR version inside this photo is not kept",
        "tone_mapped": "HDR ({transfer}) was tone-mapped: the brightest parts are less bright than in the original",
        "loop_not_kept": "{format} always plays again and again; the number of repeats is not kept",
        "glyphs_missing": "Some characters of the watermark are not in the font: {characters}",
        "larger_than_source": "The result is larger than the original",
    }
)


@dataclass(frozen=True)
class Note:
    code: str
    params: Mapping[str, Any]

    @property
    def text(self) -> str:
        return {**NOTES, **WARNINGS}[self.code].format(**self.params)

    def to_dict(self) -> dict[str, Any]:
        return {"code": self.code, "params": dict(self.params), "text": self.text}


class Log:
    """Collects notes and warnings while an image is worked on; the same thing is said once."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self.warnings: list[Note] = []
        self.metadata_removed: list[str] = []

    def note(self, code: str, **params: Any) -> None:
        self._add(self.notes, Note(code, params))

    def warn(self, code: str, **params: Any) -> None:
        self._add(self.warnings, Note(code, params))

    def include(self, other: Log) -> None:
        """Say what another log says too."""
        for note in other.notes:
            self._add(self.notes, note)
        for warning in other.warnings:
            self._add(self.warnings, warning)

    def _add(self, notes: list[Note], note: Note) -> None:
        if all(other.code != note.code for other in notes):
            notes.append(note)


@dataclass(frozen=True)
class Report:
    """`resized` and sizes are in pixels (width, height); `frames_in` and `frames_kept` count frames or pages."""

    notes: tuple[Note, ...]
    warnings: tuple[Note, ...]
    resized: tuple[tuple[int, int], tuple[int, int]] | None
    bytes_before: int
    bytes_after: int
    frames_in: int
    frames_kept: int
    encoder: str
    settings: Mapping[str, Any]
    metadata_removed: tuple[str, ...]
    engine: Mapping[str, str]
    similarity: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "notes": [note.to_dict() for note in self.notes],
            "warnings": [note.to_dict() for note in self.warnings],
            "resized": self.resized and {"from": list(self.resized[0]), "to": list(self.resized[1])},
            "bytes_before": self.bytes_before,
            "bytes_after": self.bytes_after,
            "frames": {"in": self.frames_in, "kept": self.frames_kept},
            "similarity": self.similarity,
            "encoder": {"name": self.encoder, "settings": dict(self.settings)},
            "metadata_removed": list(self.metadata_removed),
            "engine": dict(self.engine),
        }


@dataclass(frozen=True)
class Result:
    """One finished image. `data` is never the source's bytes."""

    data: bytes = field(repr=False)
    format: str
    extension: str
    mime: str
    width: int
    height: int
    frames: int
    report: Report
