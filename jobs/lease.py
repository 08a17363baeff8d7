"""A worker's hold on a job: `claim` takes it, heartbeats keep it, and every write proves it.

Each write carries the attempt's fencing token. Once another attempt has claimed the job, the writes
of the earlier attempt are refused.
"""

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from redis import RedisError

from jobs.errors import Canceled, DeadlineExceeded, LeaseLost, NotFound
from jobs.log_context import extra, job_fields, unit
from jobs.model import Artifact, Job, JobError, Progress, ScratchFile, Status
from jobs.script_runner import Argument
from jobs.store import JobStore, check_id
from jobs.transitions import FAILURES, Answer

log = logging.getLogger(__name__)

_HEARTBEATS_PER_LEASE = 5
_FINISH_PATIENCE_S = 60.0
_RETRY_S = 0.5


class Lease:
    """The right to run one attempt of one job.

    As a context manager it sends heartbeats from a thread of its own. `on_stall` is called once, on
    that thread, when the job has stalled; the lease then ends by itself.
    """

    def __init__(
        self, store: JobStore, job: Job, token: str, cancel_event: threading.Event | None = None
    ) -> None:
        self.on_stall: Callable[[], None] = _do_nothing
        self.job = job
        self.token = token
        self.lost = False
        self.deadline_passed = False
        self._cancel_event = cancel_event or threading.Event()
        if job.cancel_requested:
            self._cancel_event.set()
        self._store = store
        self._ended = threading.Event()
        # The time of the last sign of progress, or None until the work begins.
        self._progressed_at: float | None = None

    @property
    def folder(self) -> str:
        """The folder for this attempt's artifacts. No other attempt shares it."""
        return f"jobs/{self.job.id}/{self.job.attempts}-{self.token[:8]}"

    def heartbeat(self, progress: Progress | None = None) -> None:
        """Extend the lease. Raises LeaseLost, Canceled or DeadlineExceeded.

        Ignores Redis outages: the next heartbeat will reveal a lost lease.
        """
        try:
            answer = self._run(
                "heartbeat",
                lease_ms=self._store.settings.lease_ms,
                progress=progress.model_dump_json() if progress else "",
            )
        except RedisError:
            return
        self.lost = answer is Answer.LOST
        self.deadline_passed = answer is Answer.DEADLINE_EXCEEDED
        if answer is Answer.CANCEL_REQUESTED:
            self._cancel_event.set()
        self._raise_if_stopped()

    def raise_if_stopped(self) -> None:
        """Raise LeaseLost, DeadlineExceeded or Canceled if a heartbeat or a message has said so.

        The call is free. It is also the sign of progress: without one for `stalled_after_s` the
        lease ends.
        """
        self.note_progress()
        self._raise_if_stopped()

    def note_progress(self) -> None:
        """Note that the work goes on, whether or not it should stop."""
        self._progressed_at = time.monotonic()

    @property
    def stalled(self) -> bool:
        """Return whether the work has begun but shown no progress for `stalled_after_s`."""
        if self._progressed_at is None:
            return False
        return time.monotonic() - self._progressed_at > self._store.settings.stalled_after_s

    def _raise_if_stopped(self) -> None:
        if self.lost:
            raise LeaseLost(self.job.id)
        if self.deadline_passed:
            raise DeadlineExceeded(self.job.id)
        if self._cancel_event.is_set():
            raise Canceled(self.job.id)

    def swap(self, field: str, file: ScratchFile, event: str = "") -> str:
        """Let the record's `preview`, `checkpoint` or `batch` name it, and publish `event`.

        Returns the key of the previous file, or "". Raises LeaseLost. After a redis.RedisError the
        record names either file.
        """
        answer, previous = self._store.transitions.run_with_value(
            "swap",
            self.job.id,
            token=self.token,
            field=field,
            stored=file.model_dump_json(),
            event=event,
        )
        if answer is Answer.LOST:
            self.lost = True
            raise LeaseLost(self.job.id)
        return str(previous)

    def succeed(
        self, summary: dict[str, Any], artifacts: list[Artifact], provenance: dict[str, Any]
    ) -> None:
        """Finish the job with a result. Raises LeaseLost, DeadlineExceeded or Canceled."""
        result = {
            "summary": summary,
            "artifacts": [artifact.to_record() for artifact in artifacts],
        }
        fields = ["result", json.dumps(result), "provenance", json.dumps(provenance)]
        self._finish(Status.SUCCEEDED, fields)

    def fail(self, error: JobError) -> None:
        """Finish the job with an error. Raises LeaseLost or Canceled."""
        self._finish(Status.FAILED, ["error", error.model_dump_json()])

    def cancel(self) -> None:
        """Finish the job as canceled. Raises LeaseLost."""
        self._finish(Status.CANCELED, [])

    def give_back(self) -> bool:
        """Queue the job again as if it had never been claimed. Return False without the lease."""
        grace_ms = self._store.settings.publish_grace_ms
        answer = _patiently(lambda: self._run("give_back", grace_ms=grace_ms, unread=False))
        return answer is Answer.QUEUED

    def __enter__(self) -> "Lease":
        threading.Thread(target=self._heartbeat_until_ended, name="lease", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def _heartbeat_until_ended(self) -> None:
        with unit(**job_fields(self.job)):
            self._beat()

    def _beat(self) -> None:
        interval_s = self._store.settings.lease_ms / 1000 / _HEARTBEATS_PER_LEASE
        while not self._ended.wait(interval_s):
            if self.stalled:
                log.error("job %s has stalled: another attempt will take it", self.job.id)
                self.on_stall()
                return
            try:
                self.heartbeat()
            except (LeaseLost, DeadlineExceeded):
                return
            except Canceled:
                continue

    def _finish(self, status: Status, fields: list[str]) -> None:
        answer = _patiently(lambda: self._run("finish", final_status=status.value, fields=fields))
        if answer is Answer.LOST:
            raise LeaseLost(self.job.id)
        if answer is Answer.DEADLINE_EXCEEDED:
            raise DeadlineExceeded(self.job.id)
        if answer is Answer.CANCELED and status is not Status.CANCELED:
            raise Canceled(self.job.id)

    def _run(self, name: str, **arguments: Argument) -> Answer:
        return self._store.transitions.run(name, self.job.id, token=self.token, **arguments)


def claim(
    store: JobStore, job_id: str, cancel_event: threading.Event | None = None, worker: str = ""
) -> Lease | None:
    """Claim a job that is queued or whose lease has ended. Return None if it cannot be run.

    `cancel_event` is set from outside when a client cancels the job. Without it, the next heartbeat
    reveals the request. `worker` is the name that the record keeps. Raises NotFound if there is no
    record.
    """
    check_id(job_id)
    token = secrets.token_hex(16)
    answer, record = store.transitions.run_with_value(
        "claim",
        job_id,
        token=token,
        worker=worker,
        lease_ms=store.settings.lease_ms,
        max_attempts=store.settings.max_attempts,
    )
    if answer is Answer.GONE:
        raise NotFound(job_id)
    if answer in FAILURES:
        with unit(**job_fields(store.get(job_id))):
            log.error("job %s failed: %s", job_id, answer, extra=extra(code=answer))
    if answer is not Answer.CLAIMED:
        return None
    try:
        job = Job.from_flat(record)
    except ValidationError:
        # Another version wrote the record. The job must wait for a worker that can read it.
        grace_ms = store.settings.publish_grace_ms
        store.transitions.run("give_back", job_id, token=token, grace_ms=grace_ms, unread=True)
        raise
    return Lease(store, job, token, cancel_event)


def _patiently(run: Callable[[], Answer]) -> Answer:
    """Run a transition, and repeat it for a minute while Redis does not answer."""
    deadline = time.monotonic() + _FINISH_PATIENCE_S
    while True:
        try:
            return run()
        except RedisError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)


def _do_nothing() -> None:
    pass
