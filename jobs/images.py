"""Uploaded images."""

from pydantic import BaseModel

from jobs.model import InputImage
from jobs.uploads import Stored, UploadStore


class StoredImage(InputImage, Stored):
    """The record of an image."""


class ImageFacts(BaseModel):
    """What was found out about the bytes."""

    width: int
    height: int
    media_type: str
    conversions: list[str] = []


class ImageStore(UploadStore[StoredImage]):
    """Images, by the hash of the file."""

    kind = "image"
    record = StoredImage
