"""Request bodies."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

from ninja import Field, Schema
from pydantic import AfterValidator, ConfigDict, Discriminator, StringConstraints, Tag
from pydantic_core import PydanticCustomError

from converter import engine, models
from converter.api.problems import Problem as Refused
from converter.api.problems import invalid_request
from converter.engine import filenames, naming
from converter.engine.formats import AUTO, Join
from converter.engine.recipe import RECIPE_SCHEMA

# The engine validates recipes; the schema of the API only describes them.
OUTPUTS = [format.name for format in engine.FORMATS.values() if format.encodes] + [AUTO]


# For documentation only: `outbound` validates URLs, with better messages. Schemes are case-insensitive
# (RFC 3986, 3.1).
WEB_ADDRESS = {"pattern": "^[Hh][Tt][Tt][Pp][Ss]?://"}


RawRecipe = Annotated[
    dict[str, Any],
    Field(
        json_schema_extra={
            **RECIPE_SCHEMA,
            "properties": {**RECIPE_SCHEMA["properties"], "format": {"type": "string", "enum": OUTPUTS}},
        }
    ),
]


def parse_recipe(value: object, pointer: str) -> engine.Recipe:
    """Return the recipe, or raise its problems. `pointer` is its location in the body."""
    try:
        return engine.Recipe.parse(value)
    except engine.InvalidRecipe as exc:
        raise refused(exc, pointer) from exc


def parse_single(value: object, pointer: str) -> engine.Recipe:
    """Return the recipe of a single result, or raise its problems."""
    recipe = parse_recipe(value, pointer)
    if recipe.frames == "each":
        problem = engine.Problem("/frames", engine.Message("each_needs_batch"))
        raise refused(engine.InvalidRecipe([problem]), pointer)
    return recipe


def parse_outputs(
    outputs: Sequence[dict[str, Any]], pointer: str, format: str | None = None
) -> list[engine.Recipe]:
    """Return the recipes, or raise the problems of all of them. `format` is the default format."""
    recipes: list[engine.Recipe] = []
    wrong: list[engine.Problem] = []
    for index, output in enumerate(outputs):
        try:
            recipes.append(engine.Recipe.parse({"format": format, **output} if format else output))
        except engine.InvalidRecipe as exc:
            wrong.extend(replace(error, pointer=f"{pointer}/{index}{error.pointer}") for error in exc.errors)
    if wrong:
        raise refused(engine.InvalidRecipe(wrong))
    return recipes


def wrong(pointer: str, reason: str) -> Refused:
    """Return the problem for a value that passes the schema but is still invalid."""
    return invalid_request(
        engine.Problem(pointer, engine.Message("invalid_value", {"place": pointer, "reason": reason}))
    )


def refused(exc: engine.InvalidRecipe, pointer: str = "") -> Refused:
    """Return the problem for an invalid recipe at the pointer."""
    errors = [replace(error, pointer=pointer + error.pointer).to_dict() for error in exc.errors]
    return Refused(exc.code, errors=errors, **exc.params)


def strictly(*examples: dict[str, Any]) -> ConfigDict:
    """Return the Pydantic configuration of request bodies, which rejects unknown names."""
    return ConfigDict(extra="forbid", json_schema_extra={"examples": list(examples)})


OwnOutputs = Annotated[
    list[RawRecipe],
    Field(description="Outputs of this image, instead of those of the batch, for example with its own crop."),
]


# An empty file is refused with its name, in `jobs`.
Size = Annotated[
    int,
    Field(strict=True, ge=0, description="Exact size in bytes.", json_schema_extra={"minimum": 1}),
]


class BareFile(Schema):
    """A file to upload."""

    model_config = strictly({"name": "holiday.jpg", "size": 2_400_000})

    name: Annotated[str, Field(max_length=1000)]
    size: Size


class FileIn(BareFile):
    """An image to upload."""

    outputs: OwnOutputs = []


class AnnouncedIn(Schema):
    model_config = strictly({"files": [{"name": "holiday.jpg", "size": 2_400_000}]})

    files: Annotated[list[BareFile], Field(min_length=1)]


class UrlIn(Schema):
    """An image to fetch from a public URL."""

    model_config = strictly({"url": "https://example.org/holiday.jpg"})

    url: Annotated[str, Field(max_length=2000, json_schema_extra=WEB_ADDRESS)]
    outputs: OwnOutputs = []


class UploadIn(Schema):
    """An existing upload with its own outputs."""

    model_config = strictly(
        {
            "id": "0190d6f4-7a1c-7c3e-9b1e-2f0d3f9f6a10",
            "outputs": [{"format": "jpeg", "crop": {"x": 40, "y": 0, "width": 600, "height": 800}}],
        }
    )

    id: uuid.UUID
    outputs: OwnOutputs = []


# Prefix of union tags. Pydantic puts the tags into error locations, from which they are removed again.
TAG = "·"


def _sent_or_fetched(value: object) -> str:
    return f"{TAG}fetched" if isinstance(value, dict) and "url" in value else f"{TAG}sent"


AnyFile = Annotated[
    Annotated[FileIn, Tag(f"{TAG}sent")] | Annotated[UrlIn, Tag(f"{TAG}fetched")],
    Discriminator(_sent_or_fetched),
]


def _alone_or_with_outputs(value: object) -> str:
    return f"{TAG}with outputs" if isinstance(value, dict | UploadIn) else f"{TAG}alone"


AnyUpload = Annotated[
    Annotated[uuid.UUID, Tag(f"{TAG}alone")] | Annotated[UploadIn, Tag(f"{TAG}with outputs")],
    Discriminator(_alone_or_with_outputs),
]


class BatchIn(Schema):
    model_config = strictly(
        {
            "files": [{"name": "holiday.jpg", "size": 2_400_000}],
            "outputs": [
                {"format": "webp", "quality": 80, "resize": {"width": 1600}},
                {"format": "jpeg", "quality": 95, "dpi": 300, "metadata": "strip_location"},
            ],
        },
        {"files": [{"url": "https://example.org/holiday.jpg"}], "outputs": [{"format": "avif"}]},
        {
            "files": [{"name": "page-1.jpg", "size": 2_400_000}, {"name": "page-2.jpg", "size": 2_100_000}],
            "outputs": [{"format": "pdf", "page": "a4", "margin": 10}],
            "join": "pdf",
        },
    )

    files: list[AnyFile] = []
    uploads: Annotated[
        list[AnyUpload],
        Field(description="Existing or announced uploads: ids, or ids with their own outputs."),
    ] = []
    outputs: Annotated[
        list[RawRecipe],
        Field(
            description="Recipes: each image has one job per output. At least one, unless `recipe` is set."
        ),
    ] = []
    recipe: Annotated[
        uuid.UUID | None,
        Field(description="A saved recipe, used instead of `outputs`."),
    ] = None
    join: Annotated[
        Join | None,
        Field(
            description="Join all images into one document, with the pages in the order of `uploads` and then of `files`. "
            "`outputs` must then be a single recipe, whose format may be left out."
        ),
    ] = None
    name_pattern: Annotated[
        str,
        Field(
            max_length=naming.LONGEST,
            description="Pattern for the names of the results, from the parts "
            + ", ".join(f"`{{{part}}}`" for part in naming.PARTS)
            + ". Empty to keep the names of the images.",
            examples=[naming.BY_WIDTH],
        ),
    ] = ""


class WebhookIn(Schema):
    model_config = strictly({"url": "https://example.org/hooks/images", "events": ["batch.finished"]})

    url: Annotated[str, Field(max_length=2000, json_schema_extra=WEB_ADDRESS)]
    events: Annotated[list[models.Webhook.Event], Field(min_length=1, max_length=10)]


LONGEST_NAME = 80  # characters, of a recipe


def _cleaned(name: str) -> str:
    cleaned = filenames.clean_text(name)
    if not cleaned:
        raise PydanticCustomError("name_invisible", "Name should have at least one visible character")
    if len(cleaned) > LONGEST_NAME:  # normalising can lengthen it
        raise PydanticCustomError("string_too_long", "String should have at most 80 characters")
    return cleaned


class RecipeIn(Schema):
    model_config = strictly(
        {"name": "For the web", "recipe": {"format": "webp", "quality": 75, "resize": {"width": 1600}}}
    )

    name: Annotated[
        str,
        StringConstraints(strip_whitespace=True),  # as Django's forms do
        Field(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00-\x1f\x7f]+$"),
        AfterValidator(_cleaned),
    ]
    recipe: Annotated[RawRecipe | None, Field(description="Its only output.")] = None
    outputs: Annotated[
        list[RawRecipe], Field(description="Its outputs, instead of `recipe`, if there are several.")
    ] = []


class PreferencesIn(Schema):
    model_config = strictly({"retention_hours": 72, "recipe": None})

    retention_hours: Annotated[
        float | None,
        Field(
            strict=True,
            ge=1,
            le=8784,
            description="How long new uploads are kept, in hours. Null for the site's default.",
        ),
    ]
    recipe: Annotated[
        uuid.UUID | None, Field(description="Your default recipe on the convert page, or null.")
    ]


class ShareIn(Schema):
    model_config = strictly({"hours": 24})

    jobs: Annotated[
        list[uuid.UUID] | None,
        Field(
            min_length=1, description="Ids of the jobs whose results are shared. Null for all finished ones."
        ),
    ] = None
    hours: Annotated[
        int | None,
        Field(
            strict=True,
            ge=1,
            le=8784,
            description="Hours until the link expires. Null for as long as the results are kept.",
        ),
    ] = None
