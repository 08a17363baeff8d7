"""POST /v1/jobs/{technique}: one operation per technique, so that clients have typed parameters."""

from fastapi import APIRouter, Request, Response

from catalog.registry import find_technique, techniques
from catalog.technique import Technique
from service.admission import admit
from service.dependencies import IdempotencyKey, OwnerDep, Prefer, ServicesDep
from service.job_request import JobOptions, SentJobRequest
from service.job_response import job_responses, respond
from service.middleware.body_limit import drop_body
from service.request_body import read_body
from service.request_schema import request_body_schema
from service.typed_jobs import JOB_TYPES

router = APIRouter(tags=["jobs"])


def _add_operation(technique: Technique) -> None:
    input_names = {spec.name for spec in technique.inputs}
    field_names = {*technique.params.model_fields, *JobOptions.model_fields}

    async def endpoint(
        request: Request,
        owner: OwnerDep,
        services: ServicesDep,
        prefer: Prefer = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        async def sent() -> SentJobRequest:
            body = await read_body(request, input_names, field_names)
            return SentJobRequest(owner, technique, body.fields, body.inputs)

        # Nothing here holds the body while the response is held.
        admission = await admit(services, await sent(), idempotency_key)
        drop_body(request)
        return await respond(services, admission, prefer)

    router.add_api_route(
        f"/v1/jobs/{technique.name}",
        endpoint,
        methods=["POST"],
        status_code=202,
        operation_id=f"create_{technique.name}",
        summary=technique.title,
        description=f"{technique.description}\n\nReference: {technique.reference}",
        response_model=JOB_TYPES[technique.name],
        responses=job_responses(JOB_TYPES[technique.name]),
        openapi_extra=request_body_schema(technique),
    )


for _technique in techniques().values():
    _add_operation(_technique)


@router.post("/v1/jobs/{technique}", include_in_schema=False)
async def create_unknown(technique: str) -> None:
    """Answer every other name with a 404 that names near matches."""
    find_technique(technique)
