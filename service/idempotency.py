"""The header `Idempotency-Key`: a request that is sent again creates no second job."""

import hashlib
import json
import logging
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from redis import RedisError
from starlette.concurrency import run_in_threadpool

from jobs.errors import KeyReused, NotFound
from jobs.idempotency import KeyState, Reservation
from jobs.model import Job
from service.events.change_listener import pause
from service.job_request import ParsedJobRequest
from service.problems import Problem
from service.services import Services

log = logging.getLogger(__name__)

_PATIENCE_S = 2.0
# A string of RFC 8941.
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_BARE = re.compile("[!-~](?:[ -~]*[!-~])?")
_MAX_LENGTH = 255


def read_key(header: str | None) -> str | None:
    """Return the key without the quotes that the draft standard asks for. Raises Problem."""
    if header is None:
        return None
    text = header.strip()
    if match := _QUOTED.fullmatch(text):
        key = re.sub(r"\\(.)", r"\1", match[1])
    else:
        key = text if _BARE.fullmatch(text) and not text.startswith('"') else ""
    if not 1 <= len(key) <= _MAX_LENGTH:
        raise Problem(
            "invalid_idempotency_key",
            f"Idempotency-Key takes 1 to {_MAX_LENGTH} printable ASCII characters, quoted or not.",
        )
    return key


def fingerprint(request: ParsedJobRequest) -> str:
    """Return a digest of what was sent: technique, parameters, options and bytes of the inputs.

    Defaults and a drawn seed are left out, so the request must not be resolved yet.
    """
    options = request.options.model_dump(exclude_unset=True)
    params = request.params.model_dump(mode="json", exclude_unset=True)
    digests = {name: _digest(sent) for name, sent in request.inputs.items()}
    content = json.dumps([request.technique.name, options | params, digests], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


async def reserve(services: Services, owner: str, key: str, digest: str) -> Reservation | Job:
    """Reserve the key for a new job, or return the job that was created with it.

    While another request holds a reservation, wait for it briefly. Raises Problem.
    """
    while True:
        reservation = Reservation.of(owner, key, digest)
        answer = await _try_to_reserve(services, reservation)
        if answer is KeyState.RESERVED:
            return reservation
        # NotFound: the job was deleted a moment ago, and the key is free again.
        with suppress(NotFound):
            return await run_in_threadpool(services.jobs.get, answer, owner)


@asynccontextmanager
async def released_on_error(services: Services, reservation: Reservation) -> AsyncIterator[None]:
    """Release the reservation if the block raises: a refused request leaves its key free."""
    try:
        yield
    except Exception:
        await run_in_threadpool(_release, services, reservation)
        raise


async def _try_to_reserve(services: Services, reservation: Reservation) -> KeyState | str:
    """Return RESERVED, or the id of the key's job. Raises Problem."""
    deadline = time.monotonic() + _PATIENCE_S
    with services.changes.listen(reservation.name) as changed:
        while True:
            try:
                answer = await run_in_threadpool(services.idempotency.reserve, reservation)
            except RedisError:
                # The reservation may have been written although the answer was lost.
                await run_in_threadpool(_release, services, reservation)
                raise
            except KeyReused:
                raise Problem(
                    "idempotency_key_reused",
                    "This Idempotency-Key was used for another request. "
                    "Use a new key for a new request.",
                ) from None
            if answer is not KeyState.BUSY:
                return answer
            left = deadline - time.monotonic()
            if left <= 0:
                raise Problem(
                    "idempotency_in_progress",
                    "A request with this Idempotency-Key is in progress. "
                    "Send this request again in a moment.",
                )
            await pause(changed, left)


def _release(services: Services, reservation: Reservation) -> None:
    try:
        services.idempotency.release(reservation)
    except RedisError as error:
        log.warning("an idempotency key stays reserved for a while: %s", type(error).__name__)


def _digest(sent: bytes | str) -> str:
    return sent if isinstance(sent, str) else f"sha256:{hashlib.sha256(sent).hexdigest()}"
