"""The records of jobs in Redis: create, read, list, cancel and forget them."""

import json
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, cast

from redis import Redis

from jobs import redis_keys
from jobs.archive import Archive
from jobs.artifacts import ArtifactStore
from jobs.create_options import DEFAULT_OPTIONS, CreateOptions
from jobs.errors import (
    JobsError,
    KeyTaken,
    NotFound,
    OtherWeights,
    QueueFull,
    ResultExists,
    StillRunning,
    TooLate,
    TooManyJobs,
)
from jobs.job_list import JobList, is_record
from jobs.job_request import JobRequest
from jobs.memory_guard import MemoryGuard
from jobs.model import Job, PreparedMessage
from jobs.script_runner import ScriptRunner
from jobs.settings import Settings
from jobs.transitions import Answer, Transitions

# Members of a sorted set of times that one pass handles.
_DUE_AT_A_TIME = 100
_ID = re.compile("[0-9a-f]{32}")
_REFUSALS: dict[Answer, type[JobsError]] = {
    Answer.KEY_TAKEN: KeyTaken,
    Answer.QUEUE_FULL: QueueFull,
    Answer.RESULT_EXISTS: ResultExists,
    Answer.TOO_LATE: TooLate,
    Answer.WEIGHTS_CHANGED: OtherWeights,
}


@dataclass(frozen=True)
class Usage:
    """What an owner uses: jobs that have not ended, that run, and that have begun today."""

    open: int
    running: int
    jobs_today: int
    passes_today: float


class JobStore:
    """The records of jobs in one Redis. Every method may raise redis.RedisError.

    `prepare` makes the Celery message of a new job from its id and queue. Without it, the
    reconciler publishes the job later.
    """

    def __init__(
        self,
        redis: Redis,
        settings: Settings,
        prepare: Callable[[str, str], PreparedMessage] | None = None,
    ) -> None:
        self._prepare = prepare
        self.redis = redis
        self.settings = settings
        self.transitions = Transitions(
            redis, settings.job_ttl_ms, round(settings.archive_after_s * 1000)
        )
        self._memory = MemoryGuard(redis)
        self._fair_share = ScriptRunner(redis, "fair_share")

    def create(
        self,
        request: JobRequest,
        options: CreateOptions = DEFAULT_OPTIONS,
        *,
        job_id: str = "",
        result: Sequence[str] = (),
    ) -> Job:
        """Write the record of a queued job, bind its idempotency key and publish its message.

        With `result`, which holds names and values of a finished record, the job succeeds at once.
        Its `job_id` must have been announced, because its files exist already.
        Raises QueueFull, TooManyJobs, StoreFull, KeyTaken, OtherWeights, ResultExists or TooLate.
        """
        self._memory.check()
        job_id = job_id or new_job_id()
        max_open = options.limits.max_open or self.settings.max_queued_per_owner
        answer, value = self.transitions.run_with_value(
            "create",
            job_id,
            request.owner,
            fields=[*_flat(request.to_record() | options.to_record()), *result],
            options=options.script_arguments(),
            has_result=bool(result),
            message=asdict(self._prepare(job_id, request.queue)) if self._prepare else False,
            grace_ms=self.settings.publish_grace_ms,
            max_waiting=self.settings.max_queued,
            max_open=max_open,
        )
        if answer is Answer.TOO_MANY_JOBS:
            raise TooManyJobs(value, max_open)
        if answer in _REFUSALS:
            raise _REFUSALS[answer](*([value] if value else []))
        return Job.from_flat(value)

    def get(self, job_id: str, owner: str | None = None) -> Job:
        """Return the record. Raises NotFound, also when it belongs to another owner."""
        check_id(job_id)
        fields = cast("dict[str, str]", self.redis.hgetall(redis_keys.job(job_id)))
        if not is_record(fields) or owner not in (None, fields["owner"]):
            raise NotFound(job_id)
        return Job.from_hash(self.archive.whole(fields))

    @cached_property
    def archive(self) -> Archive:
        """The records of jobs that ended long ago."""
        files = ArtifactStore(self.settings.artifacts_location)
        return Archive(self.redis, files, self.transitions)

    @cached_property
    def listing(self) -> JobList:
        """Lists of the jobs of an owner."""
        return JobList(self.redis, lambda: self.archive)

    def pick(self, job_id: str, queue: str) -> str | None:
        """Return the id of the job that a worker runs now, given a message that names a job.

        A job that has begun is run itself. Otherwise the oldest job is taken of the owner who has
        had least of that queue. Return None if no job may run.
        """
        check_id(job_id)
        keys = [redis_keys.job(job_id), redis_keys.fair_starts(queue)]
        picked = self._fair_share.run("pick", keys, named_id=job_id, queue=queue)
        return picked or None

    def cancel(self, job_id: str, owner: str) -> Job:
        """Cancel a waiting job, or ask the worker of a running job to stop. Raises NotFound."""
        self.get(job_id, owner)
        self.transitions.run("cancel", job_id)
        return self.get(job_id, owner)

    def forget(self, job_id: str, owner: str = "", *, only_expired: bool = False) -> bool:
        """Delete the record and return whether nothing is left of it. Raises StillRunning.

        With `owner`, the id also leaves the owner's list if the record is gone already.
        """
        answer = self.transitions.run("forget", job_id, owner, only_expired=only_expired)
        if answer is Answer.RUNNING and not only_expired:
            raise StillRunning(job_id)
        return answer in (Answer.FORGOTTEN, Answer.GONE)

    def ready(self, owner: str, queue: str, limit: int) -> list[Job]:
        """Return up to `limit` jobs of an owner that have not begun, oldest first."""
        key = redis_keys.owner_ready(owner, queue)
        return self.listing.read(cast("list[str]", self.redis.zrange(key, 0, limit - 1)))

    def usage(self, owner: str) -> Usage:
        """Return what an owner uses now, and has used since midnight UTC."""
        seconds, _ = self.redis.time()
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.zcount(redis_keys.owner_open(owner), seconds * 1000, "+inf")
            pipe.zcount(redis_keys.owner_running(owner), seconds * 1000, "+inf")
            pipe.hgetall(redis_keys.owner_usage(owner, seconds // 86_400))
            unfinished, running, today = pipe.execute()
        return Usage(unfinished, running, int(today.get("jobs", 0)), float(today.get("passes", 0)))

    def due(self, key: str) -> list[str]:
        """Return the first members of a sorted set of times whose time has come."""
        seconds, micros = self.redis.time()
        now_ms = seconds * 1000 + micros // 1000
        due = self.redis.zrangebyscore(key, 0, now_ms, start=0, num=_DUE_AT_A_TIME)
        return cast("list[str]", due)

    def counters(self) -> dict[str, int]:
        """Return the counts of `created:`, `cached:` and `finished:<status>:` per technique."""
        counts = cast("dict[str, str]", self.redis.hgetall(redis_keys.COUNTERS))
        return {name: int(count) for name, count in counts.items()}


def new_job_id() -> str:
    """Return 128 bits in hex: milliseconds, so that ids sort by age, then 80 random bits."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def check_id(job_id: str) -> None:
    """Raise NotFound for a malformed id, so that no other text ever reaches a key."""
    if not _ID.fullmatch(job_id):
        raise NotFound(job_id)


def _flat(fields: dict[str, Any]) -> list[str]:
    flat: list[str] = []
    for name, value in fields.items():
        flat += [name, value if isinstance(value, str) else json.dumps(value)]
    return flat
