"""The image so far of a job that makes one."""

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from jobs.errors import NotFound
from jobs.model import Job, ScratchFile
from service.conditional import client_has
from service.problems import Problem
from service.services import ExistingJob, Services, ServicesDep

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_MEDIA_TYPE = "image/jpeg"
_TRIES = 5
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "There is no newer one"},
}


@router.get(
    "/{job_id}/preview",
    operation_id="get_preview",
    summary="The image so far",
    response_class=Response,
    responses=_RESPONSES,
)
async def get_preview(job: ExistingJob, request: Request, services: ServicesDep) -> Response:
    """At most 512 pixels a side. The ETag changes with the step. Gone once the job has a result."""
    for _ in range(_TRIES):
        stored = _named(job)
        headers = {
            "ETag": f'"{stored.step}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        if client_has(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        try:
            data = await run_in_threadpool(services.files.get, stored.key)
        except NotFound:  # a newer one took its place in this moment
            job = await _again(services, job)
        else:
            return Response(data, headers=headers, media_type=_MEDIA_TYPE)
    raise Problem(
        "preview_not_found", "Its previews change faster than they can be read. Try again."
    )


def _named(job: Job) -> ScratchFile:
    if job.preview is None:
        raise Problem(
            "preview_not_found",
            "It has ended: see its artifacts."
            if job.status.final
            else "None yet, or its technique shows none.",
        )
    return job.preview


async def _again(services: Services, job: Job) -> Job:
    try:
        return await run_in_threadpool(services.jobs.get, job.id, job.owner)
    except NotFound:
        raise Problem("job_not_found", "It was deleted in this moment.") from None
