"""Files of jobs: whole, in ranges, or not at all when the client has them."""

from itertools import chain
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from jobs.model import Artifact, Job
from service.conditional import client_has, parse_range
from service.problems import Problem
from service.services import ExistingJob, ServicesDep

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_BINARY: dict[str, Any] = {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes, with the artifact's own media type", "content": _BINARY},
    206: {"description": "The range that was asked for", "content": _BINARY},
    304: {"description": "The client has it"},
}


@router.get(
    "/{job_id}/artifacts/{name}",
    operation_id="get_artifact",
    summary="Download an artifact",
    response_class=StreamingResponse,
    responses=_RESPONSES,
)
def get_artifact(name: str, job: ExistingJob, request: Request, services: ServicesDep) -> Response:
    artifact = _find(job, name)
    headers = _headers(artifact)
    if client_has(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    start, end, status = _range(request, artifact, headers["ETag"])
    if status == 206:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{artifact.bytes}"
    headers["Content-Length"] = str(end - start)
    chunks = services.files.chunks(artifact.key, start, end)
    first = next(chunks, b"")  # a file that is gone is found out before the status is sent
    return StreamingResponse(chain([first], chunks), status, headers, artifact.media_type)


def _find(job: Job, name: str) -> Artifact:
    artifacts = job.result.artifacts if job.result else []
    for artifact in artifacts:
        if artifact.name == name:
            return artifact
    names = ", ".join(artifact.name for artifact in artifacts) or _none(job)
    raise Problem("artifact_not_found", f"The artifacts of this job: {names}.")


def _none(job: Job) -> str:
    if job.result:
        return "none"
    return f"none, for it is {job.status}" if job.status.final else "none yet"


def _headers(artifact: Artifact) -> dict[str, str]:
    shown = "inline" if artifact.media_type.startswith("image/") else "attachment"
    return {
        "ETag": f'"{artifact.sha256}"',
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, immutable, max-age=86400",
        "Content-Disposition": f'{shown}; filename="{artifact.name}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
    }


def _range(request: Request, artifact: Artifact, etag: str) -> tuple[int, int, int]:
    """(start, end, status) of what is to be sent."""
    asked = request.headers.get("range")
    if asked is None or request.headers.get("if-range", etag) != etag:
        return 0, artifact.bytes, 200
    found = parse_range(asked, artifact.bytes)
    if found is None:
        return 0, artifact.bytes, 200
    return *found, 206
