"""Files of jobs: one of them, whole or a range, or all in a zip."""

import hashlib
from functools import partial
from itertools import chain
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from catalog.registry import techniques
from jobs.model import Artifact, Job
from service.conditional import not_modified, requested_range
from service.dependencies import ExistingJob, ServicesDep
from service.problems import Problem
from service.services import Services
from service.stored_zip import ZipEntry, zip_chunks, zip_length

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_BYTES: dict[str, Any] = {"type": "string", "format": "binary"}
# Clients that are generated take one of the media types for all: of JSON, as of any, they must
# expect bytes. A curve is an object, patches are a list.
_JSON: dict[str, Any] = {"anyOf": [_BYTES, {"type": "object"}, {"type": "array", "items": {}}]}
_MADE = {spec.media_type for technique in techniques().values() for spec in technique.artifacts}
_BINARY: dict[str, Any] = {
    media_type: {"schema": _JSON if media_type == "application/json" else _BYTES}
    for media_type in ("application/octet-stream", *sorted(_MADE))
}
FILE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes, with the artifact's own media type", "content": _BINARY},
    206: {"description": "The requested range of bytes", "content": _BINARY},
    304: {"description": "The client has the current bytes"},
}
_ZIP_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A zip archive",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
    },
    304: FILE_RESPONSES[304],
}
FILE_HEADERS = {
    "Cache-Control": "private, immutable, max-age=86400",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


@router.get(
    "/{job_id}/artifacts/{name}",
    operation_id="get_artifact",
    summary="Download an artifact",
    response_class=StreamingResponse,
    responses=FILE_RESPONSES,
)
def get_artifact(name: str, job: ExistingJob, request: Request, services: ServicesDep) -> Response:
    artifact = _find(job, name)
    headers = _headers(artifact)
    unchanged = not_modified(request, headers)
    if unchanged is not None:
        return unchanged
    start, end, status = 0, artifact.bytes, 200
    partial = requested_range(request, headers["ETag"], artifact.bytes)
    if partial is not None:
        start, end = partial
        status = 206
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{artifact.bytes}"
    headers["Content-Length"] = str(end - start)
    chunks = services.files.chunks(artifact.key, start, end)
    # The first chunk is read before the status is sent, since the file may have been deleted.
    first = next(chunks, b"")
    return StreamingResponse(chain([first], chunks), status, headers, artifact.media_type)


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


def _headers(artifact: Artifact) -> dict[str, str]:
    disposition = "inline" if artifact.media_type.startswith("image/") else "attachment"
    return FILE_HEADERS | {
        "ETag": f'"{artifact.sha256}"',
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'{disposition}; filename="{artifact.name}"',
    }
