"""Images: stored once by their hash, then referred to in any job."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from jobs.errors import NotFound
from jobs.model import moment
from jobs.uploads import StoredImage
from service.conditional import client_has
from service.forms import read_request
from service.inputs import store_image
from service.problems import Problem
from service.services import OwnerDep, ServicesDep

router = APIRouter(prefix="/v1/images", tags=["images"])


class StoredImageView(BaseModel):
    """A stored image; sizes are as seen upright."""

    id: str
    width: int
    height: int
    media_type: str
    bytes: int
    conversions: list[str]
    expires_at: datetime
    urls: dict[str, str]


_BINARY = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"image": _BINARY["schema"]},
                    "required": ["image"],
                }
            },
            "image/*": _BINARY,
        },
    }
}


@router.post(
    "", operation_id="store_image", summary="Store an image", response_model=StoredImageView, status_code=201,
    openapi_extra=_UPLOAD,
)  # fmt: skip
async def store(request: Request, owner: OwnerDep, services: ServicesDep) -> Response:
    """As a form field `image`, or as the body itself. The same bytes give the same id."""
    data = await _sent_image(request)
    image = view(await run_in_threadpool(store_image, services, owner, data))
    return JSONResponse(image.model_dump(mode="json"), 201, {"Location": image.urls["self"]})


@router.get("/{image_id}", operation_id="get_image", summary="Read what is known of a stored image")
def get(image_id: str, owner: OwnerDep, services: ServicesDep) -> StoredImageView:
    return view(_find(services, owner, image_id))


@router.get(
    "/{image_id}/content", operation_id="get_image_content", summary="Download a stored image",
    response_class=Response, responses={200: {"content": {"image/*": _BINARY}}},
)  # fmt: skip
def content(image_id: str, owner: OwnerDep, request: Request, services: ServicesDep) -> Response:
    image = _find(services, owner, image_id)
    headers = {
        "ETag": f'"{image.id}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, immutable",
    }
    if client_has(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(services.images.read(owner, image.id), 200, headers, image.media_type)


def view(image: StoredImage) -> StoredImageView:
    url = f"/v1/images/{image.id}"
    expires = moment(image.expires_ms)
    assert expires
    return StoredImageView(
        **image.model_dump(exclude={"expires_ms"}),
        expires_at=expires,
        urls={"self": url, "content": f"{url}/content"},
    )


async def _sent_image(request: Request) -> bytes:
    if request.headers.get("content-type", "").lower().startswith("image/"):
        return await request.body()
    image = (await read_request(request, {"image"})).images.get("image")
    if not isinstance(image, bytes):
        raise Problem(
            "image_missing", "Send the image as the form field `image`: curl -F image=@photo.jpg."
        )
    return image


def _find(services: ServicesDep, owner: str, image_id: str) -> StoredImage:
    try:
        return services.images.get(owner, image_id)
    except NotFound:
        raise Problem(
            "image_not_found", "It was never stored, has expired, or belongs to another key."
        ) from None
