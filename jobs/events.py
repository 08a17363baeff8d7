"""What happened to a job, in order: its stream in Redis, read by those who watch it."""

import json
import re
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis

from jobs import redis_keys
from jobs.errors import NotFound
from jobs.model import FINAL, Job

# Written by the transitions; a stream is cut in pieces, so that it may hold more, and never less, once it was cut.
KEPT = 1000
_ID = re.compile("[0-9]{1,19}(-[0-9]{1,19})?")

Position = tuple[int, int]


@dataclass(frozen=True)
class Event:
    """`id` is the stream's, or empty for what a snapshot tells; `data` is JSON."""

    id: str
    kind: str
    data: dict[str, Any]

    @property
    def final(self) -> bool:
        """Nothing comes after it."""
        return self.kind == "state" and self.data["status"] in FINAL


class EventLog:
    """Reads streams. Every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def tail(self, job_id: str) -> str:
        """The id of the last event; "0" where there is none."""
        last = cast("list[Any]", self._redis.xrevrange(redis_keys.events(job_id), count=1))
        return last[0][0] if last else "0"

    def after(self, job_id: str, last: str) -> list[Event]:
        """What came after that id. Raises NotFound once the job is forgotten."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.xrange(redis_keys.events(job_id), f"({last}")
            pipe.exists(redis_keys.job(job_id))
            entries, exists = pipe.execute()
        if not exists:
            raise NotFound(job_id)
        return [_event(*entry) for entry in entries]

    def opening(self, job_id: str, last: str | None) -> list[Event]:
        """All that came after `last`, if it is certain that nothing is missing; else how things stand now.

        How things stand: a state; of a job that has not ended also progress and preview, if there are any. The last of
        them has the id of the last event that they tell of. Raises NotFound.
        """
        if last is not None and self._kept(job_id, last):
            return self.after(job_id, last)
        return self._snapshot(job_id)

    def _kept(self, job_id: str, last: str) -> bool:
        """True if the event of that id is still there, or "0" was asked for and nothing was ever cut."""
        key = redis_keys.events(job_id)
        if position(last) == (0, 0):
            return self._redis.xlen(key) < KEPT
        return bool(self._redis.xrange(key, last, last))

    def _snapshot(self, job_id: str) -> list[Event]:
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(redis_keys.job(job_id))
            pipe.xrevrange(redis_keys.events(job_id), count=1)
            fields, newest = pipe.execute()
        if "status" not in fields:
            raise NotFound(job_id)
        told = _standing(Job.from_hash(fields))
        last = newest[0][0] if newest else ""
        return [
            Event(last if number == len(told) else "", *event)
            for number, event in enumerate(told, 1)
        ]


def well_formed(last: str) -> bool:
    """Could it be the id of an event?"""
    return _ID.fullmatch(last) is not None


def position(event_id: str) -> Position:
    """Ids in the order of their events."""
    milliseconds, _, number = event_id.partition("-")
    return int(milliseconds), int(number or 0)


def _event(event_id: str, fields: dict[str, str]) -> Event:
    return Event(event_id, fields["type"], json.loads(fields["data"]))


def _standing(job: Job) -> list[tuple[str, dict[str, Any]]]:
    state = {
        "status": job.status.value,
        "attempts": job.attempts,
        "cancel_requested": job.cancel_requested,
    }
    told: list[tuple[str, dict[str, Any]]] = [("state", state)]
    if job.progress and not job.status.final:
        told.append(("progress", job.progress.model_dump(mode="json")))
    if job.preview and not job.status.final:
        told.append(("preview", {"step": job.preview.step}))
    return told
