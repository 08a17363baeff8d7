"""Image sets: many images under one name, for techniques that look at all of them."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from jobs.errors import NotFound
from jobs.image_sets import ImageSet
from service.dependencies import ExistingImageSet, OwnerDep, ServicesDep
from service.image_import import ImageImport
from service.image_set_request import (
    ACCEPTED,
    ImagesToAdd,
    NewImageSet,
    image_set_body_schema,
    read_images,
)
from service.image_views import (
    ImagePage,
    ImageSetChange,
    ImageSetPage,
    ImageSetView,
    image_set_change,
    image_set_view,
    image_view,
)
from service.problems import Problem
from service.services import Services
from service.uploads.upload import Upload

router = APIRouter(prefix="/v1/image-sets", tags=["image sets"])


@router.post(
    "",
    operation_id="create_image_set",
    summary="Create an image set, with images or empty",
    status_code=201,
    response_model=ImageSetChange,
    openapi_extra=image_set_body_schema(NewImageSet),
)
async def create_image_set(request: Request, owner: OwnerDep, services: ServicesDep) -> Response:
    """Create an image set. If images are sent and all are refused, no set is created."""
    max_files = services.settings.max_upload_files
    async with read_images(request, NewImageSet, max_files) as (fields, upload):
        created = await run_in_threadpool(services.image_sets.create, owner, fields.name)
        try:
            change = await _fill(services, owner, created, fields, upload)
        except BaseException:
            with suppress(NotFound):
                await run_in_threadpool(services.image_sets.delete, owner, created.id)
            raise
    return JSONResponse(change.model_dump(mode="json"), 201, {"Location": change.urls.self})


@router.post(
    "/{set_id}/images",
    operation_id="add_images",
    summary="Add images to a set",
    openapi_extra=image_set_body_schema(ImagesToAdd),
)
async def add_images(
    request: Request, image_set: ExistingImageSet, owner: OwnerDep, services: ServicesDep
) -> ImageSetChange:
    """Add files, the images of zip files, or stored images.

    Images that the set already has are not added again. A file that is refused does not affect
    the others.
    """
    max_files = services.settings.max_upload_files
    async with read_images(request, ImagesToAdd, max_files) as (fields, upload):
        if not fields.ids and not (upload and upload.files):
            raise Problem("image_missing", f"No image was sent. {ACCEPTED}")
        return await _fill(services, owner, image_set, fields, upload)


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
        items=[image_set_view(each) for each in found[:limit]],
        next_cursor=found[limit - 1].id if more else None,
    )


@router.get("/{set_id}", operation_id="get_image_set", summary="Read an image set")
def get_image_set(image_set: ExistingImageSet) -> ImageSetView:
    return image_set_view(image_set)


@router.get(
    "/{set_id}/images",
    operation_id="list_images_of_set",
    summary="List the images of a set, in their order",
)
def list_images(
    image_set: ExistingImageSet,
    owner: OwnerDep,
    services: ServicesDep,
    cursor: Annotated[
        str, Query(pattern="^[0-9]{1,9}$", description="Number of the first image.")
    ] = "0",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> ImagePage:
    stop = int(cursor) + limit
    ids = services.image_sets.members(owner, image_set.id, int(cursor), stop)
    items = [image_view(services.images.get(owner, image_id)) for image_id in ids]
    return ImagePage(items=items, next_cursor=str(stop) if stop < image_set.images else None)


@router.delete(
    "/{set_id}", operation_id="delete_image_set", summary="Delete an image set", status_code=204
)
def delete_image_set(image_set: ExistingImageSet, owner: OwnerDep, services: ServicesDep) -> None:
    """Delete the set. Its images stay as long as a job or another set uses them."""
    services.image_sets.delete(owner, image_set.id)


async def _fill(
    services: Services,
    owner: str,
    image_set: ImageSet,
    fields: ImagesToAdd,
    upload: Upload | None,
) -> ImageSetChange:
    """Add what was sent to the set. Raises Problem if all of it is refused."""
    images = ImageImport(services, owner, image_set.id)
    await images.add_ids(fields.ids)
    if upload is not None:
        await images.add_files(upload)
        if upload.files and not images.outcomes:
            raise Problem("image_missing", "The zip file has no files, or only hidden ones.")
    images.raise_if_all_refused()
    changed = await run_in_threadpool(services.image_sets.get, owner, image_set.id)
    return image_set_change(changed, images.outcomes)
