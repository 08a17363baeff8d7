"""FastAPI dependencies: the arguments that routes declare by their types."""

from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from catalog.registry import techniques
from jobs.api_keys import LOCAL_OWNER
from jobs.batch import BATCH
from jobs.errors import NotFound
from jobs.image_sets import ImageSet
from jobs.log_context import note
from jobs.model import Job
from service.middleware.body_limit import OWNER
from service.middleware.rate_limit_headers import STATE as ALLOWANCE
from service.problems import Problem
from service.services import Services

_BEARER = HTTPBearer(auto_error=False, description="A key made by `retinoscope keys create`.")
_HEADER = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="The same key in a header of its own."
)
_NOT_YOURS = "It never existed, has expired, or belongs to another key."


# These two wait for nothing, but FastAPI would send a plain function to a thread, and the thread
# would cost more than the function.
async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


async def _owner(
    request: Request,
    services: ServicesDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    header: Annotated[str | None, Security(_HEADER)],
) -> str:
    """Return the owner of the API key; without keys every client on this machine is `local`."""
    owner = await _owner_of_key(services, bearer, header)
    setattr(request.state, OWNER, owner)
    note(owner=owner)
    return owner


async def _owner_of_key(
    services: Services, bearer: HTTPAuthorizationCredentials | None, header: str | None
) -> str:
    if not await services.keys.required():
        return LOCAL_OWNER
    secret = header or (bearer.credentials if bearer else "")
    if header and bearer and header != bearer.credentials:
        raise Problem("unauthorized", "The request has two keys. Send one of them.")
    owner = services.keys.owner(secret) if secret else None
    if owner is None:
        fault = "The server does not know this key. " if secret else ""
        how = "Send a key as `Authorization: Bearer …` or `X-API-Key: …`."
        raise Problem("unauthorized", fault + how)
    return owner


OwnerDep = Annotated[str, Depends(_owner)]
KEY_REQUIRED = Depends(_owner)


async def _within_rate(request: Request, owner: OwnerDep, services: ServicesDep) -> None:
    """Count the call against the owner's rate. Raises Problem once it is used up."""
    per_minute = services.keys.limits(owner).requests_per_minute
    if per_minute is None:
        return
    allowance = await run_in_threadpool(services.rates.count, owner, per_minute)
    if allowance is None:
        return
    setattr(request.state, ALLOWANCE, allowance)
    if not allowance.granted:
        raise Problem(
            "too_many_requests",
            f"This key's owner may make {per_minute} calls in a minute. "
            f"Try again in {allowance.reset_s} s, or wait for jobs with `Prefer: wait=60`, "
            "`?wait=60` or their events instead of polling.",
        )


RATE_LIMITED = Depends(_within_rate)


def _job(job_id: str, owner: OwnerDep, services: ServicesDep) -> Job:
    """Return the job of the path if it belongs to the owner."""
    try:
        job = services.jobs.get(job_id, owner)
    except NotFound:
        detail = _NOT_YOURS
        if job_id in techniques():
            detail = (
                f"{job_id} is a technique. Create a job of it with POST, "
                "as curl does when it is given -F or --json."
            )
        raise Problem("job_not_found", detail) from None
    note(job_id=job.id, technique=job.technique, model=job.model)
    return job


ExistingJob = Annotated[Job, Depends(_job)]


def _batch(batch_id: str, owner: OwnerDep, services: ServicesDep) -> Job:
    """Return the job of the batch of the path if it belongs to the owner."""
    try:
        job = services.jobs.get(batch_id, owner)
    except NotFound:
        raise Problem("batch_not_found", _NOT_YOURS) from None
    if job.technique != BATCH:
        detail = f"{job.id} is a single job of {job.technique}: GET /v1/jobs/{job.id}."
        raise Problem("batch_not_found", detail)
    note(job_id=job.id, technique=job.technique, model=job.model)
    return job


ExistingBatch = Annotated[Job, Depends(_batch)]


def _image_set(set_id: str, owner: OwnerDep, services: ServicesDep) -> ImageSet:
    """Return the image set of the path if it belongs to the owner."""
    try:
        return services.image_sets.get(owner, set_id)
    except NotFound:
        raise Problem("image_set_not_found", _NOT_YOURS) from None


ExistingImageSet = Annotated[ImageSet, Depends(_image_set)]

Prefer = Annotated[
    str | None,
    Header(
        description=(
            "With `wait=20` the response is held until the job has ended or 20 seconds have passed "
            "(at most 60)."
        )
    ),
]

IdempotencyKey = Annotated[
    str | None,
    Header(
        description=(
            "1 to 255 printable ASCII characters that you choose, such as a UUID, quoted or not. "
            "For 24 hours the same request with the same key returns the same job, and a different "
            "request with that key is refused."
        )
    ),
]
