"""The job object: the record in Redis, and what the API returns."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Status(StrEnum):
    """Where a job is. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def final(self) -> bool:
        return self in FINAL


FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELED})


class InputImage(BaseModel):
    """An image that a job reads."""

    id: str = Field(description="sha256:… of the bytes as they were sent.")
    width: int
    height: int
    conversions: list[str] = Field(
        default_factory=list,
        description="What it takes to see it as 8-bit RGB, such as exif_rotated or cmyk_to_rgb.",
    )


class InputArray(BaseModel):
    """An array of numbers that a job reads."""

    id: str = Field(description="sha256:… of the bytes as they were sent.")
    shape: list[int]
    dtype: str = Field(description="float16, float32 or float64; it is read as float32.")


Input = InputImage | InputArray


class Progress(BaseModel):
    done: int
    total: int
    message: str = ""
    eta_s: float | None = None
    loss: float | None = Field(
        None, description="What an optimization lowers, where the technique is one."
    )


class Stored(BaseModel):
    """Bytes of an unfinished run: a preview or a checkpoint. `key` never leaves the server."""

    key: str
    step: int = 0


class Artifact(BaseModel):
    """A file that a job left. `key` is its place in the object store and never leaves the server."""

    name: str
    media_type: str
    bytes: int
    sha256: str
    key: str = Field(exclude=True, default="")

    def stored(self) -> dict[str, Any]:
        return self.model_dump() | {"key": self.key}


class Result(BaseModel):
    summary: dict[str, Any]
    artifacts: list[Artifact]


class JobError(BaseModel):
    """Why a job failed."""

    code: str
    title: str
    detail: str
    retryable: bool = False


class Job(BaseModel):
    """The record. Times are milliseconds of Redis's clock."""

    model_config = ConfigDict(frozen=True)

    id: str
    owner: str
    technique: str
    model: str
    queue: str
    status: Status
    params: dict[str, Any]
    inputs: dict[str, Input] = {}
    batchable: bool = Field(False, validation_alias="gathers")
    created_ms: int
    expires_ms: int
    started_ms: int | None = None
    finished_ms: int | None = None
    deadline_ms: int | None = None
    attempts: int = 0
    cached: bool = False
    work: str | None = None
    basis: dict[str, str] = {}
    follows: str | None = None
    cancel_requested: bool = False
    progress: Progress | None = None
    preview: Stored | None = None
    checkpoint: Stored | None = None
    result: Result | None = None
    error: JobError | None = None
    provenance: dict[str, Any] = {}

    @classmethod
    def from_hash(cls, fields: dict[str, str]) -> "Job":
        """Read what Redis stores: structured fields are JSON text, the others plain."""
        data: dict[str, Any] = dict(fields)
        for name in _STRUCTURED & data.keys():
            data[name] = json.loads(data[name])
        return cls.model_validate(data)

    @classmethod
    def from_flat(cls, flat: list[str]) -> "Job":
        """Read what a script returns: names and values in turn."""
        return cls.from_hash(dict(zip(flat[::2], flat[1::2], strict=True)))


@dataclass(frozen=True)
class PreparedMessage:
    """A message to the workers, and the list of Redis that it is pushed onto."""

    list: str
    message: str


_STRUCTURED = frozenset(
    {
        "params",
        "inputs",
        "progress",
        "preview",
        "checkpoint",
        "result",
        "error",
        "provenance",
        "basis",
    }
)


def moment(milliseconds: int | None) -> datetime | None:
    """A time of the record as a date."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
