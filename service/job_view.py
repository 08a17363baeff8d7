"""The job object as clients see it; it is the same for every technique."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import Response
from pydantic import BaseModel, ConfigDict, Field

from jobs.model import Input, Job, JobError, Progress, Status, moment
from service.addresses import address


class ArtifactView(BaseModel):
    """A file that the job made."""

    name: str = Field(description="Name of the file.")
    media_type: str = Field(description="Media type of the bytes.")
    bytes: int = Field(description="Size in bytes.")
    sha256: str = Field(description="SHA-256 of the bytes, in hexadecimal digits.")
    url: str = Field(description="Address of the bytes.")


class ResultView(BaseModel):
    """The result of a job that has succeeded."""

    summary: dict[str, Any] = Field(
        description="The technique's own numbers; GET /v1/techniques/{technique} has their schema."
    )
    artifacts: list[ArtifactView] = Field(description="The files that the job made.")


class PreviewView(BaseModel):
    """The latest intermediate image of an optimization."""

    url: str = Field(description="Address of the preview, a JPEG.")
    step: int = Field(description="Steps that were complete when the preview was made.")


class Timing(BaseModel):
    """How long the job waited and ran."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)

    queued_s: float | None = Field(
        None, description="Seconds from creation to the start; null before."
    )
    run_s: float | None = Field(None, description="Seconds from the start to the end; null before.")


class JobUrls(BaseModel):
    """Addresses of calls about the job."""

    self: str = Field(description="Read the job.")
    cancel: str = Field(description="Cancel the job, with POST.")
    events: str = Field(description="Watch the job: server-sent events.")


class JobState(BaseModel):
    """The data of an event `state`."""

    status: Status
    attempts: int = Field(description="How often a worker has begun with the job.")
    cancel_requested: bool = Field(description="Whether the job was asked to stop.")


class JobView(BaseModel):
    """A job. Poll it until `status` is succeeded, failed or canceled."""

    id: str = Field(description="Id of the job.")
    technique: str = Field(description="Name of the technique.")
    model: str = Field(description="Name of the model.")
    status: Status
    created_at: datetime = Field(description="When the job was accepted.")
    started_at: datetime | None = Field(
        description="When a worker began with it; null while it waits."
    )
    finished_at: datetime | None = Field(description="When it ended; null before.")
    deadline_at: datetime | None = Field(
        description="The job fails if it has not ended by then. Set by `deadline_s`."
    )
    expires_at: datetime = Field(description="When the job and its files are deleted.")
    labels: dict[str, str] = Field(description="The labels that the request attached.")
    params: dict[str, Any] = Field(description="Every parameter, including defaults and the seed.")
    inputs: dict[str, Input] = Field(
        description="The images and arrays by the names of the inputs."
    )
    progress: Progress | None = Field(
        description="How far the job is; null until a worker has reported it."
    )
    preview: PreviewView | None = Field(
        description="The latest preview of an image that is being optimized."
    )
    cancel_requested: bool = Field(description="Whether the job was asked to stop.")
    result: ResultView | None = Field(description="The result; null unless the job has succeeded.")
    error: JobError | None = Field(description="Why the job failed; null unless it has.")
    cached: bool = Field(
        description="True if the result was reused from an identical job, and nothing was computed."
    )
    attempts: int = Field(description="How often a worker has begun with the job.")
    timing: Timing
    provenance: dict[str, Any] = Field(
        description="Versions, weights, device and seed of the result; empty before the end."
    )
    urls: JobUrls


def job_view(job: Job) -> JobView:
    """Return what clients see of a job."""
    url = address(f"/v1/jobs/{job.id}")
    created, expires = moment(job.created_ms), moment(job.expires_ms)
    assert created and expires
    return JobView(
        id=job.id,
        technique=job.technique,
        model=job.model,
        status=job.status,
        created_at=created,
        started_at=moment(job.started_ms),
        finished_at=moment(job.finished_ms),
        deadline_at=moment(job.deadline_ms),
        expires_at=expires,
        labels=job.labels,
        params=job.params,
        inputs=job.inputs,
        progress=job.progress,
        preview=PreviewView(url=f"{url}/preview", step=job.preview.step) if job.preview else None,
        cancel_requested=job.cancel_requested,
        result=_result(job, url),
        error=job.error,
        cached=job.cached,
        attempts=job.attempts,
        timing=_timing(job),
        provenance=job.provenance,
        urls=JobUrls(self=url, cancel=f"{url}/cancel", events=f"{url}/events"),
    )


def job_response(job: Job, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return the job as a JSON response."""
    return Response(job_view(job).model_dump_json(), status, headers, "application/json")


def _result(job: Job, url: str) -> ResultView | None:
    if job.result is None:
        return None
    artifacts = [
        ArtifactView(**artifact.model_dump(), url=f"{url}/artifacts/{artifact.name}")
        for artifact in job.result.artifacts
    ]
    return ResultView(summary=job.result.summary, artifacts=artifacts)


def _timing(job: Job) -> Timing:
    if job.started_ms is None:
        return Timing()
    queued = (job.started_ms - job.created_ms) / 1000
    return Timing(
        queued_s=queued, run_s=job.finished_ms and (job.finished_ms - job.started_ms) / 1000
    )
