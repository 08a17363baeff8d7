"""Idempotency keys, by which a client marks several requests as one.

At most one job per day comes from a key. A request reserves the key for a short time, so that an
API process that dies does not block it. The script that writes the job's record also writes the
job's id into the key, and only if no other request has reserved the key meanwhile. A job of a key
therefore never exists without the key naming it. The key becomes free again when its job is
forgotten or when the request is refused.
"""

import hashlib
import secrets
from dataclasses import dataclass, field
from enum import StrEnum

from redis import Redis

from jobs import redis_keys
from jobs.errors import KeyReused
from jobs.script_runner import ScriptRunner

LIFE_MS = 86_400_000
RESERVED_MS = 30_000


@dataclass(frozen=True)
class Reservation:
    """The right to make the one job of an idempotency key.

    `name` is the key in Redis. `fingerprint` is a digest of the request. `token` identifies this
    reservation.
    """

    name: str
    fingerprint: str
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    @classmethod
    def of(cls, owner: str, key: str, fingerprint: str) -> "Reservation":
        """Return a reservation that IdempotencyKeys.reserve has yet to make."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        return cls(redis_keys.idempotency_key(owner, digest), fingerprint)


class KeyState(StrEnum):
    """The state of an idempotency key that has no job."""

    RESERVED = "reserved"
    BUSY = "busy"


class IdempotencyKeys:
    """The idempotency keys in one Redis. Every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._scripts = ScriptRunner(redis)

    def reserve(self, wanted: Reservation) -> KeyState | str:
        """Reserve a key and return RESERVED, or return the id of the job that it has.

        Returns BUSY while another request makes the job. Raises KeyReused if the key belongs to a
        request with another fingerprint.
        """
        answer, *job_id = self._scripts.run(
            "key_reserve",
            [wanted.name],
            fingerprint=wanted.fingerprint,
            token=wanted.token,
            life_ms=RESERVED_MS,
        )
        if answer == "reused":
            raise KeyReused
        return str(job_id[0]) if job_id else KeyState(answer)

    def release(self, reservation: Reservation) -> None:
        """Free a key whose reservation led to no job.

        Does nothing once the key has a job or belongs to another request.
        """
        self._scripts.run("key_release", [reservation.name], token=reservation.token)
