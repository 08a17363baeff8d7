"""A job's record as Redis holds it, and the parts of it that the API returns."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Status(StrEnum):
    """The status of a job. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def final(self) -> bool:
        """Return whether no other status can follow."""
        return self in FINAL


FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELED})


class InputImage(BaseModel):
    """An image that a job reads."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    id: str = Field(description="sha256:… of the bytes as they were sent.")
    width: int = Field(description="Width in pixels, after the conversions.")
    height: int = Field(description="Height in pixels, after the conversions.")
    conversions: list[str] = Field(
        default_factory=list,
        description="How it is converted to 8-bit RGB, such as exif_rotated or cmyk_to_rgb.",
    )


class InputArray(BaseModel):
    """An array of numbers that a job reads."""

    id: str = Field(description="sha256:… of the bytes as they were sent.")
    shape: list[int] = Field(description="The length of each axis.")
    dtype: str = Field(description="float16, float32 or float64. It is read as float32.")


Input = InputImage | InputArray


class Progress(BaseModel):
    """The progress of a job. It is kept while the job is queued again, and `done` never falls."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    done: int = Field(description="Units of work that are complete, such as steps or images.")
    total: int = Field(description="Units of work in all.")
    message: str = Field("", description='What is being done, such as "steps"; may be empty.')
    eta_s: float | None = Field(
        None, description="Estimated seconds until the job ends; null if unknown."
    )
    loss: float | None = Field(
        None, description="The value that an optimization minimizes, if the technique has one."
    )


class ScratchFile(BaseModel):
    """A preview or checkpoint in the object store. `key` never leaves the server."""

    key: str
    step: int = 0


class BatchFile(ScratchFile):
    """The state of a batch in the object store (jobs/batch.py). `step` is the number of rows."""

    succeeded: int
    failed: int


class Artifact(BaseModel):
    """A file that a job produced. `key` is its object store key and never leaves the server."""

    name: str
    media_type: str
    bytes: int
    sha256: str
    key: str = Field(exclude=True, default="")

    def to_record(self) -> dict[str, Any]:
        """Return the fields of the record, `key` included."""
        return self.model_dump() | {"key": self.key}


class Result(BaseModel):
    """The result of a succeeded job."""

    summary: dict[str, Any]
    artifacts: list[Artifact]


class JobError(BaseModel):
    """The reason why a job failed."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    code: str = Field(description="Stable name of the error, for programs.")
    title: str = Field(description="The kind of error, the same for every job with this code.")
    detail: str = Field(description="What went wrong and what to change, for people.")
    retryable: bool = Field(False, description="Whether the same request may succeed later.")


class Job(BaseModel):
    """A job's record. Times are milliseconds of Redis's clock.

    `batchable` is stored as `gathers`.
    `work` is the key that identical jobs share, and `basis` is what the provenance of their result
    must contain.
    `worker` is the registered name of the worker that claimed it last, and `request_id` names the
    request that created it. `traceparent` is the trace of that request (W3C Trace Context).
    `follows` is the id of the identical job whose result this one waits for.
    `cached` marks a result that is a copy of an identical job's.
    `webhook` is the address that is told of the job's events.
    `labels` are the client's own.
    `batch` names what is kept of a batch, also after its end.
    """

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
    cost: float = 1.0
    created_ms: int
    expires_ms: int
    started_ms: int | None = None
    finished_ms: int | None = None
    deadline_ms: int | None = None
    attempts: int = 0
    worker: str | None = None
    request_id: str | None = None
    traceparent: str | None = None
    cached: bool = False
    work: str | None = None
    basis: dict[str, str] = {}
    follows: str | None = None
    webhook: str | None = None
    labels: dict[str, str] = {}
    cancel_requested: bool = False
    progress: Progress | None = None
    preview: ScratchFile | None = None
    checkpoint: ScratchFile | None = None
    batch: BatchFile | None = None
    result: Result | None = None
    error: JobError | None = None
    provenance: dict[str, Any] = {}

    @classmethod
    def from_hash(cls, fields: dict[str, str]) -> "Job":
        """Read a hash, in which structured fields are JSON texts and the others are plain."""
        data: dict[str, Any] = dict(fields)
        for name in _STRUCTURED & data.keys():
            data[name] = json.loads(data[name])
        return cls.model_validate(data)

    @classmethod
    def from_flat(cls, flat: list[str]) -> "Job":
        """Read a hash as a script returns it: names and values in turn."""
        return cls.from_hash(dict(zip(flat[::2], flat[1::2], strict=True)))


@dataclass(frozen=True)
class PreparedMessage:
    """A Celery message and the list in Redis that it is pushed onto."""

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
        "labels",
        "batch",
    }
)


def moment(milliseconds: int | None) -> datetime | None:
    """Convert a time of a record to a date."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
