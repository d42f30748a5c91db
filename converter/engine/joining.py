"""The report of a document, made from the reports of its images as returned by `Report.to_dict`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .messages import Message

# Messages about the size of one image. The joined report has the size of the whole document instead.
_OF_ONE = ("larger_than_source", "larger_by_nature", "bytes_met", "held_to_source", "search_stopped")
_MOST_NAMED = 50

Named = tuple[str, dict[str, Any]]
Note = dict[str, Any]


def joined_report(parts: Sequence[Named], size: int) -> dict[str, Any]:
    """Return the report of a document of `size` bytes. `parts` are its images' names and reports, in order.

    Messages that apply to all images appear once. Warnings about some of them contain the image's name.
    """
    reports = [report for _, report in parts]
    pages = sum(report["frames"]["kept"] for report in reports)
    first = reports[0]
    named = [
        Message("of_image", {"name": name, "said": {"code": warning["code"], "params": warning["params"]}})
        for name, report in parts
        for warning in _about_one(report["warnings"])
        if not _is_said_of_all(warning, reports, "warnings")
    ]
    joined = Message("joined", {"images": len(parts), "pages": pages})
    settings = first["encoder"]["settings"]
    is_shared = all(report["encoder"]["settings"] == settings for report in reports)
    return {
        "notes": [joined.to_dict(), *_said_of_all(reports, "notes")],
        "warnings": [
            *_said_of_all(reports, "warnings"),
            *(message.to_dict() for message in named[:_MOST_NAMED]),
        ],
        "resized": None,
        "bytes_before": sum(report["bytes_before"] for report in reports),
        "bytes_after": size,
        "frames": {"in": sum(report["frames"]["in"] for report in reports), "kept": pages},
        "similarity": None,
        "encoder": {"name": first["encoder"]["name"], "settings": settings if is_shared else {}},
        "metadata_removed": list(dict.fromkeys(kind for r in reports for kind in r["metadata_removed"])),
        "engine": first["engine"],
    }


def _about_one(notes: Sequence[Note]) -> list[Note]:
    return [note for note in notes if note["code"] not in _OF_ONE]


def _said_of_all(reports: Sequence[dict[str, Any]], kind: str) -> list[Note]:
    return [note for note in _about_one(reports[0][kind]) if _is_said_of_all(note, reports, kind)]


def _is_said_of_all(note: Note, reports: Sequence[dict[str, Any]], kind: str) -> bool:
    return all(note in report[kind] for report in reports)
