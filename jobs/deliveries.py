"""Deliveries of webhooks: what is due, who sends it, and what became of each attempt.

A delivery is written by the transition that it tells of (`scripts/job.lua`), in the same step, so
that no crash loses one. A sender leases what is due, and writes the outcome of the attempt. One
that dies in between sends nothing more, and after its lease another sends the same message again.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from pydantic import BaseModel, ConfigDict
from redis import Redis

from jobs import redis_keys
from jobs.errors import NotFound
from jobs.script_runner import ScriptRunner
from jobs.webhook import EVENTS

# At once, by one sender: of one owner to one host, and of all.
PER_HOST, IN_ALL = 2, 64
Busy = Mapping[str, Mapping[str, int]]
"""What a sender has in flight: numbers by owner and host."""


class DeliveryState(StrEnum):
    """Whether a message has arrived."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class Delivery(BaseModel):
    """One message about one job. Times are milliseconds of Redis's clock.

    `host` is that of the receiver, with its port if the address names one.
    `attempts` counts since the last replay, with the one that a sender makes now.
    `token` identifies the claim of the sender that makes it.
    `status_code` is that of the last answer; None if there was none.
    `next_ms` is when a delivery that waits is sent again.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    job: str
    owner: str
    event: str
    host: str
    state: DeliveryState
    attempts: int
    token: str = ""
    status_code: int | None = None
    next_ms: int | None = None


@dataclass(frozen=True)
class DeliveryLoad:
    """Deliveries that are not over: their number, and the age of the first.

    `overdue_s` is for how long the first of those that are due has not been sent.
    """

    waiting: int
    oldest_s: float
    overdue_s: float


class DeliveryStore:
    """The deliveries in one Redis. Every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts = ScriptRunner(redis, "statistics", "deliveries")

    def claim(self, lease_ms: int, busy: Busy) -> list[Delivery]:
        """Lease deliveries that are due, beside those that the sender has in flight.

        An owner has at most as many places as are free, and two for each host.
        """
        found: list[list[str]] = self._scripts.run(
            "delivery_claim",
            [],
            token=secrets.token_hex(8),
            lease_ms=lease_ms,
            in_all=IN_ALL,
            per_host=PER_HOST,
            busy=busy,
        )
        return [_read(dict(zip(flat[::2], flat[1::2], strict=True))) for flat in found]

    def load(self) -> DeliveryLoad:
        """Return how many deliveries wait, and for how long."""
        waiting, oldest_ms, overdue_ms = self._scripts.run("delivery_load", [])
        return DeliveryLoad(waiting, oldest_ms / 1000, overdue_ms / 1000)

    def record(
        self, delivery: Delivery, state: DeliveryState, status_code: int | None, delay_ms: int = 0
    ) -> None:
        """Write the outcome of an attempt, unless another sender has the delivery by now."""
        self._record(delivery, state, status_code, delay_ms, unsent=False)

    def give_back(self, delivery: Delivery, delay_ms: int) -> None:
        """Let a message that was not sent be due again later. The attempt does not count."""
        self._record(delivery, DeliveryState.WAITING, None, delay_ms, unsent=True)

    def of_job(self, job_id: str) -> list[Delivery]:
        """Return the deliveries about a job, in the order of its events."""
        with self._redis.pipeline(transaction=False) as pipe:
            for event in EVENTS:
                pipe.hgetall(redis_keys.delivery(message_id(job_id, event)))
            found = cast("list[dict[str, str]]", pipe.execute())
        return [_read(fields) for fields in found if "state" in fields]

    def replay(self, job_id: str, delivery_id: str) -> Delivery:
        """Send a message about a job again, now. Raises NotFound."""
        if delivery_id in {message_id(job_id, event) for event in EVENTS}:
            self._scripts.run("delivery_replay", [], message=delivery_id)
            for delivery in self.of_job(job_id):
                if delivery.id == delivery_id:
                    return delivery
        raise NotFound(delivery_id)

    def _record(
        self,
        delivery: Delivery,
        state: DeliveryState,
        status_code: int | None,
        delay_ms: int,
        *,
        unsent: bool,
    ) -> None:
        self._scripts.run(
            "delivery_record",
            [],
            message=delivery.id,
            token=delivery.token,
            state=state,
            status_code=status_code or 0,
            delay_ms=delay_ms,
            unsent=unsent,
        )


def message_id(job_id: str, event: str) -> str:
    """Return the id of the message that tells of an event: the same however often it is sent."""
    return f"msg_{job_id}_{event.removeprefix('job.')}"


def _read(fields: dict[str, str]) -> Delivery:
    return Delivery.model_validate(fields)
