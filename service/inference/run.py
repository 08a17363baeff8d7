"""Run a plan on the images of a request: one job for each, by the one way in.

Every image is checked and stored before the first job is created, so that a bad one refuses the
whole request. The jobs are created one after another and waited for together: workers run those
that wait at the same time as one batch.
"""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from catalog.errors import CatalogError
from jobs.log_context import note
from jobs.model import Job
from service.admission import Admission, admit
from service.idempotency import read_key
from service.image_addresses import check_addresses, is_address
from service.inference.inference_request import InferenceRequest
from service.inference.plan import Plan
from service.inputs import store_inputs
from service.job_request import SentJobRequest, parse
from service.problems import Problem
from service.services import Services
from service.waiting import until_final


@dataclass(frozen=True)
class Caller:
    """Who asks, and the headers `Prefer` and `Idempotency-Key`.

    `drop_body` says that the body is not held any more.
    """

    services: Services
    owner: str
    prefer: str | None
    idempotency_key: str | None
    drop_body: Callable[[], None]


async def run(caller: Caller, plan: Plan, request: InferenceRequest, seconds: float) -> list[Job]:
    """Create the jobs, wait at most that long for all, and return their latest states.

    Raises Problem, CatalogError or JobsError if the request is refused, RedisError or an error
    of the object store if a store cannot be reached.
    """
    # Wrong parameters and keys are refused before images are decoded.
    key = read_key(caller.idempotency_key)
    parse(SentJobRequest(caller.owner, plan.technique, plan.fields, {}))
    images: dict[str, str] = {}
    for place in request.images:
        stored = await _stored(caller, plan, place, request.images[place])
        images[place] = request.images[place] = stored
    jobs = await _created(caller, plan, images, key)
    caller.drop_body()
    note(technique=plan.technique.name, model=plan.model.name)
    deadline = time.monotonic() + seconds
    return [
        job
        if job.status.final
        else await until_final(caller.services, job, max(0.0, deadline - time.monotonic()))
        for job in jobs
    ]


async def _stored(caller: Caller, plan: Plan, place: str, image: bytes | str) -> str:
    """Return the id of an image that is stored now, or its address, which admission fetches."""
    services = caller.services
    with _pointing_to(place):
        if is_address(image):
            check_addresses(services.settings, {"image": image})
            return str(image)
        arguments = (services, caller.owner, plan.technique, plan.model, {"image": image})
        if isinstance(image, bytes):
            inputs = await services.intake.run(caller.owner, store_inputs, *arguments)
        else:
            inputs = await run_in_threadpool(store_inputs, *arguments)
        return inputs["image"].id


async def _created(
    caller: Caller, plan: Plan, images: dict[str, str], key: str | None
) -> list[Job]:
    """Create one job for each image.

    If one is refused, those before it are canceled, since nobody would read them. With an
    idempotency key they are kept: the request that is sent again finds them.
    """
    whole = _digest(plan, list(images.values()))
    made: list[Admission] = []
    try:
        for i, (place, image) in enumerate(images.items()):
            sent = SentJobRequest(caller.owner, plan.technique, plan.fields, {"image": image})
            with _pointing_to(place if i else ""):
                made.append(await admit(caller.services, sent, _key_of(key, i), whole))
    except Exception:
        if key is None:
            for each in made:
                await run_in_threadpool(caller.services.jobs.cancel, each.job.id, caller.owner)
        raise
    return [each.job for each in made]


def _digest(plan: Plan, images: list[str]) -> str:
    """Return a digest of the request as a whole, by which a key tells it from others."""
    content = json.dumps([plan.technique.name, plan.fields, images], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _key_of(key: str | None, number: int) -> str | None:
    """Return the idempotency key of one image: that of the request for the first one."""
    if key is None or number == 0:
        return key
    return hashlib.sha256(f"{number} {key}".encode()).hexdigest()


@contextmanager
def _pointing_to(place: str) -> Iterator[None]:
    """Begin the sentence of a refusal with the place of the image; with none, leave it."""
    try:
        yield
    except (Problem, CatalogError) as error:
        if not place:
            raise
        status = error.status if isinstance(error, Problem) else None
        headers = error.headers if isinstance(error, Problem) else {}
        raise Problem(
            error.code, f"{place}: {error.detail}", error.errors, status, headers
        ) from None
