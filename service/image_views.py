"""Stored images and image sets as clients see them."""

from datetime import datetime

from pydantic import BaseModel, Field

from jobs.image_sets import ImageSet
from jobs.model import moment
from jobs.uploads import StoredImage
from service.image_import import FileOutcome


class StoredImageView(BaseModel):
    """A stored image. Width and height are those of the upright image."""

    id: str
    width: int
    height: int
    media_type: str
    bytes: int
    conversions: list[str]
    expires_at: datetime
    urls: dict[str, str]


class ImageSetView(BaseModel):
    """An image set."""

    id: str
    name: str
    images: int
    bytes: int = Field(description="Size of all images as they were uploaded.")
    created_at: datetime
    expires_at: datetime = Field(
        description=(
            "Moves forward when images are added or a job uses the set. "
            "The images live at least as long."
        )
    )
    urls: dict[str, str]


class ImageSetChange(ImageSetView):
    """An image set, and the outcome of each image that was sent."""

    added: int
    already_there: int
    refused: int
    files: list[FileOutcome] = Field(description="One entry per image that was sent, in order.")


class ImageSetPage(BaseModel):
    items: list[ImageSetView]
    next_cursor: str | None = Field(
        description="Send it as `cursor` to get older sets; null on the last page."
    )


class ImagePage(BaseModel):
    items: list[StoredImageView]
    next_cursor: str | None = Field(
        description="Send it as `cursor` to get the next images; null on the last page."
    )


def image_view(image: StoredImage) -> StoredImageView:
    """Return what clients see of a stored image."""
    url = f"/v1/images/{image.id}"
    expires = moment(image.expires_ms)
    assert expires
    return StoredImageView(
        **image.model_dump(exclude={"expires_ms"}),
        expires_at=expires,
        urls={"self": url, "content": f"{url}/content"},
    )


def image_set_view(image_set: ImageSet) -> ImageSetView:
    """Return what clients see of an image set."""
    created, expires = moment(image_set.created_ms), moment(image_set.expires_ms)
    assert created and expires
    url = f"/v1/image-sets/{image_set.id}"
    return ImageSetView(
        id=image_set.id,
        name=image_set.name,
        images=image_set.images,
        bytes=image_set.bytes,
        created_at=created,
        expires_at=expires,
        urls={"self": url, "images": f"{url}/images"},
    )


def image_set_change(image_set: ImageSet, outcomes: list[FileOutcome]) -> ImageSetChange:
    """Return what clients see of an image set to which they sent images."""
    counts = {
        status: sum(outcome.status == status for outcome in outcomes)
        for status in ("added", "already_there", "refused")
    }
    return ImageSetChange(**image_set_view(image_set).model_dump(), **counts, files=outcomes)
