"""Jobs that exist: read, wait for, list, cancel and delete them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field, create_model
from starlette.concurrency import run_in_threadpool

from catalog.errors import UnknownTechnique, Violation
from catalog.models import find_model
from catalog.registry import find_technique
from jobs.batch import BATCH
from jobs.model import Status
from service.dependencies import ExistingJob, OwnerDep, ServicesDep
from service.job_view import JobView, job_response, job_view
from service.labels import read_labels
from service.problems import Problem
from service.typed_jobs import Job
from service.waiting import MAX_WAIT_S, until_final

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])


Label = Annotated[
    list[str],
    Query(
        default_factory=list,
        description=(
            "A label that the jobs have, as `key=value`. Send it several times for jobs that have "
            "all of them."
        ),
    ),
]


class JobPage(BaseModel):
    items: list[JobView] = Field(description="The jobs, newest first.")
    next_cursor: str | None = Field(
        description=(
            "Send it as `cursor` to get older jobs; null on the last page. A page of filtered jobs "
            "may be short, or empty, and not be the last one."
        )
    )


_TypedPage: Any = create_model(
    "JobPage",
    __base__=JobPage,
    items=(list[Job], Field(description=JobPage.model_fields["items"].description)),
)


@router.get(
    "",
    operation_id="list_jobs",
    summary="List jobs, newest first",
    response_model=_TypedPage,
)
def list_jobs(
    owner: OwnerDep,
    services: ServicesDep,
    label: Label,
    status: Status | None = None,
    technique: str | None = None,
    model: str | None = None,
    cursor: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Response:
    filters = {"status": status, "technique": technique, "model": model}
    wanted = {name: value for name, value in filters.items() if value is not None}
    labels = read_labels(label)
    found = services.jobs.listing.page(
        owner, before=cursor, limit=limit, wanted=wanted, labels=labels
    )
    if not found.jobs:
        _check_filters(technique, model)
    page = JobPage(items=[job_view(job) for job in found.jobs], next_cursor=found.next_cursor)
    return Response(page.model_dump_json(), media_type="application/json")


def _check_filters(technique: str | None, model: str | None) -> None:
    """Refuse a technique or model that the catalog does not have.

    Only if no job was found: there may be jobs of a model that was removed. Raises Problem.
    """
    try:
        if technique not in (None, BATCH):
            find_technique(technique)
        if model is not None:
            find_model(model)
    except UnknownTechnique as error:
        violation = Violation("/technique", error.detail)
        raise Problem(error.code, error.detail, [violation], status=422) from None


@router.get(
    "/{job_id}",
    operation_id="get_job",
    summary="Read a job, or wait until it has ended",
    response_model=Job,
)
async def get_job(
    job: ExistingJob,
    services: ServicesDep,
    wait: Annotated[
        float,
        Query(ge=0, le=MAX_WAIT_S, description="Seconds to wait for the job to end."),
    ] = 0,
) -> Response:
    if wait and not job.status.final:
        job = await until_final(services, job, wait)
    return job_response(job, headers={} if job.status.final else {"Retry-After": "1"})


@router.post(
    "/{job_id}/cancel",
    operation_id="cancel_job",
    summary="Cancel a job",
    response_model=Job,
    status_code=202,
    responses={200: {"model": Job, "description": "The job has ended"}},
)
def cancel_job(job: ExistingJob, services: ServicesDep) -> Response:
    job = services.jobs.cancel(job.id, job.owner)
    return job_response(job, 200 if job.status.final else 202)


@router.delete(
    "/{job_id}",
    operation_id="delete_job",
    summary="Delete a job and its artifacts",
    status_code=204,
)
async def delete_job(job: ExistingJob, services: ServicesDep) -> None:
    await run_in_threadpool(services.jobs.forget, job.id, job.owner)
    await run_in_threadpool(services.files.delete_folder, f"jobs/{job.id}")
