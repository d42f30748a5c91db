"""Arguments of the tools. The input schemas that agents see are generated from these classes."""

from __future__ import annotations

import uuid
from typing import Annotated

from ninja import Field, Schema
from pydantic import ConfigDict

from converter.api import schemas, waiting
from converter.engine.formats import Join

Url = Annotated[str, Field(max_length=2000, json_schema_extra=schemas.WEB_ADDRESS)]
Wait = Annotated[float, Field(ge=0, le=waiting.LONGEST, description="Seconds to wait for the result.")]


class Arguments(Schema):
    model_config = ConfigDict(extra="forbid")


class File(Arguments):
    """A file that is about to be uploaded."""

    name: Annotated[str, Field(max_length=1000)]
    size: schemas.Size


class Source(Arguments):
    """One image: pass exactly one of `url`, `upload` and `file`."""

    url: Annotated[Url | None, Field(description="A public URL of the image.")] = None
    upload: Annotated[uuid.UUID | None, Field(description="The id of an earlier upload.")] = None
    file: Annotated[
        File | None,
        Field(description="A local file. The response contains a form to upload it with."),
    ] = None


class Inspect(Source):
    pass


class Convert(Source):
    recipe: schemas.RawRecipe
    wait: Wait = waiting.LONGEST


class Batch(Arguments):
    urls: Annotated[list[Url], Field(description="Public URLs of images.")] = []
    files: Annotated[
        list[File], Field(description="Local files. The response contains an upload form for each.")
    ] = []
    uploads: Annotated[list[uuid.UUID], Field(description="Ids of earlier uploads.")] = []
    outputs: Annotated[
        list[schemas.RawRecipe],
        Field(min_length=1, description="Recipes. Each image is converted with each of them."),
    ]
    join: Annotated[
        Join | None,
        Field(
            description="Make one PDF of all images, in the order of uploads, files and urls, with a single recipe "
            'such as {"format": "pdf", "page": "a4"}.'
        ),
    ] = None


class Get(Arguments):
    """Pass either `job` or `batch`."""

    job: uuid.UUID | None = None
    batch: uuid.UUID | None = None
    wait: Wait = 0
    after: Annotated[int, Field(ge=0, description="`next` of the previous page of a batch.")] = 0


class Formats(Arguments):
    format: Annotated[
        str | None, Field(max_length=20, description="A format, to get the options of its recipe.")
    ] = None
