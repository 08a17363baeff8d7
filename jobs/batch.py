"""A batch as both processes see it: one job that runs a technique over the images of a set.

Its record has the technique `batch`, and its parameters are a BatchSpec. The rows that are done lie
in the object store: the record names a state file, which names parts. A part is a run of rows, as
members of a tar and as lines of the manifest. Parts of an unfinished shard are separate files. Once
a shard is full, one file takes their place.
"""

import hashlib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobs.model import JobError

BATCH = "batch"
MANIFEST = "manifest.jsonl"
MANIFEST_TYPE, SHARD_TYPE = "application/x-ndjson", "application/x-tar"
SUMMARY_FILE = "json"
# The code of a row, as of a job, that crashed its workers.
POISONED = "poisoned"
# Rows that one shard has at most, so that a page of results is read quickly.
MOST_ROWS = 1_000
_SEED_BYTES = 4
_DIGEST_SHOWN = 16


class BatchSpec(BaseModel):
    """The parameters of a batch, all resolved.

    `params` are those of the technique, without a seed. `images` is the number of images at the
    beginning of the set that take part: a set only grows. `outputs` are the names of the files that
    are kept of each row, or None for all. `exact` runs the images one by one.
    """

    model_config = ConfigDict(frozen=True)

    technique: str
    model: str
    params: dict[str, Any]
    image_set: str
    images: int
    outputs: list[str] | None = None
    exact: bool = False
    seed: int

    def params_of_row(self, image_id: str) -> dict[str, Any]:
        """Return the parameters of a single job whose result equals that image's row."""
        return {**self.params, "seed": row_seed(self.seed, image_id)}


class BatchRow(BaseModel):
    """One line of the manifest."""

    index: int = Field(description="Number of the image in the set, from 0.")
    image: str = Field(description="Id of the image, sha256:….")
    status: Literal["succeeded", "failed"] = Field(description="How the row ended.")
    seed: int = Field(description="The seed of the row. A single job with it gives this result.")
    target: str | None = Field(
        None, description="What was explained, for a technique with a target."
    )
    label: str | None = Field(
        None, description="The label of the class, for a target that is a class."
    )
    score: float | None = Field(None, description="The score of the target on the image.")
    shard: str | None = Field(None, description="The tar that holds the files of the row.")
    files: dict[str, tuple[int, int]] = Field(
        {}, description="Offset in the shard and length in bytes of each file, by its name."
    )
    error: JobError | None = Field(None, description="Why the row failed; null unless it has.")


class BatchPart(BaseModel):
    """Consecutive rows. `start` is where its `bytes` begin in the shard.

    A part without a `sha256` is one of several of an unfinished shard.
    """

    first: int
    rows: int
    shard: str
    start: int
    bytes: int
    key: str
    rows_bytes: int
    rows_key: str
    sha256: str = ""


class Trial(BaseModel):
    """A row that runs alone, since a worker has crashed shortly behind the last kept row.

    `crashes` counts the workers that have crashed while they ran it.
    """

    index: int
    crashes: int = 0


class BatchState(BaseModel):
    """What is kept of a batch. `position` is the number of the next row.

    `attempt` is the attempt that wrote the state. `first_error` is that of the first failed row.
    `poisoned` is how many of the last rows, without one between them, crashed their workers.
    """

    attempt: int = 0
    position: int = 0
    succeeded: int = 0
    failed: int = 0
    parts: list[BatchPart] = []
    first_error: JobError | None = None
    trial: Trial | None = None
    poisoned: int = 0

    def counts(self) -> dict[str, int]:
        """Return the summary of a batch whose rows are all done."""
        return {"total": self.position, "succeeded": self.succeeded, "failed": self.failed}

    @property
    def shards(self) -> list[BatchPart]:
        """The parts that are whole shards."""
        return [part for part in self.parts if part.sha256]

    @property
    def open_parts(self) -> list[BatchPart]:
        """The parts of the shard that is being filled."""
        return [part for part in self.parts if not part.sha256]


def row_seed(seed: int, image_id: str) -> int:
    """Return the seed of an image's row, of 32 bits, which depends on nothing else."""
    digest = hashlib.sha256(f"{seed}:{image_id}".encode()).digest()
    return int.from_bytes(digest[:_SEED_BYTES])


def shard_name(number: int) -> str:
    """Return the name of a shard."""
    return f"shard-{number:05}.tar"


def member_name(image_id: str, file: str) -> str:
    """Return the name of a file in a shard: what has the same key is one sample of WebDataset."""
    return f"{image_id.removeprefix('sha256:')[:_DIGEST_SHOWN]}.{file}"


def batch_folder(job_id: str) -> str:
    """Return the folder of all that is kept of a batch."""
    return f"jobs/{job_id}/batch"
