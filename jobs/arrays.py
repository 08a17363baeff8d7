"""Uploaded arrays of numbers, in numpy's format."""

from pydantic import BaseModel

from jobs.model import InputArray
from jobs.uploads import Stored, UploadStore

MEDIA_TYPE = "application/x-npy"


class StoredArray(InputArray, Stored):
    """The record of an array."""


class ArrayFacts(BaseModel):
    """What the file's header says."""

    shape: list[int]
    dtype: str
    media_type: str = MEDIA_TYPE


class ArrayStore(UploadStore[StoredArray]):
    """Arrays, by the hash of the file; apart from the images, so that neither is ever taken for the other."""

    kind = "array"
    record = StoredArray
