"""A job's events in order, read from its stream in Redis. The transitions write them."""

import json
import re
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis

from jobs import redis_keys
from jobs.errors import NotFound
from jobs.model import FINAL, Job

_ID = re.compile("[0-9]{1,19}(-[0-9]{1,19})?")

# The id of an event as numbers: milliseconds and a sequence number.
Position = tuple[int, int]


@dataclass(frozen=True)
class Event:
    """An event of a job. `id` is its id in the stream, or empty in all but the last of a snapshot.

    `kind` is `state`, `progress` or `preview`.
    """

    id: str
    kind: str
    data: dict[str, Any]

    @property
    def final(self) -> bool:
        """Return whether no other event follows."""
        return self.kind == "state" and self.data["status"] in FINAL


class EventLog:
    """The event streams in one Redis. Every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def tail(self, job_id: str) -> str:
        """Return the id of the last event, or "0" if there is none."""
        last = cast("list[Any]", self._redis.xrevrange(redis_keys.events(job_id), count=1))
        return last[0][0] if last else "0"

    def after(self, job_id: str, last: str) -> list[Event]:
        """Return the events after that id. Raises NotFound once the job is deleted."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.xrange(redis_keys.events(job_id), f"({last}")
            pipe.exists(redis_keys.job(job_id))
            entries, exists = pipe.execute()
        if not exists:
            raise NotFound(job_id)
        return [_event(*entry) for entry in entries]

    def opening(self, job_id: str, last: str | None) -> list[Event]:
        """Return the events after `last`, or a snapshot if some of them may have been trimmed.

        A snapshot holds the state and, for a job that has not ended, the progress and the preview
        if there are any. The id of its last event is the id of the last event that it includes.
        Raises NotFound.
        """
        if last is not None and self._has_all_after(job_id, last):
            return self.after(job_id, last)
        return self._snapshot(job_id)

    def _has_all_after(self, job_id: str, last: str) -> bool:
        """Return whether no event after `last` was dropped.

        The stream goes an hour after the job has ended. Whoever has received an event of it has
        then received, or missed, all of them: there are none after it.
        """
        key = redis_keys.events(job_id)
        length = self._redis.xlen(key)
        if position(last) == (0, 0):
            return 0 < length < redis_keys.EVENTS_KEPT
        return not length or bool(self._redis.xrange(key, last, last))

    def _snapshot(self, job_id: str) -> list[Event]:
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.hgetall(redis_keys.job(job_id))
            pipe.xrevrange(redis_keys.events(job_id), count=1)
            fields, newest = pipe.execute()
        if "archived" in fields:
            *first, (kind, data) = [("state", _archived_state(fields))]
        elif "status" in fields:
            *first, (kind, data) = _current_state(Job.from_hash(fields))
        else:
            raise NotFound(job_id)
        # Without the stream, the time of the end stands for its last event.
        last = newest[0][0] if newest else f"{fields.get('finished_ms', 0)}-0"
        return [*(Event("", *event) for event in first), Event(last, kind, data)]


def well_formed(last: str) -> bool:
    """Return whether the text could be the id of an event."""
    return _ID.fullmatch(last) is not None


def position(event_id: str) -> Position:
    """Return the numbers of an event id, which sort like the events."""
    milliseconds, _, number = event_id.partition("-")
    return int(milliseconds), int(number or 0)


def _event(event_id: str, fields: dict[str, str]) -> Event:
    return Event(event_id, fields["type"], json.loads(fields["data"]))


def _archived_state(fields: dict[str, str]) -> dict[str, Any]:
    return {
        "status": fields["archived"],
        "attempts": int(fields.get("attempts", 0)),
        "cancel_requested": fields.get("cancel_requested") == "1",
    }


def _current_state(job: Job) -> list[tuple[str, dict[str, Any]]]:
    state = {
        "status": job.status.value,
        "attempts": job.attempts,
        "cancel_requested": job.cancel_requested,
    }
    events: list[tuple[str, dict[str, Any]]] = [("state", state)]
    if job.progress and not job.status.final:
        events.append(("progress", job.progress.model_dump(mode="json")))
    if job.preview and not job.status.final:
        events.append(("preview", {"step": job.preview.step}))
    return events
