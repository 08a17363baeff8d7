"""Holding an answer until something has happened, without holding a thread."""

import logging
import re
import time
from collections.abc import Callable

from kombu.exceptions import OperationalError
from redis import RedisError
from starlette.concurrency import run_in_threadpool

from catalog.models import ModelDescription
from jobs.model import Job
from jobs.queue import ask_for_description
from service.events.change_listener import pause
from service.services import Services

MAX_WAIT_S = 60.0
_PREFER_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,6})\"?", re.IGNORECASE)


def preferred_wait(header: str | None) -> float | None:
    """Seconds of `Prefer: wait=S` (RFC 7240), at most a minute; None if not asked."""
    match = _PREFER_WAIT.search(header or "")
    return min(float(match[1]), MAX_WAIT_S) if match else None


async def until_final(services: Services, job: Job, seconds: float) -> Job:
    """The job once it has ended, or as it is when the time is over."""
    deadline = time.monotonic() + min(seconds, MAX_WAIT_S)
    with services.changes.listen(job.id) as changed:
        while True:
            job = await run_in_threadpool(services.jobs.get, job.id, job.owner)
            left = deadline - time.monotonic()
            if job.status.final or left <= 0:
                return job
            await pause(changed, left)


async def description(services: Services, model: str, seconds: float) -> ModelDescription | None:
    """What the model is made of; a worker is asked when nobody has described it yet. None if that takes too long."""
    deadline = time.monotonic() + seconds
    asked = False
    with services.changes.listen(f"model:{model}") as changed:
        while True:
            text = await run_in_threadpool(services.models.description, model)
            if text is not None:
                return ModelDescription.model_validate_json(text)
            if not asked:
                asked = await run_in_threadpool(tolerant, ask_for_description, model)
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            await pause(changed, left)


log = logging.getLogger(__name__)


def tolerant(send: Callable[..., None], *arguments: str) -> bool:
    """Send; False if the broker is away."""
    try:
        send(*arguments)
    except (OperationalError, RedisError, OSError) as error:
        log.warning("not published: %s", type(error).__name__)
        return False
    return True
