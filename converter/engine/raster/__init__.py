"""Convert images, from bytes to bytes, independent of the web, the cloud and any settings.

>>> source = open(data)
>>> source.facts.width, source.facts.height
>>> result = source.render(Recipe.parse({"format": "webp", "resize": {"width": 1600}}))
>>> result.data, result.report.to_dict()
"""

from __future__ import annotations

from .bundled import Library, check, libraries, notes
from .codecs import samples
from .codecs.pdf_pages import joined
from .facts import Facts
from .pillow import versions
from .pipeline import Source, convert, open, probe

__all__ = [
    "Facts",
    "Library",
    "Source",
    "check",
    "convert",
    "joined",
    "libraries",
    "notes",
    "open",
    "probe",
    "samples",
    "versions",
]
