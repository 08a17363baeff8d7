"""Keys by which clients say that several requests are one. At most one job comes of a key in a day.

A request reserves the key, for so short a time that an API that dies with it does no harm. The script that writes the
record also writes the job's id into the key, and only if nobody else has reserved it meanwhile: no job of a key can
exist without the key saying so. The key is free again as soon as its job is forgotten, or the request refused.
"""

import hashlib
import secrets
from dataclasses import dataclass, field

from redis import Redis

from jobs import redis_keys
from jobs.errors import KeyReused
from jobs.script_runner import Scripts

LIFE_MS = 86_400_000
RESERVED_MS = 30_000


@dataclass(frozen=True)
class Reservation:
    """The right to make the one job of a key; `name` is the key's in Redis."""

    name: str
    fingerprint: str
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    @classmethod
    def of(cls, owner: str, key: str, fingerprint: str) -> "Reservation":
        """Not made yet: IdempotencyKeys does that."""
        return cls(
            redis_keys.idempotency_key(owner, hashlib.sha256(key.encode()).hexdigest()), fingerprint
        )


class IdempotencyKeys:
    """Reserves keys. Every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._run = Scripts(redis)

    def reserve(self, wanted: Reservation) -> str:
        """`reserved`, or the id of the key's job, or `busy` while another request makes it. Raises KeyReused."""
        answer = self._run(
            "key_reserve",
            [wanted.name],
            wanted.fingerprint,
            wanted.token,
            RESERVED_MS,
            redis_keys.job(""),
        )
        if answer == "reused":
            raise KeyReused
        return str(answer)

    def release(self, reservation: Reservation) -> None:
        """Nothing came of it. Does nothing once a job has the key, or another request."""
        self._run("key_release", [reservation.name], reservation.token)
