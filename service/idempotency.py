"""`Idempotency-Key`: a request that is sent again, since its answer was lost, makes no second job."""

import hashlib
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated

from fastapi import Header
from redis import RedisError
from starlette.concurrency import run_in_threadpool

from jobs.errors import KeyReused, KeyTaken, NotFound
from jobs.idempotency import Reservation
from jobs.model import Job
from service.events.change_listener import pause
from service.job_request import SentJobRequest
from service.problems import Problem
from service.services import Services

log = logging.getLogger(__name__)

_PATIENCE_S = 2.0
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')  # a string of RFC 8941
_BARE = re.compile("[!-~](?:[ -~]*[!-~])?")
_MOST = 255

IdempotencyKey = Annotated[
    str | None,
    Header(
        description=(
            "1 to 255 printable ASCII characters of your own, such as a UUID, quoted or not. For 24 hours the same "
            "request with the same key gives the same job; another request with it is refused."
        )
    ),
]

Make = Callable[[Reservation], Awaitable[Job]]


def read_key(header: str | None) -> str | None:
    """The key, without the quotes that the draft standard puts around it. Raises Problem."""
    if header is None:
        return None
    text = header.strip()
    if match := _QUOTED.fullmatch(text):
        key = re.sub(r"\\(.)", r"\1", match[1])
    else:
        key = text if _BARE.fullmatch(text) and not text.startswith('"') else ""
    if not 1 <= len(key) <= _MOST:
        detail = f"Idempotency-Key takes 1 to {_MOST} printable ASCII characters, quoted or not."
        raise Problem("invalid_idempotency_key", detail)
    return key


def fingerprint_of(order: SentJobRequest) -> str:
    """What makes two requests the same: the technique, what was asked for, and the bytes of the images."""
    asked = order.options.model_dump(exclude_unset=True) | order.params.model_dump(
        mode="json", exclude_unset=True
    )
    digests = {name: _digest(sent) for name, sent in order.images.items()}
    return hashlib.sha256(
        json.dumps([order.technique.name, asked, digests], sort_keys=True).encode()
    ).hexdigest()


async def once(
    services: Services, owner: str, key: str, fingerprint: str, make: Make
) -> tuple[Job, bool]:
    """The key's job, and whether it was there before. `make` makes one, or is refused. Raises Problem."""
    while True:
        reservation = Reservation.of(owner, key, fingerprint)
        answer = await _reserve(services, reservation)
        if answer == "reserved":
            with suppress(KeyTaken):  # it took too long, and another request came before
                return await _make(services, reservation, make), False
        else:
            with suppress(NotFound):  # forgotten this moment
                return await run_in_threadpool(services.jobs.get, answer, owner), True


async def _make(services: Services, reservation: Reservation, make: Make) -> Job:
    try:
        return await make(reservation)
    except Exception:
        await run_in_threadpool(_release, services, reservation)
        raise


async def _reserve(services: Services, reservation: Reservation) -> str:
    """`reserved`, or the id of the key's job. A request that is making it is waited for, briefly. Raises Problem."""
    deadline = time.monotonic() + _PATIENCE_S
    with services.changes.listen(reservation.name) as changed:
        while True:
            try:
                answer = await run_in_threadpool(services.idempotency.reserve, reservation)
            except RedisError:  # the reservation may have been made all the same
                await run_in_threadpool(_release, services, reservation)
                raise
            except KeyReused:
                detail = "This Idempotency-Key was used for another request. Take a new key for a new request."
                raise Problem("idempotency_key_reused", detail) from None
            if answer != "busy":
                return answer
            left = deadline - time.monotonic()
            if left <= 0:
                detail = "A request with this Idempotency-Key is being read. Send this one again in a moment."
                raise Problem("idempotency_in_progress", detail)
            await pause(changed, left)


def _release(services: Services, reservation: Reservation) -> None:
    try:
        services.idempotency.release(reservation)
    except RedisError as error:
        log.warning("an idempotency key stays reserved for a while: %s", type(error).__name__)


def _digest(sent: bytes | str) -> str:
    return sent if isinstance(sent, str) else f"sha256:{hashlib.sha256(sent).hexdigest()}"
