"""What the routes work with, made once per process."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from catalog.registry import techniques
from jobs.api_keys import LOCAL_OWNER, KeyRing
from jobs.artifacts import ArtifactStore
from jobs.celery_message import prepare_message
from jobs.connection import connect
from jobs.deduplication import Deduplicator
from jobs.errors import NotFound
from jobs.events import EventLog
from jobs.idempotency import IdempotencyKeys
from jobs.image_sets import ImageSet, ImageSetStore
from jobs.model import Job
from jobs.registries import ModelRegistry, WorkerRegistry
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.uploads import ArrayStore, ImageStore
from service.events.change_listener import ChangeListener
from service.events.feeds import Feeds
from service.problems import Problem


@dataclass(frozen=True)
class Services:
    settings: Settings
    jobs: JobStore
    files: ArtifactStore
    images: ImageStore
    arrays: ArrayStore
    image_sets: ImageSetStore
    workers: WorkerRegistry
    models: ModelRegistry
    keys: KeyRing
    changes: ChangeListener
    events: EventLog
    feeds: Feeds
    idempotency: IdempotencyKeys
    sharing: Deduplicator


def make_services(settings: Settings) -> Services:
    redis = connect(settings.redis_url)
    files = ArtifactStore(settings.artifacts_location)
    images = ImageStore(redis, files, settings)
    changes, events = ChangeListener(settings.redis_url), EventLog(redis)
    jobs = JobStore(redis, settings, prepare_message)
    return Services(
        settings=settings,
        jobs=jobs,
        files=files,
        images=images,
        arrays=ArrayStore(redis, files, settings),
        image_sets=ImageSetStore(redis, files, images, settings),
        workers=WorkerRegistry(redis),
        models=ModelRegistry(redis),
        keys=KeyRing(settings.keys_location),
        changes=changes,
        events=events,
        feeds=Feeds(events, changes, settings.max_listeners),
        idempotency=IdempotencyKeys(redis),
        sharing=Deduplicator(jobs, files),
    )


# Asynchronous though they wait for nothing: FastAPI would send each to a thread, which costs more than they do.
async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]


_BEARER = HTTPBearer(auto_error=False, description="A key made by `retinoscope keys create`.")
_HEADER = APIKeyHeader(
    name="X-API-Key", auto_error=False, description="The same key, in a header of its own."
)


async def _owner(
    services: ServicesDep,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
    header: Annotated[str | None, Security(_HEADER)],
) -> str:
    """Who asks. Without keys everybody on this machine is `local`."""
    if not services.keys.configured:
        return LOCAL_OWNER
    secret = header or (bearer.credentials if bearer else "")
    owner = services.keys.owner(secret) if secret else None
    if owner is None:
        raise Problem("unauthorized", "Send a key as `Authorization: Bearer …` or `X-API-Key: …`.")
    return owner


OwnerDep = Annotated[str, Depends(_owner)]
KEY = Depends(_owner)


def _job(job_id: str, owner: OwnerDep, services: ServicesDep) -> Job:
    """The job of the path, if it is the owner's."""
    try:
        return services.jobs.get(job_id, owner)
    except NotFound:
        detail = "It never existed, has expired, or belongs to another key."
        if job_id in techniques():
            detail = f"{job_id} is a technique: POST makes a job, as curl does with -F or --json."
        raise Problem("job_not_found", detail) from None


ExistingJob = Annotated[Job, Depends(_job)]


def _image_set(set_id: str, owner: OwnerDep, services: ServicesDep) -> ImageSet:
    """The image set of the path, if it is the owner's."""
    try:
        return services.image_sets.get(owner, set_id)
    except NotFound:
        raise Problem(
            "image_set_not_found", "It never existed, has expired, or belongs to another key."
        ) from None


ExistingImageSet = Annotated[ImageSet, Depends(_image_set)]
