"""The records of jobs in Redis, as the API sees them: create, read, list, cancel, forget."""

import json
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from redis import Redis

from jobs import redis_keys
from jobs.create_options import DEFAULT_OPTIONS, CreateOptions
from jobs.errors import (
    JobsError,
    KeyTaken,
    NotFound,
    OtherWeights,
    QueueFull,
    ResultThere,
    StillRunning,
    TooManyJobs,
    TooSlow,
)
from jobs.job_request import JobRequest
from jobs.model import Job, PreparedMessage
from jobs.script_runner import Transitions
from jobs.settings import Settings

_LIST_CHUNK = 200
_WAITING_SEEN = 500  # with hundreds at hand it does not matter who else waits, and a queue may have a hundred thousand
_ID = re.compile("[0-9a-f]{32}")
_REFUSALS: dict[str, type[JobsError]] = {
    "taken": KeyTaken, "full": QueueFull, "too many": TooManyJobs, "done": ResultThere, "too slow": TooSlow,
    "other weights": OtherWeights,
}  # fmt: skip


class JobStore:
    """Reads and moves records. Every method may raise redis.RedisError.

    `hint` (id, queue) is the message that tells the workers of a new job; without it the reconciler does, later.
    """

    def __init__(
        self,
        redis: Redis,
        settings: Settings,
        hint: Callable[[str, str], PreparedMessage] | None = None,
    ) -> None:
        self._hint = hint
        self.redis = redis
        self.settings = settings
        self.transition = Transitions(redis, settings.job_ttl_s)

    def create(
        self,
        request: JobRequest,
        options: CreateOptions = DEFAULT_OPTIONS,
        *,
        job_id: str = "",
        result: Sequence[str] = (),
    ) -> Job:
        """Write the record, state `queued`, and into the idempotency key its id; tell the workers.

        With `result`, fields and values of an ended job, the state is `succeeded`; the files of `job_id` were expected.
        Raises QueueFull, TooManyJobs, KeyTaken, OtherWeights, ResultThere or TooSlow.
        """
        job_id = job_id or new_job_id()
        fields = [*_flat(request.to_record() | options.recorded()), *result]
        limits: dict[str, Any] = {
            "grace_ms": round(self.settings.publish_grace_s * 1000),
            "most_waiting": self.settings.max_queued,
            "most_of_owner": self.settings.max_queued_per_owner,
        }
        if self._hint is not None:
            limits["hint"] = asdict(self._hint(job_id, request.queue))
        text = json.dumps(limits | options.script_arguments() | {"cached": bool(result)})
        answer, *record = self.transition.ask("create", job_id, request.owner, text, *fields)
        if answer in _REFUSALS:
            raise _REFUSALS[answer](*record)
        return Job.from_flat(record[0])

    def get(self, job_id: str, owner: str | None = None) -> Job:
        """The record. Raises NotFound, also when it belongs to another owner."""
        if not _ID.fullmatch(job_id):
            raise NotFound(job_id)
        fields: dict[str, str] = self.redis.hgetall(redis_keys.job(job_id))  # type: ignore[assignment]
        if "status" not in fields or owner not in (None, fields["owner"]):
            raise NotFound(job_id)
        return Job.from_hash(fields)

    def page(
        self, owner: str, *, before: str | None, limit: int, wanted: Callable[[Job], bool]
    ) -> list[Job]:
        """Newest first, the ids below `before`, at most `limit`, those that are `wanted`."""
        found: list[Job] = []
        while len(found) < limit:
            ids = self._ids(owner, before)
            found += [job for job in self._many(ids) if wanted(job)]
            if len(ids) < _LIST_CHUNK:
                break
            before = ids[-1]
        return found[:limit]

    def cancel(self, job_id: str, owner: str) -> Job:
        """Stop it if it has not ended; ending is left to the worker when it runs. Raises NotFound."""
        self.get(job_id, owner)
        self.transition("cancel", job_id, owner)
        return self.get(job_id, owner)

    def forget(self, job_id: str, owner: str, *, only_expired: bool = False) -> bool:
        """Delete the record. True if nothing is left of it. Raises StillRunning."""
        answer = self.transition("forget", job_id, owner, "1" if only_expired else "0")
        if answer == "running" and not only_expired:
            raise StillRunning(job_id)
        return answer in ("forgotten", "gone")

    def load(self) -> tuple[int, int]:
        """How many jobs wait, and how many run."""
        with self.redis.pipeline() as pipe:
            pipe.zcard(redis_keys.WAITING)
            pipe.zcard(redis_keys.LEASED)
            waiting, running = pipe.execute()
        return waiting, running

    def waiting(self, most: int) -> list[Job]:
        """Jobs that wait, those that wait longest first; of a long queue the oldest of a part."""
        ids: list[str] = self.redis.zrange(redis_keys.WAITING, 0, _WAITING_SEEN - 1)  # type: ignore[assignment]
        return self._many(sorted(ids)[:most]) if ids else []  # ids sort by age

    def counters(self) -> dict[str, int]:
        """`created:<technique>` and `finished:<status>:<technique>` → how many, since jobs were last seen."""
        counts: dict[str, str] = self.redis.hgetall(redis_keys.COUNTERS)  # type: ignore[assignment]
        return {name: int(count) for name, count in counts.items()}

    def _ids(self, owner: str, before: str | None) -> list[str]:
        top = f"({before}" if before else "+"
        ids: list[str] = self.redis.zrevrangebylex(  # type: ignore[assignment]
            redis_keys.owner_jobs(owner), top, "-", start=0, num=_LIST_CHUNK
        )
        return ids

    def _many(self, ids: list[str]) -> list[Job]:
        with self.redis.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.hgetall(redis_keys.job(job_id))
            return [Job.from_hash(fields) for fields in pipe.execute() if "status" in fields]


def new_job_id() -> str:
    """128 bits in hex: milliseconds, so that ids sort by age, then 80 random bits."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def _flat(fields: dict[str, Any]) -> list[str]:
    flat: list[str] = []
    for name, value in fields.items():
        flat += [name, value if isinstance(value, str) else json.dumps(value)]
    return flat
