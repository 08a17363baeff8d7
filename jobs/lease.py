"""A worker's hold on a job: taken by `claim`, kept by heartbeats, and carried by every write as a fencing token."""

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from redis import RedisError

from jobs.errors import Canceled, DeadlineExceeded, LeaseLost
from jobs.model import Artifact, Job, JobError, Progress, Stored
from jobs.store import JobStore

log = logging.getLogger(__name__)

_BEATS_PER_LEASE = 5
_FINISH_PATIENCE_S = 60.0


class Lease:
    """The right to run one attempt of one job."""

    def __init__(
        self, store: JobStore, job: Job, token: str, cancel_event: threading.Event | None = None
    ) -> None:
        self.on_stall: Callable[[], None] = _nothing  # called once, on the lease's thread
        self.job = job
        self.token = token
        self.lost = False
        self.deadline_passed = False
        self._cancel_event = cancel_event or threading.Event()
        if job.cancel_requested:
            self._cancel_event.set()
        self._store = store
        self._lease_ms = round(store.settings.lease_s * 1000)
        self._ended = threading.Event()
        self._moved: float | None = (
            None  # when the work last said that it goes on; None until it begins
        )

    @property
    def folder(self) -> str:
        """Where this attempt may write artifacts; no other attempt shares it."""
        return f"jobs/{self.job.id}/{self.job.attempts}-{self.token[:8]}"

    def heartbeat(self, progress: Progress | None = None) -> None:
        """Extend the lease. Raises LeaseLost, Canceled or DeadlineExceeded.

        A Redis that is away is not an error: the next beat tells.
        """
        try:
            text = progress.model_dump_json() if progress else ""
            answer = self._move("heartbeat", self._lease_ms, text)
        except RedisError:
            return
        self.lost = answer == "lost"
        self.deadline_passed = answer == "late"
        if answer == "cancel":
            self._cancel_event.set()
        self._raise_if_stopped()

    def raise_if_stopped(self) -> None:
        """Raise LeaseLost, DeadlineExceeded or Canceled if a beat or a message said so. Costs nothing.

        It is also how the work says that it goes on: without a call for `stalled_after_s` the lease ends.
        """
        self._moved = time.monotonic()
        self._raise_if_stopped()

    @property
    def stalled(self) -> bool:
        return (
            self._moved is not None
            and time.monotonic() - self._moved > self._store.settings.stalled_after_s
        )

    def _raise_if_stopped(self) -> None:
        if self.lost:
            raise LeaseLost(self.job.id)
        if self.deadline_passed:
            raise DeadlineExceeded(self.job.id)
        if self._cancel_event.is_set():
            raise Canceled(self.job.id)

    def swap(self, field: str, stored: Stored, event: str = "") -> str:
        """Let the record's `preview` or `checkpoint` name these bytes; `event` is told to those who watch.

        Returns the key that it named before, or "". Raises LeaseLost, or redis.RedisError: then either is named.
        """
        before = self._move("swap", field, stored.model_dump_json(), event)
        if before == "lost":
            self.lost = True
            raise LeaseLost(self.job.id)
        return before

    def succeed(
        self, summary: dict[str, Any], artifacts: list[Artifact], provenance: dict[str, Any]
    ) -> None:
        result = {"summary": summary, "artifacts": [artifact.stored() for artifact in artifacts]}
        self._finish(
            "succeeded", "result", json.dumps(result), "provenance", json.dumps(provenance)
        )

    def fail(self, error: JobError) -> None:
        self._finish("failed", "error", error.model_dump_json())

    def cancel(self) -> None:
        self._finish("canceled")

    def give_back(self) -> bool:
        """Queue the job again, as if never taken. False if it was not ours any more."""
        return (
            self._patiently(
                lambda: self._move("give_back", round(self._store.settings.publish_grace_s * 1000))
            )
            == "queued"
        )

    def __enter__(self) -> "Lease":
        threading.Thread(target=self._heartbeat_until_ended, name="lease", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def _heartbeat_until_ended(self) -> None:
        while not self._ended.wait(self._lease_ms / 1000 / _BEATS_PER_LEASE):
            if self.stalled:
                log.error("job %s stands still: left to another attempt", self.job.id)
                self.on_stall()
                return
            try:
                self.heartbeat()
            except (LeaseLost, DeadlineExceeded):
                return
            except Canceled:
                continue

    def _finish(self, status: str, *fields: str) -> None:
        answer = self._patiently(lambda: self._move("finish", status, *fields))
        if answer == "lost":
            raise LeaseLost(self.job.id)
        if answer == "late":
            raise DeadlineExceeded(self.job.id)
        if answer == "canceled" != status:
            raise Canceled(self.job.id)

    def _move(self, name: str, *arguments: str | int) -> str:
        return self._store.transition(name, self.job.id, self.job.owner, self.token, *arguments)

    @staticmethod
    def _patiently(move: Callable[[], str]) -> str:
        """A finished job is worth waiting for a Redis that restarts."""
        deadline = time.monotonic() + _FINISH_PATIENCE_S
        while True:
            try:
                return move()
            except RedisError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)


def _nothing() -> None:
    """The lease ends by itself."""


def claim(
    store: JobStore,
    job_id: str,
    cancel_event: threading.Event | None = None,
    *,
    owner: str | None = None,
) -> Lease | None:
    """Take the job if it waits or its worker is gone. None when there is nothing to do. Raises NotFound.

    `cancel_event` is set from outside when somebody cancels the job; without it the next heartbeat tells. `owner` is the job's,
    where that is known; None then also for a job that is gone.
    """
    token = secrets.token_hex(16)
    owner = owner or store.get(job_id).owner
    settings = store.settings
    lease_ms = round(settings.lease_s * 1000)
    answer, *record = store.transition.ask(
        "claim", job_id, owner, token, lease_ms, settings.max_attempts
    )
    return (
        Lease(store, Job.from_flat(record[0]), token, cancel_event) if answer == "claimed" else None
    )
