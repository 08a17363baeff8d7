"""A batch as clients see it, its rows and its files."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field

from jobs.batch import MANIFEST, MANIFEST_TYPE, BatchRow, BatchSpec
from jobs.batch_reader import BatchReader
from jobs.batch_writer import shard_artifact
from jobs.model import Job, JobError, Progress, Status, moment
from service.addresses import address


class BatchCounts(BaseModel):
    """How many images there are, and how many rows are kept."""

    total: int = Field(description="Images of the batch.")
    done: int = Field(description="Rows that are kept: a crash does not undo them.")
    succeeded: int = Field(description="Of these, rows with a result.")
    failed: int = Field(description="Of these, rows with an error.")


class BatchUrls(BaseModel):
    """Addresses of calls about the batch."""

    self: str = Field(description="Read the batch.")
    cancel: str = Field(description="Cancel the batch, with POST.")
    events: str = Field(description="Watch the batch: server-sent events.")
    results: str = Field(description="Read the rows, also while the batch runs.")
    artifacts: str = Field(description="List the manifest and the shards that are complete.")


class BatchView(BaseModel):
    """A batch. It is a job as well, and every call about jobs works for it."""

    id: str = Field(description="Id of the batch, and of its job.")
    technique: str = Field(description="Name of the technique.")
    model: str = Field(description="Name of the model.")
    status: Status
    counts: BatchCounts
    created_at: datetime = Field(description="When the batch was accepted.")
    started_at: datetime | None = Field(
        description="When a worker began with it; null while it waits."
    )
    finished_at: datetime | None = Field(description="When it ended; null before.")
    deadline_at: datetime | None = Field(description="The batch fails if it has not ended by then.")
    expires_at: datetime = Field(description="When the batch and its files are deleted.")
    params: dict[str, Any] = Field(description="Every parameter of the technique but the seed.")
    image_set: str = Field(description="Id of the image set.")
    outputs: list[str] | None = Field(description="The files that are kept; null for all.")
    exact: bool = Field(description="Whether the images run one by one.")
    seed: int = Field(description="The seed from which that of each row follows.")
    labels: dict[str, str] = Field(description="The labels that the request attached.")
    progress: Progress | None = Field(
        description="How many images have run; null until a worker has reported it."
    )
    cancel_requested: bool = Field(description="Whether the batch was asked to stop.")
    error: JobError | None = Field(description="Why the batch failed; null unless it has.")
    attempts: int = Field(description="How often a worker has begun with the batch.")
    urls: BatchUrls


class BatchPage(BaseModel):
    items: list[BatchView] = Field(description="The batches, newest first.")
    next_cursor: str | None = Field(
        description=(
            "Send it as `cursor` to get older batches; null on the last page. A page may be short, "
            "or empty, and not be the last one."
        )
    )


class BatchRows(BaseModel):
    items: list[BatchRow] = Field(description="The rows in the order of the set.")
    next_cursor: str | None = Field(
        description=(
            "Send it as `cursor` to get the rows that follow. Null when there are no more; while "
            "the batch runs it is never null."
        )
    )


class BatchFileView(BaseModel):
    """A file of the batch as a whole."""

    name: str = Field(description="Name of the file.")
    media_type: str = Field(description="Media type of the bytes.")
    bytes: int = Field(description="Size in bytes.")
    sha256: str | None = Field(
        description="SHA-256 of the bytes; null for the manifest, which may grow."
    )
    url: str = Field(description="Address of the bytes.")


class BatchFiles(BaseModel):
    items: list[BatchFileView] = Field(description="The manifest, then the shards.")


def batch_view(job: Job) -> BatchView:
    """Return what clients see of a batch."""
    url = address(f"/v1/batches/{job.id}")
    spec = BatchSpec.model_validate(job.params)
    created, expires = moment(job.created_ms), moment(job.expires_ms)
    assert created and expires
    return BatchView(
        **spec.model_dump(exclude={"images"}),
        id=job.id,
        status=job.status,
        counts=_counts(job, spec.images),
        created_at=created,
        started_at=moment(job.started_ms),
        finished_at=moment(job.finished_ms),
        deadline_at=moment(job.deadline_ms),
        expires_at=expires,
        labels=job.labels,
        progress=job.progress,
        cancel_requested=job.cancel_requested,
        error=job.error,
        attempts=job.attempts,
        urls=BatchUrls(
            self=url,
            cancel=f"{url}/cancel",
            events=address(f"/v1/jobs/{job.id}/events"),
            results=f"{url}/results",
            artifacts=f"{url}/artifacts",
        ),
    )


def batch_files(job: Job, reader: BatchReader) -> BatchFiles:
    """Return the manifest as it is now, and the shards that are complete."""
    url = address(f"/v1/batches/{job.id}/artifacts")
    shards = [shard_artifact(part) for part in reader.state.shards]
    manifest = BatchFileView(
        name=MANIFEST,
        media_type=MANIFEST_TYPE,
        bytes=reader.manifest_bytes,
        sha256=None,
        url=f"{url}/{MANIFEST}",
    )
    found = [BatchFileView(**shard.model_dump(), url=f"{url}/{shard.name}") for shard in shards]
    return BatchFiles(items=[manifest, *found])


def _counts(job: Job, total: int) -> BatchCounts:
    if job.batch is None:
        return BatchCounts(total=total, done=0, succeeded=0, failed=0)
    kept = job.batch
    return BatchCounts(total=total, done=kept.step, succeeded=kept.succeeded, failed=kept.failed)
