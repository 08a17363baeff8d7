"""The body of a request that sends images to an image set: a form, JSON, or a zip file."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from catalog.errors import Violation
from service.problems import Problem, invalid
from service.request_body import read_body
from service.uploads.streaming import ZIP_TYPES, media_type, receive
from service.uploads.upload import Upload

_MOST_IDS = 5_000
_MOST_SHOWN = 80
ACCEPTED = (
    "Send files as `image` (-F image=@a.jpg -F image=@b.jpg) or `zip` (-F zip=@photos.zip), "
    "a zip file as the body (Content-Type: application/zip), or `ids` of stored images."
)


def _split(ids: Any) -> Any:
    """Split the ids of a form field at commas and spaces. What is too long is not split further."""
    if not isinstance(ids, str) or not ids.strip():
        return ids or []
    return re.split(r"[\s,]+", ids.strip(), maxsplit=_MOST_IDS)


class ImagesToAdd(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[str], BeforeValidator(_split)] = Field(
        [],
        max_length=_MOST_IDS,
        description="Ids `sha256:…` of stored images. A form field separates them by commas.",
    )


class NewImageSet(ImagesToAdd):
    name: str = Field("", max_length=200, description="For people; need not be unique.")


Fields = TypeVar("Fields", bound=ImagesToAdd)


@asynccontextmanager
async def read_images(
    request: Request, kind: type[Fields], max_files: int
) -> AsyncIterator[tuple[Fields, Upload | None]]:
    """Yield the fields and the files of the body; the files live as long as the block.

    Raises Problem.
    """
    if media_type(request) not in ZIP_TYPES | {"multipart/form-data"}:
        try:
            body = await read_body(request, (), kind.model_fields)
        except Problem as problem:
            if problem.code == "invalid_request":
                problem.detail += f" {ACCEPTED}"
            raise
        yield _validate(kind, body.fields), None
        return
    async with receive(request, max_files) as upload:
        for file in upload.files:
            if file.field not in ("image", "zip"):
                name = file.field[:_MOST_SHOWN]
                raise Problem(
                    "invalid_parameters",
                    f"No file is accepted as {name!r}. {ACCEPTED}",
                    [Violation(f"/{name}", "not an accepted file")],
                )
        yield _validate(kind, _merge(upload.texts)), upload


def image_set_body_schema(kind: type[ImagesToAdd]) -> dict[str, Any]:
    """Return the `requestBody` of an operation in OpenAPI."""
    schema = kind.model_json_schema()
    files = {
        "image": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "zip": {"type": "string", "format": "binary", "description": "A zip file of images."},
    }
    form = schema | {"properties": schema["properties"] | files}
    content = {
        "multipart/form-data": {"schema": form},
        "application/json": {"schema": schema},
        "application/zip": {"schema": {"type": "string", "format": "binary"}},
    }
    return {"requestBody": {"required": kind is ImagesToAdd, "content": content}}


def _merge(texts: list[tuple[str, str]]) -> dict[str, str]:
    """Return the fields by name.

    `ids` may be repeated, and may also be called `image`, as in a job.
    """
    fields = {name: text for name, text in texts if name not in ("ids", "image")}
    ids = [text for name, text in texts if name in ("ids", "image")]
    return fields | ({"ids": ",".join(ids)} if ids else {})


def _validate(kind: type[Fields], fields: dict[str, Any]) -> Fields:
    unknown = [name[:_MOST_SHOWN] for name in fields if name not in kind.model_fields]
    if unknown:
        raise Problem(
            "invalid_parameters",
            f"There is no field {unknown[0]!r}. {ACCEPTED}",
            [Violation(f"/{unknown[0]}", "not an accepted field")],
        )
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        problem = invalid(error.errors(include_url=False, include_input=False))
        problem.detail += f". {ACCEPTED}"
        raise problem from None
