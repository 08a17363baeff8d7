"""The secret with which the webhooks of an owner are signed, kept in Redis."""

import base64
import secrets
from dataclasses import dataclass

from redis import Redis

from jobs import redis_keys
from jobs.script_runner import ScriptRunner

_SECRET_BYTES = 32
# After a rotation both secrets sign for so long.
OVERLAP_MS = 86_400_000
# A secret is kept for so long after it was read or has signed.
LIFE_MS = 400 * 86_400_000


@dataclass(frozen=True)
class WebhookSecret:
    """The secrets of an owner, as `whsec_` and base64 (Standard Webhooks).

    `previous` signs, too, until `previous_ms`, a time in milliseconds. Without one it is empty.
    """

    secret: str
    previous: str = ""
    previous_ms: int | None = None

    @property
    def all(self) -> list[str]:
        """The secrets that sign, the present one first."""
        return [self.secret, *([self.previous] if self.previous else [])]


class WebhookSecrets:
    """The secrets of all owners in one Redis. Every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._scripts = ScriptRunner(redis)

    def of(self, owner: str) -> WebhookSecret:
        """Return the secret of an owner. It is made when it is first asked for."""
        return self._run(owner, rotate=False)

    def rotate(self, owner: str) -> WebhookSecret:
        """Replace the secret of an owner. The present one signs beside it for a day."""
        return self._run(owner, rotate=True)

    def _run(self, owner: str, *, rotate: bool) -> WebhookSecret:
        secret, previous, previous_ms = self._scripts.run(
            "webhook_secret",
            [redis_keys.webhook_secret(owner)],
            candidate=_new_secret(),
            rotate=rotate,
            overlap_ms=OVERLAP_MS,
            life_ms=LIFE_MS,
        )
        return WebhookSecret(secret, previous, previous_ms or None)


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()
