"""Hold a response until something has happened, without holding a thread."""

import logging
import re
import time

from kombu.exceptions import OperationalError
from redis import RedisError
from starlette.concurrency import run_in_threadpool

from catalog.model_description import ModelDescription
from jobs.model import Job
from jobs.queue import ask_for_description
from service.events.change_listener import pause
from service.problems import Problem
from service.services import Services

log = logging.getLogger(__name__)

MAX_WAIT_S = 60.0
# How long a response waits for a worker to describe a model, unless the client says otherwise.
DESCRIPTION_WAIT_S = 10.0
_PREFER_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)


def preferred_wait(header: str | None) -> float | None:
    """Return the seconds of `Prefer: wait=S` (RFC 7240), at most 60; None without that header."""
    match = _PREFER_WAIT.search(header or "")
    return min(float(match[1]), MAX_WAIT_S) if match else None


async def until_final(services: Services, job: Job, seconds: float) -> Job:
    """Wait until the job has ended, at most `seconds`; return its latest state."""
    deadline = time.monotonic() + min(seconds, MAX_WAIT_S)
    with services.changes.listen(job.id) as changed:
        while True:
            job = await run_in_threadpool(services.jobs.get, job.id, job.owner)
            left = deadline - time.monotonic()
            if job.status.final or left <= 0:
                return job
            await pause(changed, left)


async def model_description(
    services: Services, model: str, seconds: float
) -> ModelDescription | None:
    """Return the model's layers, or None if that takes longer than `seconds`.

    A worker is asked to describe a model that no worker has described yet. If no worker is alive,
    there is nothing to wait for. Raises Problem if a worker could not describe the model within the
    last minute; after that, one is asked again.
    """
    deadline = time.monotonic() + seconds
    asked = False
    with services.changes.listen(f"model:{model}") as changed:
        while True:
            text = await run_in_threadpool(services.models.description, model)
            if text is not None:
                return ModelDescription.model_validate_json(text)
            failure = await run_in_threadpool(services.models.failure, model)
            if failure is not None:
                raise Problem("description_failed", failure)
            if not asked:
                asked = await run_in_threadpool(_ask_a_worker, model)
            left = deadline - time.monotonic()
            if left <= 0 or not await run_in_threadpool(services.workers.count):
                return None
            await pause(changed, left)


def known_description(services: Services, model: str) -> ModelDescription | None:
    """Return what a worker has published of the model, without waiting for one."""
    text = services.models.description(model)
    return None if text is None else ModelDescription.model_validate_json(text)


def _ask_a_worker(model: str) -> bool:
    """Publish the question; return False if the broker cannot be reached."""
    try:
        ask_for_description(model)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("not published: %s", type(error).__name__)
        return False
    return True
