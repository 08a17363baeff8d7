"""The current image of a job that optimizes one."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from jobs.errors import NotFound
from jobs.model import Job, ScratchFile
from service.conditional import not_modified
from service.dependencies import ExistingJob, ServicesDep
from service.problems import Problem
from service.services import Services

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

_MEDIA_TYPE = "image/jpeg"
_TRIES = 5
Step = Annotated[
    int | None,
    Query(
        ge=0,
        description=(
            "Has no effect. A page adds the step of the latest event, so that the browser does not "
            "take an earlier preview from its cache."
        ),
    ),
]
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"content": {_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
    304: {"description": "The client has the latest preview"},
}


@router.get(
    "/{job_id}/preview",
    operation_id="get_preview",
    summary="Download the latest preview",
    response_class=Response,
    responses=_RESPONSES,
)
async def get_preview(
    job: ExistingJob, request: Request, services: ServicesDep, step: Step = None
) -> Response:
    """Return the image of a running optimization as a JPEG, at most 512 pixels a side.

    The `ETag` changes with the step. A job that has a result has no preview.
    """
    for _ in range(_TRIES):
        preview = _preview_of(job)
        headers = {
            "ETag": f'"{preview.step}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        unchanged = not_modified(request, headers)
        if unchanged is not None:
            return unchanged
        try:
            data = await run_in_threadpool(services.files.get, preview.key)
        except NotFound:
            # A newer preview has replaced this one since the record was read.
            job = await _read_again(services, job)
        else:
            return Response(data, headers=headers, media_type=_MEDIA_TYPE)
    raise Problem(
        "preview_not_found", "The previews of this job change faster than they can be read. Retry."
    )


def _preview_of(job: Job) -> ScratchFile:
    if job.preview is None:
        raise Problem(
            "preview_not_found",
            "The job has ended. Its artifacts hold the result."
            if job.status.final
            else "The job has no preview yet, or its technique makes none.",
        )
    return job.preview


async def _read_again(services: Services, job: Job) -> Job:
    try:
        return await run_in_threadpool(services.jobs.get, job.id, job.owner)
    except NotFound:
        raise Problem("job_not_found", "The job has just been deleted.") from None
