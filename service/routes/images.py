"""Images: stored once under the hash of their bytes, then named in any job."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.responses import JSONResponse

from catalog.errors import Violation
from jobs.errors import NotFound
from jobs.uploads import StoredImage
from service.conditional import not_modified
from service.dependencies import OwnerDep, ServicesDep
from service.image_addresses import check_addresses, with_fetched_images
from service.image_views import StoredImageView, image_view
from service.inputs import store_image
from service.problems import Problem
from service.request_body import read_body, read_whole
from service.services import Services

router = APIRouter(prefix="/v1/images", tags=["images"])

_MOST_SHOWN = 80
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FORM = {
    "schema": {
        "type": "object",
        "properties": {"image": _BINARY["schema"]},
        "required": ["image"],
    }
}
_JSON = {
    "schema": {
        "type": "object",
        "properties": {
            "image": {
                "type": "string",
                "description": (
                    "A `data:` URL, or an `https:` address if the server fetches images."
                ),
            }
        },
        "required": ["image"],
    }
}
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"multipart/form-data": _FORM, "application/json": _JSON, "image/*": _BINARY},
    }
}


@router.post(
    "",
    operation_id="store_image",
    summary="Store an image",
    response_model=StoredImageView,
    status_code=201,
    openapi_extra=_UPLOAD,
)
async def store(request: Request, owner: OwnerDep, services: ServicesDep) -> Response:
    """Store an image that is sent as the field `image` or as the body itself.

    The same bytes get the same id.
    """
    data = await _read_image(request, services)
    image = image_view(await services.intake.run(owner, store_image, services, owner, data))
    return JSONResponse(image.model_dump(mode="json"), 201, {"Location": image.urls.self})


@router.get("/{image_id}", operation_id="get_image", summary="Read the facts of a stored image")
def get_image(image_id: str, owner: OwnerDep, services: ServicesDep) -> StoredImageView:
    return image_view(_find(services, owner, image_id))


@router.get(
    "/{image_id}/content",
    operation_id="get_image_content",
    summary="Download a stored image",
    response_class=Response,
    responses={
        200: {"content": {"image/*": _BINARY}},
        304: {"description": "The client has the image"},
    },
)
def get_content(
    image_id: str, owner: OwnerDep, request: Request, services: ServicesDep
) -> Response:
    image = _find(services, owner, image_id)
    headers = {
        "ETag": f'"{image.id}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, immutable",
    }
    unchanged = not_modified(request, headers)
    if unchanged is not None:
        return unchanged
    return Response(services.images.read(owner, image.id), 200, headers, image.media_type)


async def _read_image(request: Request, services: Services) -> bytes:
    if request.headers.get("content-type", "").lower().startswith("image/"):
        return await read_whole(request)
    body = await read_body(request, {"image"}, ())
    unknown = [name[:_MOST_SHOWN] for name in (*body.fields, *body.inputs) if name != "image"]
    if not unknown:
        check_addresses(services.settings, body.inputs)
        body.inputs = await with_fetched_images(services, body.inputs)
    image = body.inputs.get("image")
    if not isinstance(image, bytes):
        instead = f" There is no field {unknown[0]!r}." if unknown else ""
        raise Problem(
            "image_missing",
            f"Send the image as the form field `image`: curl -F image=@photo.jpg.{instead}",
        )
    if unknown:
        message = f"There is no field {unknown[0]!r}. Send one image, as `image`."
        raise Problem("invalid_parameters", message, [Violation(f"/{unknown[0]}", message)])
    return image


def _find(services: Services, owner: str, image_id: str) -> StoredImage:
    try:
        return services.images.get(owner, image_id)
    except NotFound:
        raise Problem(
            "image_not_found", "It was never stored, has expired, or belongs to another key."
        ) from None
