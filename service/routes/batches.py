"""Batches: one technique over the images of a set, as one job."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from jobs.batch import BATCH
from jobs.model import Job, Status
from service.batch_admission import admit_batch
from service.batch_request import OPTIONS, BatchFields
from service.batch_view import BatchPage, BatchView, batch_view
from service.dependencies import ExistingBatch, IdempotencyKey, OwnerDep, Prefer, ServicesDep
from service.job_request import JobOptions
from service.job_response import job_responses, respond
from service.labels import LABEL_FORM_SCHEMA, read_labels
from service.middleware.body_limit import drop_body
from service.request_body import read_body
from service.routes.jobs import Label
from service.waiting import MAX_WAIT_S, until_final

router = APIRouter(prefix="/v1/batches", tags=["batches"])


def _body_schema() -> dict[str, Any]:
    """Return the `requestBody` of the call that creates a batch."""
    schema = BatchFields.model_json_schema()
    options = JobOptions.model_json_schema()["properties"]
    schema["properties"] |= {name: options[name] for name in OPTIONS}
    form = {**schema, "properties": {**schema["properties"], "label": LABEL_FORM_SCHEMA}}
    del form["properties"]["labels"]
    content = {"application/json": {"schema": schema}, "multipart/form-data": {"schema": form}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "",
    operation_id="create_batch",
    summary="Run a technique over the images of a set",
    status_code=202,
    response_model=BatchView,
    responses=job_responses(BatchView),
    openapi_extra=_body_schema(),
)
async def create_batch(
    request: Request,
    owner: OwnerDep,
    services: ServicesDep,
    prefer: Prefer = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Create one job for all images. An image that cannot be explained fails its row only."""
    body = await read_body(request, (), {*BatchFields.model_fields, *OPTIONS})
    admission = await admit_batch(services, owner, body.fields, idempotency_key)
    drop_body(request)
    return await respond(services, admission, prefer, path="/v1/batches", show=_response)


@router.get("", operation_id="list_batches", summary="List batches, newest first")
def list_batches(
    owner: OwnerDep,
    services: ServicesDep,
    label: Label,
    status: Status | None = None,
    cursor: Annotated[str | None, Query(pattern="^[0-9a-f]{32}$")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> BatchPage:
    wanted = {"technique": BATCH} | ({"status": status.value} if status else {})
    labels = read_labels(label)
    found = services.jobs.listing.page(
        owner, before=cursor, limit=limit, wanted=wanted, labels=labels
    )
    return BatchPage(items=[batch_view(job) for job in found.jobs], next_cursor=found.next_cursor)


@router.get(
    "/{batch_id}",
    operation_id="get_batch",
    summary="Read a batch, or wait until it has ended",
    response_model=BatchView,
)
async def get_batch(
    batch: ExistingBatch,
    services: ServicesDep,
    wait: Annotated[
        float, Query(ge=0, le=MAX_WAIT_S, description="Seconds to wait for the batch to end.")
    ] = 0,
) -> Response:
    if wait and not batch.status.final:
        batch = await until_final(services, batch, wait)
    return _response(batch, 200, {} if batch.status.final else {"Retry-After": "1"})


@router.post(
    "/{batch_id}/cancel",
    operation_id="cancel_batch",
    summary="Cancel a batch",
    response_model=BatchView,
    status_code=202,
    responses={200: {"model": BatchView, "description": "The batch has ended"}},
)
def cancel_batch(batch: ExistingBatch, services: ServicesDep) -> Response:
    """Cancel the batch. The rows that are done stay, with their files."""
    batch = services.jobs.cancel(batch.id, batch.owner)
    headers = {} if batch.status.final else {"Retry-After": "1"}
    return _response(batch, 200 if batch.status.final else 202, headers)


@router.delete(
    "/{batch_id}",
    operation_id="delete_batch",
    summary="Delete a batch and its files",
    status_code=204,
)
async def delete_batch(batch: ExistingBatch, services: ServicesDep) -> None:
    await run_in_threadpool(services.jobs.forget, batch.id, batch.owner)
    await run_in_threadpool(services.files.delete_folder, f"jobs/{batch.id}")


def _response(job: Job, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(batch_view(job).model_dump_json(), status, headers, "application/json")
