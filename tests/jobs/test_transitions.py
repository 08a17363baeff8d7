"""Every allowed transition happens once, and every other one is refused."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from pydantic import ValidationError
from redis import Redis

from jobs.errors import Canceled, LeaseLost, NotFound, QueueFull, StillRunning, TooManyJobs
from jobs.events import EventLog
from jobs.job_request import JobRequest
from jobs.lease import Lease, claim
from jobs.model import Artifact, Job, JobError, Progress, Status
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.transitions import Answer
from retinoscope.child import Child
from tests.wait import wait_until


def new_job(store: JobStore, owner: str = "local", technique: str = "saliency") -> Job:
    return store.create(
        JobRequest(owner=owner, technique=technique, model="m", queue="fast", params={"seed": 7})
    )


def claimed(store: JobStore, job: Job) -> Lease:
    lease = claim(store, job.id)
    assert lease is not None
    return lease


def recovered(store: JobStore, job_id: str, max_attempts: int = 3) -> Answer:
    """Run the transition by which the reconciler handles a job that is due."""
    return store.transitions.run(
        "recover", job_id, grace_ms=300, max_attempts=max_attempts, no_result=False
    )


def test_a_job_goes_from_queued_over_running_to_succeeded(store: JobStore) -> None:
    job = new_job(store)
    assert job.status is Status.QUEUED and job.params == {"seed": 7}
    lease = claimed(store, job)
    assert store.get(job.id).status is Status.RUNNING
    artifact = Artifact(
        name="a.png",
        media_type="image/png",
        bytes=3,
        sha256="sha256:0",
        key=f"{lease.folder}/a.png",
    )
    lease.succeed({"score": 0.5}, [artifact], {"device": "cpu"})
    ended = store.get(job.id)
    assert ended.status is Status.SUCCEEDED and ended.attempts == 1
    assert ended.result is not None and ended.result.summary == {"score": 0.5}
    assert ended.result.artifacts[0].key == artifact.key
    assert ended.finished_ms is not None and ended.started_ms is not None


def reported(lease: Lease, done: int, eta_s: float | None = 2.5, total: int = 100) -> None:
    lease.heartbeat(Progress(done=done, total=total, message="steps", eta_s=eta_s, loss=0.1))


def test_the_progress_of_a_job_that_is_given_back_is_kept(store: JobStore) -> None:
    job = new_job(store)
    first = claimed(store, job)
    reported(first, 40)
    assert first.give_back()
    kept = Progress(done=40, total=100, message="steps", eta_s=None, loss=0.1)
    assert store.get(job.id).progress == kept
    second = claimed(store, job)
    assert store.get(job.id).progress == kept == second.job.progress
    reported(second, 41, 2.0)
    assert store.get(job.id).progress == kept.model_copy(update={"done": 41, "eta_s": 2.0})


def test_progress_does_not_fall_after_a_crash(store: JobStore) -> None:
    job = new_job(store)
    reported(claimed(store, job), 40)
    store.redis.hset(f"retinoscope:job:{job.id}", "lease_ms", 0)
    second = claimed(store, job)
    seen = []
    for done in (30, 39, 41):
        reported(second, done, done / 10)
        progress = store.get(job.id).progress
        assert progress is not None
        seen.append((progress.done, progress.eta_s))
    assert seen == [(40, 3.0), (40, 3.9), (41, 4.1)]
    events = EventLog(store.redis).after(job.id, "0")
    assert [e.data["done"] for e in events if e.kind == "progress"] == [40, 30, 39, 41]


def test_progress_of_another_total_is_taken_as_it_is(store: JobStore) -> None:
    lease = claimed(store, new_job(store))
    reported(lease, 40)
    reported(lease, 3, total=5)
    progress = store.get(lease.job.id).progress
    assert progress is not None and (progress.done, progress.total) == (3, 5)


def test_a_running_job_is_not_claimed_twice(store: JobStore) -> None:
    job = new_job(store)
    claimed(store, job)
    assert claim(store, job.id) is None


def test_one_of_many_workers_gets_the_job(store: JobStore) -> None:
    job = new_job(store)
    leases: list[Lease | None] = []
    threads = [
        threading.Thread(target=lambda: leases.append(claim(store, job.id))) for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(lease is not None for lease in leases) == 1


@pytest.mark.parametrize("end", ["succeed", "fail", "cancel"])
def test_a_final_status_never_changes(store: JobStore, end: str) -> None:
    job = new_job(store)
    lease = claimed(store, job)
    arguments = {
        "succeed": ({}, [], {}),
        "fail": (JobError(code="c", title="t", detail="d"),),
        "cancel": (),
    }[end]
    getattr(lease, end)(*arguments)
    before = store.get(job.id)
    assert claim(store, job.id) is None
    store.cancel(job.id, "local")
    with pytest.raises(LeaseLost):
        lease.heartbeat(Progress(done=1, total=2))
    assert store.get(job.id) == before


def test_a_worker_that_lost_its_lease_cannot_write(store: JobStore, settings: Settings) -> None:
    job = new_job(store)
    zombie = claimed(store, job)
    time.sleep(settings.lease_s * 1.2)
    heir = claimed(store, job)
    with pytest.raises(LeaseLost):
        zombie.heartbeat(Progress(done=1, total=2))
    with pytest.raises(LeaseLost):
        zombie.succeed({"by": "zombie"}, [], {})
    assert not zombie.give_back()
    heir.succeed({"by": "heir"}, [], {})
    ended = store.get(job.id)
    assert (
        ended.result is not None and ended.result.summary == {"by": "heir"} and ended.attempts == 2
    )
    assert zombie.folder != heir.folder


def test_heartbeats_keep_a_lease_far_beyond_its_length(store: JobStore, settings: Settings) -> None:
    job = new_job(store)
    with claimed(store, job):
        time.sleep(settings.lease_s * 2.5)
        assert claim(store, job.id) is None


def test_cancel_ends_a_waiting_job_at_once_and_asks_a_running_one(store: JobStore) -> None:
    waiting, running = new_job(store), new_job(store)
    assert store.cancel(waiting.id, "local").status is Status.CANCELED
    lease = claimed(store, running)
    assert store.cancel(running.id, "local").status is Status.RUNNING
    with pytest.raises(Canceled):
        lease.heartbeat()
    lease.cancel()
    assert store.get(running.id).status is Status.CANCELED


def test_an_accepted_cancel_takes_precedence_over_a_later_result(store: JobStore) -> None:
    job = new_job(store)
    lease = claimed(store, job)
    store.cancel(job.id, "local")
    with pytest.raises(Canceled):
        lease.succeed({}, [], {})
    ended = store.get(job.id)
    assert ended.status is Status.CANCELED and ended.result is None


def test_giving_back_queues_the_job_and_does_not_count_as_an_attempt(store: JobStore) -> None:
    job = new_job(store)
    assert claimed(store, job).give_back()
    again = store.get(job.id)
    assert again.status is Status.QUEUED and again.attempts == 0
    claimed(store, job).succeed({}, [], {})
    assert store.get(job.id).attempts == 1


def test_another_owners_job_is_not_found(store: JobStore) -> None:
    job = new_job(store, owner="ada")
    for wrong in (lambda: store.get(job.id, "bob"), lambda: store.cancel(job.id, "bob")):
        with pytest.raises(NotFound):
            wrong()
    assert store.listing.page("bob", before=None, limit=10).jobs == []


def test_a_full_queue_refuses_a_job_and_keeps_nothing_of_it(store: JobStore) -> None:
    small = JobStore(store.redis, store.settings.model_copy(update={"max_queued": 2}))
    new_job(small), new_job(small)
    keys = store.redis.dbsize()
    with pytest.raises(QueueFull):
        new_job(small)
    assert store.redis.dbsize() == keys


def test_one_owner_cannot_fill_the_queue(store: JobStore) -> None:
    small = JobStore(store.redis, store.settings.model_copy(update={"max_queued_per_owner": 2}))
    running, waiting = new_job(small, "ada"), new_job(small, "ada")
    lease = claimed(small, running)
    keys = store.redis.dbsize()
    with pytest.raises(TooManyJobs) as refused:
        new_job(small, "ada")
    assert (refused.value.unfinished, refused.value.limit) == (2, 2)
    assert store.redis.dbsize() == keys
    new_job(small, "bob")
    lease.succeed({}, [], {})
    new_job(small, "ada")
    with pytest.raises(TooManyJobs):
        new_job(small, "ada")
    small.forget(waiting.id, "ada")
    new_job(small, "ada")


def test_concurrent_requests_never_exceed_the_limit(store: JobStore) -> None:
    small = JobStore(store.redis, store.settings.model_copy(update={"max_queued_per_owner": 5}))

    def tried(_: int) -> bool:
        with suppress(TooManyJobs):
            return bool(new_job(small))
        return False

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(tried, range(40))) == 5


def test_a_job_without_a_record_does_not_count(store: JobStore) -> None:
    small = JobStore(store.redis, store.settings.model_copy(update={"max_queued_per_owner": 1}))
    job = new_job(small)
    store.redis.delete(f"retinoscope:job:{job.id}")
    store.redis.zadd("retinoscope:owner:local:open", {job.id: time.time() * 1000 - 1})
    new_job(small)


def test_pages_list_the_newest_jobs_first_and_filter(store: JobStore) -> None:
    ids = [
        new_job(store, technique="occlusion" if i % 3 == 0 else "saliency").id for i in range(250)
    ]
    everything = store.listing.page("local", before=None, limit=1000).jobs
    assert [job.id for job in everything] == sorted(ids, reverse=True)
    filters = {"technique": "occlusion"}
    first = store.listing.page("local", before=None, limit=10, wanted=filters)
    second = store.listing.page("local", before=first.next_cursor, limit=10, wanted=filters)
    wanted = [job.id for job in everything if job.technique == "occlusion"]
    assert [job.id for job in first.jobs + second.jobs] == wanted[:20]


def test_a_page_compares_a_bounded_number_of_records(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.job_list._COMPARED_AT_A_TIME", 5)
    monkeypatch.setattr("jobs.job_list._COMPARED_FOR_A_PAGE", 10)
    ids = [new_job(store, technique="occlusion" if i == 2 else "saliency").id for i in range(23)]
    pages, cursor = [], None
    while not pages or cursor:
        filters = {"technique": "occlusion"}
        found = store.listing.page("local", before=cursor, limit=3, wanted=filters)
        pages.append([job.id for job in found.jobs])
        cursor = found.next_cursor
    assert len(pages) == 3 and [job_id for page in pages for job_id in page] == [ids[2]]


def test_a_forgotten_job_leaves_nothing_and_a_running_job_is_refused(store: JobStore) -> None:
    job = new_job(store)
    lease = claimed(store, job)
    with pytest.raises(StillRunning):
        store.forget(job.id, "local")
    lease.succeed({}, [], {})
    assert store.forget(job.id, "local")
    with pytest.raises(NotFound):
        store.get(job.id)
    assert not [key for key in store.redis.scan_iter("*") if job.id in key]


def test_every_transition_is_in_the_event_stream(store: JobStore) -> None:
    job = new_job(store)
    lease = claimed(store, job)
    lease.heartbeat(Progress(done=1, total=4))
    lease.succeed({}, [], {})
    events = [fields for _, fields in store.redis.xrange(f"retinoscope:job:{job.id}:events")]
    assert [event["type"] for event in events] == ["state", "state", "progress", "state"]
    assert [json.loads(e["data"])["status"] for e in events if e["type"] == "state"] == [
        "queued",
        "running",
        "succeeded",
    ]


def test_every_key_expires(store: JobStore) -> None:
    job = new_job(store)
    claimed(store, job).succeed({}, [], {})
    new_job(store)
    assert store.redis.dbsize() > 0
    assert all(store.redis.ttl(key) > 0 for key in store.redis.scan_iter("*"))


def test_a_write_repeated_after_a_broken_connection_is_no_error(store: JobStore) -> None:
    job = new_job(store)
    lease = claimed(store, job)
    answer, _ = store.transitions.run_with_value(
        "claim", job.id, token=lease.token, worker="", lease_ms=1000, max_attempts=3
    )
    assert answer is Answer.CLAIMED
    assert store.get(job.id).attempts == 1
    lease.succeed({}, [], {})
    lease.succeed({}, [], {})


def test_a_claim_makes_one_trip_and_needs_only_the_id(
    store: JobStore, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    claimed(store, new_job(store))  # Redis knows the script from here on.
    job, trips, execute = new_job(store, owner="ada"), [], redis.execute_command

    def counted(*command: object, **options: object) -> object:
        trips.append(command[0])
        return execute(*command, **options)

    monkeypatch.setattr(store.redis, "execute_command", counted)
    lease = claimed(store, job)
    assert trips == ["EVALSHA"]
    lease.succeed({}, [], {})
    assert redis.zcard("retinoscope:owner:ada:open") == 0


@pytest.mark.parametrize("job_id", ["0" * 32, "nonsense", "*"])
def test_a_claim_of_an_unknown_job_is_refused(store: JobStore, job_id: str) -> None:
    with pytest.raises(NotFound):
        claim(store, job_id)
    assert store.redis.dbsize() == 0


def test_a_record_of_another_version_loses_no_attempt(store: JobStore, redis: Redis) -> None:
    job = new_job(store)
    redis.hset(f"retinoscope:job:{job.id}", "inputs", "[]")
    with pytest.raises(ValidationError):
        claim(store, job.id)
    redis.hset(f"retinoscope:job:{job.id}", "inputs", "{}")
    again = store.get(job.id)
    assert again.status is Status.QUEUED and again.attempts == 0
    assert not redis.hexists(f"retinoscope:job:{job.id}", "started_ms")
    assert redis.hget(f"retinoscope:job:{job.id}", "publishes") == "2"  # each wait is longer
    assert claimed(store, job).job.attempts == 1


def test_a_finish_waits_for_redis_to_come_back(
    store: JobStore, redis_server: tuple[Child, str]
) -> None:
    child, _ = redis_server
    job = new_job(store)
    lease = claimed(store, job)
    child.stop()
    ending = threading.Thread(target=lease.succeed, args=({}, [], {}))
    ending.start()
    time.sleep(0.7)
    child.start()
    ending.join(20)
    assert wait_until(lambda: store.get(job.id).status is Status.SUCCEEDED)


def test_a_stalled_job_is_taken_from_a_living_worker(redis: Redis, settings: Settings) -> None:
    """A child that hangs in the device's driver still has a thread that sends heartbeats."""
    store = JobStore(redis, settings.model_copy(update={"stalled_after_s": 0.3}))
    lease, stalled = claimed(store, new_job(store)), threading.Event()
    lease.on_stall = stalled.set
    with lease:
        time.sleep(settings.lease_s * 1.5)  # nothing has begun yet: a model may load for long
        assert not stalled.is_set()
        for _ in range(5):
            lease.raise_if_stopped()
            time.sleep(0.15)
        assert not stalled.is_set()
        assert stalled.wait(30)
        wait_until(lambda: recovered(store, lease.job.id) == "publish")
    with pytest.raises(LeaseLost):
        lease.succeed({}, [], {})
