"""The Open Inference Protocol V2: health, metadata, and explanations as tensors."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse

from catalog.served_names import served_names
from jobs import log_context
from jobs.model import Job
from jobs.version import VERSION
from service.dependencies import ServicesDep
from service.inference.answer import answer
from service.inference.inference_request import read_request, refused
from service.inference.plan import explain_plan, has_map
from service.inference.tensors import HEATMAP, model_metadata, output_tensors
from service.inference.v2_request import read_v2
from service.inference.views import (
    Inference,
    Live,
    ModelMetadata,
    ModelNames,
    ModelReady,
    Ready,
    ServerMetadata,
)
from service.problems import INFERENCE_RESPONSE, Problem
from service.readiness import check_readiness
from service.routes.inference_v1 import RUN_RESPONSES, CallerDep, ExistingName

router = APIRouter(prefix="/v2", tags=["inference"], responses=INFERENCE_RESPONSE)
health_router = APIRouter(prefix="/v2/health", tags=["inference"], responses=INFERENCE_RESPONSE)

_VERSION = "1"


_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "title": "InferenceV2",
                    "type": "object",
                    "properties": {
                        "id": {"type": "string"},
                        "inputs": {"type": "array", "minItems": 1, "maxItems": 1, "items": {}},
                        "outputs": {"type": "array", "items": {}},
                        "parameters": {"type": "object"},
                    },
                    "required": ["inputs"],
                },
                "example": {
                    "inputs": [
                        {
                            "name": "image",
                            "datatype": "BYTES",
                            "shape": [1],
                            "data": ["iVBORw0KGgo…"],
                        }
                    ],
                    "outputs": [{"name": "explanation"}, {"name": "heatmap"}],
                    "parameters": {"target": "top"},
                },
            }
        },
    }
}


async def _only_version(version: Annotated[str, Path(description="`1`.")]) -> None:
    if version != _VERSION:
        raise Problem("not_found", f"There is no version {version!r:.40}. The only one is 1.")


@health_router.get("/live", operation_id="live", summary="Check that the process is alive (V2)")
async def live() -> Live:
    return Live(live=True)


@health_router.get(
    "/ready",
    operation_id="ready",
    summary="Check that jobs can be accepted (V2)",
    response_model=Ready,
    responses={503: {"model": Ready, "description": "Jobs cannot be accepted"}},
)
def ready(services: ServicesDep) -> Response:
    """Check that Redis and the object store respond, like `GET /readyz`."""
    is_ready = check_readiness(services).ready
    return JSONResponse({"ready": is_ready, "live": is_ready}, 200 if is_ready else 503)


@router.get("", operation_id="server_metadata", summary="Read what the server is (V2)")
async def server_metadata() -> ServerMetadata:
    return ServerMetadata(name="retinoscope", version=VERSION, extensions=[])


@router.get("/models", operation_id="list_served_names", summary="List the served names (V2)")
async def list_names() -> ModelNames:
    return ModelNames(models=list(served_names()))


async def metadata(served: ExistingName) -> ModelMetadata:
    """Return the tensors that a served name takes and gives."""
    return ModelMetadata.model_validate(model_metadata(served, _VERSION))


def model_ready(served: ExistingName, services: ServicesDep) -> Response:
    """Check that a worker is running: without one, a request would wait in vain."""
    is_ready = services.workers.count() > 0
    return JSONResponse({"name": served.name, "ready": is_ready}, 200 if is_ready else 503)


async def infer(served: ExistingName, request: Request, caller: CallerDep) -> Response:
    """Run the technique of a served name on each image, and answer with tensors.

    The input is `image`: BYTES [N], each in base64, or UINT8 [N, H, W, 3]. The output
    `explanation` is a JSON text for each image, and `heatmap`, which must be asked for, the maps.
    `parameters` are as in `POST /v1/models/{name}:explain`.
    """
    asked = await read_request(request, caller.services, caller.owner, read_v2)
    plan = explain_plan(served, asked.parameters)
    if HEATMAP in asked.outputs and not has_map(plan.technique):
        raise refused("outputs", f"{plan.technique.name} leaves no map. Leave out {HEATMAP}.")
    request_id = asked.id or log_context.fields().get("request_id", "")

    def write(jobs: list[Job]) -> dict[str, Any]:
        return {
            "model_name": served.name,
            "model_version": _VERSION,
            "id": request_id,
            "outputs": output_tensors(caller.services, plan, jobs, asked.outputs),
        }

    return await answer(caller, plan, asked, write)


_NOT_READY = {"model": ModelReady, "description": "No worker is running"}
for _path, _suffix, _checks in (
    ("/models/{name}", "", []),
    ("/models/{name}/versions/{version}", "_version", [Depends(_only_version)]),
):
    router.add_api_route(
        _path,
        metadata,
        operation_id=f"model_metadata{_suffix}",
        summary="Read the tensors of a served name (V2)",
        dependencies=_checks,
    )
    router.add_api_route(
        f"{_path}/ready",
        model_ready,
        operation_id=f"model_ready{_suffix}",
        summary="Check that a served name can be asked (V2)",
        response_model=ModelReady,
        responses={503: _NOT_READY},
        dependencies=_checks,
    )
    router.add_api_route(
        f"{_path}/infer",
        infer,
        methods=["POST"],
        operation_id=f"infer{_suffix}",
        summary="Explain what a model sees in images (V2)",
        response_model=Inference,
        responses=RUN_RESPONSES,
        openapi_extra=_BODY,
        dependencies=_checks,
    )
