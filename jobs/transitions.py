"""Transitions of a job from one status to another, each an atomic script (`scripts/*.lua`).

from              to         script                 when
----------------  ---------  ---------------------  ---------------------------------------------
(no record)       queued     create                 A request is accepted.
(no record)       succeeded  create                 An identical job already has the result.
queued            running    claim                  A worker takes the job.
queued            succeeded  take                   The job that this one follows has a result.
queued            canceled   cancel                 A client cancels the job.
running           running    claim                  A worker takes over an expired lease.
running           running    heartbeat              The worker is alive, with or without progress.
running           running    swap                   A newer preview or checkpoint exists.
running           running    cancel                 A client requests a cancel.
running           queued     give_back              The worker stops.
running           queued     recover                The lease has expired.
running           succeeded  finish                 The worker has a result.
running           failed     finish                 The worker reports an error.
running           canceled   finish, give_back      The worker stops after a cancel request.
running           canceled   claim, recover         The lease has expired after a cancel request.
running           failed     claim, recover         The worker crashed too often (`poisoned`).
queued, running   failed     claim, heartbeat,      The deadline has passed.
                             finish, recover, take

`forget` deletes the record of a job that does not run. `archive` makes the record of an ended job
small, after it was stored elsewhere.
"""

from enum import StrEnum
from typing import Any

from redis import Redis

from jobs import redis_keys
from jobs.script_runner import Argument, ScriptRunner


class Answer(StrEnum):
    """The answer of a transition. The comment at the head of each script lists its answers."""

    CREATED = "created"
    EXISTS = "exists"
    KEY_TAKEN = "key_taken"
    WEIGHTS_CHANGED = "weights_changed"
    RESULT_EXISTS = "result_exists"
    TOO_LATE = "too_late"
    QUEUE_FULL = "queue_full"
    TOO_MANY_JOBS = "too_many_jobs"

    CLAIMED = "claimed"
    HELD = "held"
    LOST = "lost"
    LEASED = "leased"
    LIMITED = "limited"
    SWAPPED = "swapped"
    QUEUED = "queued"
    FINISHED = "finished"
    CANCELED = "canceled"
    CANCEL_REQUESTED = "cancel_requested"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    POISONED = "poisoned"

    PUBLISH = "publish"
    EARLY = "early"
    ARCHIVED = "archived"
    FOLLOWS = "follows"
    TAKE = "take"
    TAKEN = "taken"
    NOT_FOLLOWING = "not_following"

    FINAL = "final"
    FORGOTTEN = "forgotten"
    RUNNING = "running"
    GONE = "gone"


# The answers of transitions that fail a job by themselves, which are codes of errors as well.
FAILURES = frozenset({Answer.DEADLINE_EXCEEDED, Answer.POISONED})


class Transitions:
    """Runs transitions on one Redis. Every method may raise redis.RedisError.

    `owner` is needed only where there may be no record to read it from.
    """

    def __init__(self, redis: Redis, ttl_ms: int, archive_ms: int) -> None:
        self._scripts = ScriptRunner(redis, "statistics", "fair_share", "deliveries", "job")
        self._ttl_ms = ttl_ms
        self._archive_ms = archive_ms

    def run(self, name: str, job_id: str, owner: str = "", /, **arguments: Argument) -> Answer:
        """Run a transition whose answer is one word."""
        return Answer(self._run(name, job_id, owner, arguments))

    def run_with_value(
        self, name: str, job_id: str, owner: str = "", /, **arguments: Argument
    ) -> tuple[Answer, Any]:
        """Run a transition that answers a word and, for some words, a value (otherwise None)."""
        answer, *values = self._run(name, job_id, owner, arguments)
        return Answer(answer), values[0] if values else None

    def _run(self, name: str, job_id: str, owner: str, arguments: dict[str, Argument]) -> Any:
        keys = [
            redis_keys.job(job_id),
            redis_keys.events(job_id),
            redis_keys.LEASED,
            redis_keys.WAITING,
            redis_keys.EXPIRING,
            redis_keys.COUNTERS,
        ]
        shared: dict[str, Argument] = {
            "id": job_id,
            "given_owner": owner,
            "ttl_ms": self._ttl_ms,
            "archive_ms": self._archive_ms,
        }
        return self._scripts.run(name, keys, **shared, **arguments)
