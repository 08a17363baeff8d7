"""Stored images and image sets as clients see them."""

from datetime import datetime

from pydantic import BaseModel, Field

from jobs.image_sets import ImageSet
from jobs.model import moment
from jobs.uploads import StoredImage
from service.addresses import address
from service.image_import import FileOutcome


class ImageUrls(BaseModel):
    """Addresses of calls about the image."""

    self: str = Field(description="Read the facts of the image.")
    content: str = Field(description="Download its bytes.")


class ImageSetUrls(BaseModel):
    """Addresses of calls about the image set."""

    self: str = Field(description="Read the set.")
    images: str = Field(description="List its images; add some, with POST.")


class StoredImageView(BaseModel):
    """A stored image. Width and height are those of the upright image."""

    id: str = Field(description="SHA-256 of the bytes, `sha256:…`. Send it as an image of any job.")
    width: int = Field(description="Width in pixels.")
    height: int = Field(description="Height in pixels.")
    media_type: str = Field(description="Media type of the bytes.")
    bytes: int = Field(description="Size of the bytes as they were uploaded.")
    conversions: list[str] = Field(description="What is changed to make upright 8-bit RGB of it.")
    expires_at: datetime = Field(description="When it is deleted. Each use moves it forward.")
    urls: ImageUrls


class ImageSetView(BaseModel):
    """An image set."""

    id: str = Field(description="Id of the set.")
    name: str = Field(description="Name that the set was given.")
    images: int = Field(description="Number of images.")
    bytes: int = Field(description="Size of all images as they were uploaded.")
    created_at: datetime = Field(description="When the set was created.")
    expires_at: datetime = Field(
        description=(
            "Moves forward when images are added or a job uses the set. "
            "The images live at least as long."
        )
    )
    urls: ImageSetUrls


class ImageSetChange(ImageSetView):
    """An image set, and the outcome of each image that was sent."""

    added: int = Field(description="Number of images that were added.")
    already_there: int = Field(description="Number of images that the set had before.")
    refused: int = Field(description="Number of images that were refused.")
    files: list[FileOutcome] = Field(description="One entry per image that was sent, in order.")


class ImageSetPage(BaseModel):
    items: list[ImageSetView] = Field(description="The sets, newest first.")
    next_cursor: str | None = Field(
        description="Send it as `cursor` to get older sets; null on the last page."
    )


class ImagePage(BaseModel):
    items: list[StoredImageView] = Field(description="The images, in the order of the set.")
    next_cursor: str | None = Field(
        description="Send it as `cursor` to get the next images; null on the last page."
    )


def image_view(image: StoredImage) -> StoredImageView:
    """Return what clients see of a stored image."""
    url = address(f"/v1/images/{image.id}")
    expires = moment(image.expires_ms)
    assert expires
    return StoredImageView(
        **image.model_dump(exclude={"expires_ms"}),
        expires_at=expires,
        urls=ImageUrls(self=url, content=f"{url}/content"),
    )


def image_set_view(image_set: ImageSet) -> ImageSetView:
    """Return what clients see of an image set."""
    created, expires = moment(image_set.created_ms), moment(image_set.expires_ms)
    assert created and expires
    url = address(f"/v1/image-sets/{image_set.id}")
    return ImageSetView(
        id=image_set.id,
        name=image_set.name,
        images=image_set.images,
        bytes=image_set.bytes,
        created_at=created,
        expires_at=expires,
        urls=ImageSetUrls(self=url, images=f"{url}/images"),
    )


def image_set_change(image_set: ImageSet, outcomes: list[FileOutcome]) -> ImageSetChange:
    """Return what clients see of an image set to which they sent images."""
    counts = {
        status: sum(outcome.status == status for outcome in outcomes)
        for status in ("added", "already_there", "refused")
    }
    return ImageSetChange(**image_set_view(image_set).model_dump(), **counts, files=outcomes)
