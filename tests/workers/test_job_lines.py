"""Every line that is logged for a job names it, whichever thread logs it, and a failure is one."""

import logging
import threading
import time
from collections.abc import Iterator

import pytest

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.job_request import JobRequest
from jobs.lease import Lease, claim
from jobs.model import Job, Status
from jobs.reconciler import Reconciler
from jobs.settings import Settings
from jobs.store import JobStore
from tests.log_lines import LogLines, log_lines
from tests.wait import wait_until
from workers.attempts import AttemptRunner
from workers.runner import Runner
from workers.toolkit.errors import TechniqueError

log = logging.getLogger("a.technique")


@pytest.fixture
def lines() -> Iterator[LogLines]:
    """Return what is logged, as the lines of a worker."""
    with log_lines("worker", worker="host:1") as lines:
        yield lines


def new_job(store: JobStore) -> Job:
    return store.create(
        JobRequest(
            owner="ada", technique="saliency", model="m", queue="fast", params={}, batchable=True
        )
    )


def named(job: Job, attempt: int = 1) -> dict[str, object]:
    return {
        "job_id": job.id,
        "attempt": attempt,
        "owner": "ada",
        "technique": "saliency",
        "model": "m",
        "worker": "host:1",
    }


def test_lines_of_jobs_that_run_together_name_each_its_own(
    settings: Settings, store: JobStore, lines: LogLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [new_job(store) for _ in range(3)]
    together = threading.Barrier(3)

    def fail(self: AttemptRunner, lease: Lease, batch_size: int) -> None:
        together.wait(10)
        log.info("computing %s", lease.job.id)
        raise TechniqueError(f"not {lease.job.id}")

    monkeypatch.setattr(AttemptRunner, "_execute", fail)
    Runner(settings, lambda: False).run(jobs[0].id, "fast")
    assert {store.get(job.id).status for job in jobs} == {Status.FAILED}
    for job in jobs:
        begins, computing, failed, ended = lines.having(**named(job))
        assert begins["message"] == "the attempt begins"
        assert computing["message"] == f"computing {job.id}"
        assert failed["code"] == TechniqueError.code and job.id in failed["message"]
        assert ended["message"].startswith("ended after") and ended["seconds"] >= 0
    log.info("afterwards")
    assert "job_id" not in lines.all[-1]


def test_the_record_and_the_lines_name_the_worker_and_the_request(
    settings: Settings, store: JobStore, lines: LogLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = store.create(
        JobRequest(
            owner="ada", technique="saliency", model="m", queue="fast", params={}, request_id="r-1"
        )
    )
    monkeypatch.setattr(AttemptRunner, "_execute", lambda self, lease, size: None)
    Runner(settings, lambda: False, "host:7").run(job.id, "fast")
    assert store.get(job.id).worker == "host:7"
    assert len(lines.having(job_id=job.id, request_id="r-1")) == 2


def test_a_worker_that_is_gone_is_named(
    settings: Settings, store: JobStore, lines: LogLines
) -> None:
    job = new_job(store)
    assert claim(store, job.id, worker="host:9") is not None
    time.sleep(settings.lease_s + 0.05)
    repaired(store, settings)
    (line,) = lines.having(**named(job))
    assert line["level"] == "WARNING" and "host:9" in line["message"]


def test_a_failure_that_no_worker_reports_is_logged_with_its_code(
    settings: Settings, store: JobStore, lines: LogLines
) -> None:
    """A job that crashes its workers, and one whose deadline has passed when it is claimed."""
    crashing = new_job(store)
    for _ in range(settings.max_attempts):
        assert claim(store, crashing.id) is not None
        time.sleep(settings.lease_s + 0.05)
    repaired(store, settings)
    (failed,) = lines.having(code="poisoned", **named(crashing, settings.max_attempts))
    assert failed["level"] == "ERROR" and crashing.id in failed["message"]
    late = new_job(store)
    store.redis.hset(redis_keys.job(late.id), "deadline_ms", 1)
    assert claim(store, late.id) is None
    (failed,) = lines.having(code="deadline_exceeded", **named(late, 0))
    assert failed["level"] == "ERROR" and late.id in failed["message"]


def test_a_stalled_job_is_named_by_the_thread_that_notices(
    settings: Settings, store: JobStore, lines: LogLines
) -> None:
    impatient = JobStore(store.redis, settings.model_copy(update={"stalled_after_s": 0.01}))
    job = new_job(store)
    lease = claim(impatient, job.id)
    assert lease is not None
    with lease:
        lease.raise_if_stopped()
        wait_until(lambda: lines.having(**named(job)))
    assert "stalled" in lines.having(**named(job))[0]["message"]


def repaired(store: JobStore, settings: Settings) -> None:
    files = ArtifactStore(settings.artifacts_location)
    Reconciler(store, files, lambda *_: None).recover()
