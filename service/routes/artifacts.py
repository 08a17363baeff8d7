"""Files of jobs: one of them, whole or a range, or all in a zip."""

import hashlib
from functools import partial
from itertools import chain
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from jobs.model import Artifact, Job
from service.conditional import not_modified
from service.dependencies import ExistingJob, ServicesDep
from service.file_response import FILE_HEADERS, FILE_RESPONSES, ServedFile, file_response
from service.problems import Problem
from service.services import Services
from service.stored_zip import ZipEntry, zip_chunks, zip_length

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_ZIP_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A zip archive",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: FILE_RESPONSES[304],
}


@router.get(
    "/{job_id}/artifacts/{name}",
    operation_id="get_artifact",
    summary="Download an artifact",
    response_class=StreamingResponse,
    responses=FILE_RESPONSES,
)
def get_artifact(name: str, job: ExistingJob, request: Request, services: ServicesDep) -> Response:
    found = _find(job, name)
    file = ServedFile(
        found.name, found.media_type, found.sha256, key=found.key, start=0, bytes=found.bytes
    )
    return file_response(request, services.files, file)


@router.get(
    "/{job_id}/artifacts.zip",
    operation_id="get_artifacts_zip",
    summary="Download all artifacts in a zip",
    response_class=StreamingResponse,
    responses=_ZIP_RESPONSES,
)
def get_artifacts_zip(job: ExistingJob, request: Request, services: ServicesDep) -> Response:
    """Return all artifacts under their names, without compression.

    The same artifacts make the same bytes. There are no ranges.
    """
    artifacts = job.result.artifacts if job.result else []
    if not artifacts:
        raise Problem("artifact_not_found", f"The artifacts of this job: {_reason_for_none(job)}.")
    parts = "".join(f"{artifact.name}\0{artifact.sha256}\n" for artifact in artifacts)
    headers = FILE_HEADERS | {
        "ETag": f'"zip-{hashlib.sha256(parts.encode()).hexdigest()}"',
        "Content-Disposition": f'attachment; filename="{job.technique}-{job.id}.zip"',
    }
    unchanged = not_modified(request, headers)
    if unchanged is not None:
        return unchanged
    entries = [_entry(services, artifact) for artifact in artifacts]
    headers["Content-Length"] = str(zip_length(entries))
    chunks = zip_chunks(entries)
    # The first file is read before the status is sent, since the files may have been deleted.
    first = next(chunks)
    return StreamingResponse(chain([first], chunks), 200, headers, "application/zip")


def _entry(services: Services, artifact: Artifact) -> ZipEntry:
    read = partial(services.files.chunks, artifact.key, 0, artifact.bytes)
    return ZipEntry(artifact.name, artifact.bytes, read)


def _find(job: Job, name: str) -> Artifact:
    artifacts = job.result.artifacts if job.result else []
    for artifact in artifacts:
        if artifact.name == name:
            return artifact
    names = ", ".join(artifact.name for artifact in artifacts) or _reason_for_none(job)
    raise Problem("artifact_not_found", f"The artifacts of this job: {names}.")


def _reason_for_none(job: Job) -> str:
    if job.result:
        return "none"
    return f"none, because the job is {job.status}" if job.status.final else "none yet"
