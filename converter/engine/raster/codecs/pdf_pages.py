"""Merge the pages of several PDF files into one (ISO 32000-1, 7.5 and 7.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any

from PIL.PdfParser import IndirectReference, PdfDict, PdfName, PdfParser, PdfStream

_PARENT, _LENGTH = b"Parent", b"Length"


def joined(files: Iterable[bytes]) -> bytes:
    """Return one PDF with the pages of these PDFs in order, without re-encoding images.

    Only supports PDFs from the PDF codec. For others, exceptions of Pillow's parser propagate.
    """
    output = BytesIO()
    document = PdfParser(f=output, mode="w+b")
    document.start_writing()
    document.write_header()
    document.root_ref = document.next_object_id(0)
    document.pages_ref = document.next_object_id(0)
    for data in files:
        source = PdfParser(buf=data)
        copy = _Copy(source, document)
        document.pages.extend(copy.page(page) for page in source.pages)
    document.write_obj(document.root_ref, Type=PdfName(b"Catalog"), Pages=document.pages_ref)
    document.write_obj(
        document.pages_ref, Type=PdfName(b"Pages"), Count=len(document.pages), Kids=document.pages
    )
    document.write_xref_and_trailer()
    return output.getvalue()


class _Copy:
    """Copies objects from one PDF to another, each once even if it is referenced several times."""

    def __init__(self, source: PdfParser, target: PdfParser) -> None:
        self._source, self._target = source, target
        self._copied: dict[IndirectReference, IndirectReference] = {}

    def page(self, page: IndirectReference) -> IndirectReference:
        values = self._values(self._source.read_indirect(page), but=_PARENT)
        return self._target.write_page(None, **values)

    def _object(self, reference: IndirectReference) -> IndirectReference:
        if reference not in self._copied:
            found = self._source.read_indirect(reference)
            if isinstance(found, PdfStream):
                values = self._values(found.dictionary, but=_LENGTH)
                self._copied[reference] = self._target.write_obj(None, stream=found.buf, **values)
            else:
                self._copied[reference] = self._target.write_obj(None, self._value(found))
        return self._copied[reference]

    def _values(self, dictionary: PdfDict, but: bytes) -> dict[str, Any]:
        return {
            PdfName(name).name_as_str(): self._value(value)
            for name, value in dictionary.items()
            if PdfName(name) != but
        }

    def _value(self, value: Any) -> Any:
        if isinstance(value, IndirectReference):
            return self._object(value)
        if isinstance(value, Mapping):
            return PdfDict({name: self._value(part) for name, part in value.items()})
        if isinstance(value, list):
            return [self._value(part) for part in value]
        return value
