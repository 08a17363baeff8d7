"""Health checks and metrics: whether the process is alive, ready, and how busy it is."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from service.dependencies import ServicesDep
from service.metrics import exposition
from service.readiness import Readiness, check_readiness

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: Literal["ok"] = Field(description="`ok`.")


@router.get("/healthz", operation_id="healthz", summary="Check that the process is alive")
async def healthz() -> Health:
    return Health(status="ok")


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Check that jobs can be accepted",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Jobs cannot be accepted"}},
)
def readyz(services: ServicesDep) -> Response:
    """Check that Redis and the object store respond.

    Workers are only counted: without a worker, jobs are accepted and wait, and `warnings` says so.
    Another API process would be no better off, so that a load balancer need not know.
    """
    readiness = check_readiness(services)
    return JSONResponse(readiness.model_dump(), 200 if readiness.ready else 503)


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request, services: ServicesDep) -> Response:
    """Tell the numbers of the whole service and those of this process; each says which it is."""
    body = exposition(services, request.app.state.requests)
    return Response(body, media_type=CONTENT_TYPE_LATEST)
