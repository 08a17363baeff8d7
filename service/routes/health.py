"""Health checks and metrics: whether the process is alive, ready, and how busy it is."""

import logging
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from obstore.exceptions import BaseError as ObjectStoreError
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field
from redis import RedisError

from service.dependencies import ServicesDep
from service.metrics import exposition
from service.services import Services

log = logging.getLogger(__name__)

router = APIRouter(tags=["health"])

_NO_WORKER = "No worker is alive. Jobs are accepted, and wait until one is."


class Health(BaseModel):
    status: Literal["ok"] = Field(description="`ok`.")


class Readiness(BaseModel):
    status: Literal["ready", "unavailable"] = Field(description="Whether jobs can be accepted.")
    redis: str = Field(description="`ok`, or why Redis does not respond.")
    artifacts: str = Field(description="`ok`, or why the object store does not respond.")
    workers: int | None = Field(
        description="Number of living workers; null if Redis does not respond."
    )
    warnings: list[str] = Field(
        description="What a person should look at although jobs are accepted, such as no worker."
    )


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
    redis, workers = _check_redis(services)
    artifacts = _check_artifacts(services)
    ready = redis == artifacts == "ok"
    readiness = Readiness(
        status="ready" if ready else "unavailable",
        redis=redis,
        artifacts=artifacts,
        workers=workers,
        warnings=[_NO_WORKER] if workers == 0 else [],
    )
    return JSONResponse(readiness.model_dump(), 200 if ready else 503)


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


def _check_redis(services: Services) -> tuple[str, int | None]:
    """Return the state of Redis, and the number of workers if Redis responds."""
    try:
        return "ok", services.workers.count()
    except RedisError as error:
        return f"unreachable ({type(error).__name__})", None


def _check_artifacts(services: Services) -> str:
    try:
        services.files.check()
    except (ObjectStoreError, OSError) as error:
        log.warning("the artifact store does not respond: %s", str(error).partition("\n")[0])
        return f"unreachable ({type(error).__name__})"
    return "ok"
