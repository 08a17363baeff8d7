"""Is it alive, is it ready, how busy is it."""

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from obstore.exceptions import BaseError as ObjectStoreError
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from redis import RedisError

from service.metrics import exposition
from service.services import Services, ServicesDep

router = APIRouter(tags=["health"])


class Health(BaseModel):
    status: str


class Readiness(BaseModel):
    status: str
    redis: str
    artifacts: str
    workers: int | None


@router.get("/healthz", operation_id="healthz", summary="The process lives")
async def healthz() -> Health:
    return Health(status="ok")


@router.get(
    "/readyz", operation_id="readyz", summary="Jobs can be accepted", response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Jobs cannot be accepted"}},
)  # fmt: skip
def readyz(services: ServicesDep) -> Response:
    """Redis and the object store must answer. Workers are counted; without any, jobs wait."""
    redis, workers = _redis(services)
    artifacts = _artifacts(services)
    ready = redis == artifacts == "ok"
    state = Readiness(
        status="ready" if ready else "unavailable",
        redis=redis,
        artifacts=artifacts,
        workers=workers,
    )
    return JSONResponse(state.model_dump(), 200 if ready else 503)


@router.get(
    "/metrics", operation_id="metrics", summary="Prometheus metrics", response_class=Response
)
def metrics(services: ServicesDep) -> Response:
    return Response(exposition(services), media_type=CONTENT_TYPE_LATEST)


def _redis(services: Services) -> tuple[str, int | None]:
    try:
        return "ok", services.workers.count()
    except RedisError as error:
        return f"unreachable ({type(error).__name__})", None


def _artifacts(services: Services) -> str:
    try:
        services.files.check()
    except (ObjectStoreError, OSError) as error:
        return f"unreachable ({type(error).__name__})"
    return "ok"
