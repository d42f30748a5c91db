from __future__ import annotations

from ninja import Router

from converter import configuration, engine
from converter.api import schemas
from converter.api.access import ApiRequest
from converter.api.openapi import problems

router = Router(tags=["formats"])


@router.get("", response=schemas.Formats, openapi_extra=problems(), url_name="formats")
def list_formats(request: ApiRequest) -> schemas.Formats:
    """List the supported formats and the options of each output format."""
    makes = configuration.current().makes
    formats = [schemas.Format.of(format, makes(format.name)) for format in engine.FORMATS.values()]
    return schemas.Formats(items=formats, auto=engine.auto_schema())
