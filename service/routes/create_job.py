"""POST /v1/jobs/{technique}: one operation per technique, so that a generated client has typed parameters."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from catalog.models import class_labels, find_model
from catalog.named_targets import read_targets
from catalog.registry import find_technique, techniques
from catalog.technique import Technique
from jobs.idempotency import Reservation
from jobs.model import Job
from service.admission import read_order, settled, submit
from service.forms import read_request
from service.idempotency import IdempotencyKey, fingerprint_of, once, read_key
from service.job_request import SentJobRequest
from service.job_view import JobView, answer
from service.request_schema import request_body
from service.services import OwnerDep, Services, ServicesDep
from service.waiting import description, preferred_wait, until_final

router = APIRouter(tags=["jobs"])

_DESCRIPTION_PATIENCE_S = 20.0
_RETRY_AFTER_S = "1"

Prefer = Annotated[
    str | None,
    Header(
        description="`wait=20`: hold the answer until the job ends or 20 seconds pass (at most 60)."
    ),
]


async def create(services: Services, order: SentJobRequest, key: str | None) -> tuple[Job, bool]:
    """The job, and whether an earlier request with this idempotency key made it. Raises Problem or CatalogError."""

    async def make(reservation: Reservation | None) -> Job:
        return await _make(services, order, reservation)

    key = read_key(key)
    if key is None:
        return await make(None), False
    return await once(
        services, order.owner, key, await run_in_threadpool(fingerprint_of, order), make
    )


async def _make(services: Services, order: SentJobRequest, reservation: Reservation | None) -> Job:
    """Check everything that can be checked, then queue."""
    params = settled(order.params)
    targets = read_targets(params, class_labels(find_model(params.model)))
    known = None
    if (
        params.named_layers()
        or order.technique.reads_image_set
        or any(target.layer is not None for target in targets)
    ):
        known = await description(services, params.model, _DESCRIPTION_PATIENCE_S)
    return await run_in_threadpool(submit, services, order, params, targets, known, reservation)


async def respond(services: Services, job: Job, replayed: bool, prefer: str | None) -> Response:
    """202 with the job's address, or 200 with the ended job if the client preferred to wait."""
    headers = {"Location": f"/v1/jobs/{job.id}"} | (
        {"Idempotency-Replayed": "true"} if replayed else {}
    )
    seconds = preferred_wait(prefer)
    if seconds is not None:
        job = await until_final(services, job, seconds)
        headers["Preference-Applied"] = f"wait={seconds:.0f}"
    if not job.status.final:
        headers["Retry-After"] = _RETRY_AFTER_S
    return answer(job, 200 if job.status.final else 202, headers)


def _add(technique: Technique) -> None:
    names = {image.name for image in technique.inputs}

    async def endpoint(
        request: Request,
        owner: OwnerDep,
        services: ServicesDep,
        prefer: Prefer = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        order = read_order(owner, technique, await read_request(request, names))
        return await respond(services, *await create(services, order, idempotency_key), prefer)

    router.add_api_route(
        f"/v1/jobs/{technique.name}",
        endpoint,
        methods=["POST"],
        status_code=202,
        operation_id=f"create_{technique.name}",
        summary=technique.title,
        description=f"{technique.description}\n\nReference: {technique.reference}",
        response_model=JobView,
        responses=_RESPONSES,
        openapi_extra=request_body(technique),
    )


_HEADERS = {
    "Location": {"schema": {"type": "string"}, "description": "Where to poll."},
    "Retry-After": {
        "schema": {"type": "integer"},
        "description": "Seconds after which polling makes sense.",
    },
    "Idempotency-Replayed": {
        "schema": {"type": "string", "enum": ["true"]},
        "description": "An earlier request with the same Idempotency-Key made this job.",
    },
}
_ENDED_HEADERS = {name: header for name, header in _HEADERS.items() if name != "Retry-After"}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": JobView,
        "description": "The job has ended within the preferred wait",
        "headers": _ENDED_HEADERS,
    },
    202: {"description": "The job was accepted", "headers": _HEADERS},
}

for _technique in techniques().values():
    _add(_technique)


@router.post("/v1/jobs/{technique}", include_in_schema=False)
async def create_unknown(technique: str) -> None:
    """Everything else that is posted here: a 404 that names near matches."""
    find_technique(technique)
