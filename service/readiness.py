"""Whether jobs can be accepted: whether Redis and the object store respond."""

import logging
from typing import Literal

from obstore.exceptions import BaseError as ObjectStoreError
from pydantic import BaseModel, Field
from redis import RedisError

from service.services import Services

log = logging.getLogger(__name__)

_OK = "ok"
_NO_WORKER = "No worker is alive. Jobs are accepted, and wait until one is."


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

    @property
    def ready(self) -> bool:
        """Return whether jobs can be accepted. Without a worker, they are, and wait."""
        return self.redis == self.artifacts == _OK


def check_readiness(services: Services) -> Readiness:
    """Ask Redis and the object store, and count the workers."""
    redis, workers = _check_redis(services)
    found = Readiness(
        status="ready",
        redis=redis,
        artifacts=_check_artifacts(services),
        workers=workers,
        warnings=[_NO_WORKER] if workers == 0 else [],
    )
    return found if found.ready else found.model_copy(update={"status": "unavailable"})


def _check_redis(services: Services) -> tuple[str, int | None]:
    """Return the state of Redis, and the number of workers if Redis responds."""
    try:
        return _OK, services.workers.count()
    except RedisError as error:
        return f"unreachable ({type(error).__name__})", None


def _check_artifacts(services: Services) -> str:
    try:
        services.files.check()
    except (ObjectStoreError, OSError) as error:
        log.warning("the artifact store does not respond: %s", str(error).partition("\n")[0])
        return f"unreachable ({type(error).__name__})"
    return _OK
