"""Image sets: many images under one name, for techniques that look at all of them."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from catalog.errors import Violation
from jobs.errors import NotFound
from jobs.image_sets import ImageSet
from jobs.model import moment
from service.forms import read_request
from service.image_intake import FileOutcome, Intake
from service.problems import Problem, invalid
from service.routes.images import StoredImageView
from service.routes.images import view as image_view
from service.services import ExistingImageSet, OwnerDep, Services, ServicesDep
from service.uploads.streaming import ZIP_TYPES, Upload, media_type, receive

router = APIRouter(prefix="/v1/image-sets", tags=["image sets"])

_MOST_IDS = 5_000
_TAKES = (
    "Takes files as `image` (-F image=@a.jpg -F image=@b.jpg) or `zip` (-F zip=@photos.zip), "
    "a zip file as the body (Content-Type: application/zip), or `ids` of stored images."
)


class ImageSetView(BaseModel):
    """An image set."""

    id: str
    name: str
    images: int
    bytes: int = Field(description="Of all its images, as they were sent.")
    created_at: datetime
    expires_at: datetime = Field(
        description="Later, when it is added to or used by a job; its images live as long."
    )
    urls: dict[str, str]


class ImageSetChange(ImageSetView):
    """An image set, and what became of the images that were sent."""

    added: int
    already_there: int
    refused: int
    files: list[FileOutcome] = Field(description="Each image that was sent, in order.")


class ImageSetPage(BaseModel):
    items: list[ImageSetView]
    next_cursor: str | None = Field(description="Pass as `cursor` for older sets; null at the end.")


class ImagePage(BaseModel):
    items: list[StoredImageView]
    next_cursor: str | None = Field(
        description="Pass as `cursor` for the next images; null at the end."
    )


def _split(ids: Any) -> Any:
    return re.split(r"[\s,]+", ids.strip()) if isinstance(ids, str) and ids.strip() else ids or []


class ImagesToAdd(BaseModel):
    model_config = ConfigDict(extra="forbid")

    ids: Annotated[list[str], BeforeValidator(_split)] = Field(
        [],
        max_length=_MOST_IDS,
        description="sha256:… of stored images; as a form field, separated by commas.",
    )


class NewImageSet(ImagesToAdd):
    name: str = Field("", max_length=200, description="For people; need not be unique.")


Fields = TypeVar("Fields", bound=ImagesToAdd)


def _body(fields: type[ImagesToAdd]) -> dict[str, Any]:
    schema = fields.model_json_schema()
    files = {
        "image": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "zip": {"type": "string", "format": "binary", "description": "A zip file of images."},
    }
    form = schema | {"properties": schema["properties"] | files}
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = {
        "multipart/form-data": {"schema": form},
        "application/json": {"schema": schema},
        "application/zip": binary,
    }
    return {"requestBody": {"required": fields is ImagesToAdd, "content": content}}


@router.post(
    "", operation_id="create_image_set", summary="Make an image set, with images or empty", status_code=201,
    response_model=ImageSetChange, openapi_extra=_body(NewImageSet),
)  # fmt: skip
async def create(request: Request, owner: OwnerDep, services: ServicesDep) -> Response:
    """If none of the images that came along can be taken, no set is made."""
    async with _sent(request, services, NewImageSet) as (fields, upload):
        made = await run_in_threadpool(services.image_sets.create, owner, fields.name)
        try:
            changed = await _fill(services, owner, made, fields, upload)
        except BaseException:
            with suppress(NotFound):
                await run_in_threadpool(services.image_sets.delete, owner, made.id)
            raise
    return JSONResponse(changed.model_dump(mode="json"), 201, {"Location": changed.urls["self"]})


@router.post(
    "/{set_id}/images",
    operation_id="add_images",
    summary="Add images to a set",
    openapi_extra=_body(ImagesToAdd),
)
async def add(
    request: Request, found: ExistingImageSet, owner: OwnerDep, services: ServicesDep
) -> ImageSetChange:
    """Files, zip files or stored images; those that the set has already are left out. One bad file spoils no other."""
    async with _sent(request, services, ImagesToAdd) as (fields, upload):
        if not fields.ids and not (upload and upload.files):
            raise Problem("image_missing", f"No image was sent. {_TAKES}")
        return await _fill(services, owner, found, fields, upload)


@router.get("", operation_id="list_image_sets", summary="List image sets, newest first")
def list_image_sets(
    owner: OwnerDep,
    services: ServicesDep,
    cursor: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ImageSetPage:
    found = services.image_sets.page(owner, cursor, limit + 1)
    more = len(found) > limit
    return ImageSetPage(
        items=[view(each) for each in found[:limit]],
        next_cursor=found[limit - 1].id if more else None,
    )


@router.get("/{set_id}", operation_id="get_image_set", summary="Read an image set")
def get(found: ExistingImageSet) -> ImageSetView:
    return view(found)


@router.get(
    "/{set_id}/images",
    operation_id="list_images_of_set",
    summary="List a set's images, in their order",
)
def list_images(
    found: ExistingImageSet,
    owner: OwnerDep,
    services: ServicesDep,
    cursor: Annotated[
        str, Query(pattern="^[0-9]{1,9}$", description="Number of the first image.")
    ] = "0",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ImagePage:
    stop = int(cursor) + limit
    ids = services.image_sets.members(owner, found.id, int(cursor), stop)
    items = [image_view(services.images.get(owner, image_id)) for image_id in ids]
    return ImagePage(items=items, next_cursor=str(stop) if stop < found.images else None)


@router.delete(
    "/{set_id}", operation_id="delete_image_set", summary="Forget an image set", status_code=204
)
def delete(found: ExistingImageSet, owner: OwnerDep, services: ServicesDep) -> None:
    """Its images stay for as long as something else keeps them."""
    services.image_sets.delete(owner, found.id)


def view(found: ImageSet) -> ImageSetView:
    created, expires = moment(found.created_ms), moment(found.expires_ms)
    assert created and expires
    url = f"/v1/image-sets/{found.id}"
    return ImageSetView(
        **found.model_dump(exclude={"created_ms", "expires_ms"}),
        created_at=created,
        expires_at=expires,
        urls={"self": url, "images": f"{url}/images"},
    )


async def _fill(
    services: Services, owner: str, found: ImageSet, fields: ImagesToAdd, upload: Upload | None
) -> ImageSetChange:
    intake = Intake(services, owner, found.id)
    await intake.take_ids(fields.ids)
    if upload is not None:
        await intake.take_files(upload)
        if upload.files and not intake.outcomes:
            raise Problem("image_missing", "The zip file holds no files but hidden ones.")
    intake.check()
    now = await run_in_threadpool(services.image_sets.get, owner, found.id)
    counts = {
        status: sum(outcome.status == status for outcome in intake.outcomes)
        for status in ("added", "already_there", "refused")
    }
    return ImageSetChange(**view(now).model_dump(), **counts, files=intake.outcomes)


@asynccontextmanager
async def _sent(
    request: Request, services: Services, kind: type[Fields]
) -> AsyncIterator[tuple[Fields, Upload | None]]:
    """The fields and files of the body. Raises Problem."""
    if media_type(request) not in ZIP_TYPES | {"multipart/form-data"}:
        yield _fields(kind, (await read_request(request, set())).fields), None
        return
    async with receive(request, services.settings.max_upload_files) as upload:
        for sent in upload.files:
            if sent.field not in ("image", "zip"):
                wrong = Violation(f"/{sent.field[:80]}", "not a file that is taken")
                raise Problem(
                    "invalid_parameters",
                    f"No file is taken as {sent.field[:80]!r}. {_TAKES}",
                    [wrong],
                )
        yield _fields(kind, _merged(upload.texts)), upload


def _merged(texts: list[tuple[str, str]]) -> dict[str, str]:
    """Fields by name. `ids` may come many times, and under the name `image`, as in jobs."""
    fields = {name: text for name, text in texts if name not in ("ids", "image")}
    ids = [text for name, text in texts if name in ("ids", "image")]
    return fields | ({"ids": ",".join(ids)} if ids else {})


def _fields(kind: type[Fields], fields: dict[str, Any]) -> Fields:
    if unknown := [name[:80] for name in fields if name not in kind.model_fields]:
        wrong = Violation(f"/{unknown[0]}", "not a field that is taken")
        raise Problem("invalid_parameters", f"There is no field {unknown[0]!r}. {_TAKES}", [wrong])
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        problem = invalid(error.errors(include_url=False, include_input=False))
        problem.detail += f". {_TAKES}"
        raise problem from None
