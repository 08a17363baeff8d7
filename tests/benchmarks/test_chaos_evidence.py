"""A chaos run sees what is broken on purpose, on a real Redis and through the real API."""

import hashlib
from collections.abc import Iterator

import httpx
import pytest
from fastapi.testclient import TestClient
from redis import Redis

from benchmarks.chaos.clients import Told
from benchmarks.chaos.count import Tally, count
from benchmarks.chaos.evidence import Seen, gather, stray_files
from benchmarks.chaos.leftovers import after_expiry, keys_without_expiry
from benchmarks.chaos.mix import Wish
from jobs import redis_keys, script_runner
from jobs.artifacts import ArtifactStore
from jobs.errors import LeaseLost
from jobs.events import EventLog
from jobs.lease import Lease
from jobs.model import Artifact
from jobs.reconciler import Reconciler
from jobs.settings import Settings
from jobs.store import JobStore
from service.app import create_app
from tests.jobs.test_transitions import claimed, new_job
from tests.wait import wait_until


@pytest.fixture
def client(settings: Settings) -> Iterator[httpx.Client]:
    with TestClient(create_app(settings), "http://127.0.0.1", client=("127.0.0.1", 1)) as client:
        yield client


@pytest.fixture
def files(settings: Settings) -> ArtifactStore:
    return ArtifactStore(settings.artifacts_location)


def succeed(lease: Lease, files: ArtifactStore, data: bytes = b"map") -> None:
    key = f"{lease.folder}/map.npy"
    files.put(key, data)
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    lease.succeed(
        {}, [Artifact(name="map.npy", media_type="x", bytes=len(data), sha256=digest, key=key)], {}
    )


def taken_twice(store: JobStore, reconciler: Reconciler) -> tuple[Lease, Lease]:
    """Return a worker paused for longer than its lease, and the worker that took over its job."""
    job = new_job(store)
    zombie = claimed(store, job)
    wait_until(reconciler.recover)
    return zombie, claimed(store, job)


def verdict(client: httpx.Client, redis: Redis, job_id: str, first: Seen | None = None) -> Tally:
    told = Told(accepted={job_id: Wish(0, "fast", "saliency")})
    return count(gather(client, EventLog(redis), told, {job_id: first} if first else {}))


@pytest.fixture
def reconciler(store: JobStore, files: ArtifactStore) -> Reconciler:
    return Reconciler(store, files, lambda *_: None)


def test_a_zombie_that_is_refused_breaks_nothing(
    client: httpx.Client,
    redis: Redis,
    store: JobStore,
    files: ArtifactStore,
    reconciler: Reconciler,
) -> None:
    zombie, heir = taken_twice(store, reconciler)
    succeed(heir, files)
    with pytest.raises(LeaseLost):
        succeed(zombie, files, b"other")
    tally = verdict(client, redis, heir.job.id)
    assert tally.broken == {} and tally.succeeded == [heir.job.id] and tally.restarted == 1
    evidence = gather(client, EventLog(redis), Told(), {})
    assert stray_files(store, files, evidence) == ([], [f"{zombie.folder}/map.npy"])


def test_without_fencing_the_zombie_is_noticed(
    client: httpx.Client,
    redis: Redis,
    store: JobStore,
    files: ArtifactStore,
    reconciler: Reconciler,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = script_runner.source
    unfenced = {"finish": sound("finish").replace("not is_held_by(token)", "false")}
    assert unfenced["finish"] != sound("finish")
    monkeypatch.setattr(script_runner, "source", lambda name: unfenced.get(name) or sound(name))
    zombie, heir = taken_twice(store, reconciler)
    succeed(heir, files)
    seen = Seen.of(client.get(f"/v1/jobs/{heir.job.id}").json())
    succeed(zombie, files, b"other")
    assert verdict(client, redis, heir.job.id, seen).broken == {"twice": [heir.job.id]}
    assert verdict(client, redis, heir.job.id).broken == {
        "twice": [heir.job.id]
    }  # its stream alone tells


def test_without_a_reconciler_the_job_of_a_dead_worker_is_left(
    client: httpx.Client, redis: Redis, store: JobStore
) -> None:
    job = new_job(store)
    claimed(store, job)
    assert verdict(client, redis, job.id).broken == {"left": [job.id]}


def test_a_missing_record_and_missing_or_changed_files_are_noticed(
    client: httpx.Client, redis: Redis, store: JobStore, files: ArtifactStore
) -> None:
    leases = [claimed(store, new_job(store)) for _ in range(3)]
    for lease in leases:
        succeed(lease, files)
    gone, changed, forgotten = leases
    files.delete(f"{gone.folder}/map.npy")
    files.put(f"{changed.folder}/map.npy", b"mop")
    redis.delete(redis_keys.job(forgotten.job.id))
    redis.zrem(redis_keys.EXPIRING, f"job:{forgotten.job.id}")
    assert verdict(client, redis, gone.job.id).without_artifacts == sorted(
        [gone.job.id, changed.job.id]
    )
    assert verdict(client, redis, forgotten.job.id).lost == [forgotten.job.id]
    evidence = gather(client, EventLog(redis), Told(), {})
    assert stray_files(store, files, evidence) == ([f"{forgotten.folder}/map.npy"], [])


def test_what_does_not_expire_is_named(
    redis: Redis,
    store: JobStore,
    files: ArtifactStore,
    reconciler: Reconciler,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.chaos.leftovers.time.sleep", lambda _: reconciler.sweep())
    succeed(claimed(store, new_job(store)), files)
    assert keys_without_expiry(redis) == []
    left = after_expiry(redis, files)
    assert (left.keys, left.files) == ([], [])
    redis.set("retinoscope:forgotten", "1")
    files.put("jobs/nobody/1-0/map.npy", b"map")
    monkeypatch.setattr("benchmarks.chaos.leftovers._PATIENCE_S", 0.0)
    assert keys_without_expiry(redis) == ["retinoscope:forgotten"]
    left = after_expiry(redis, files)
    assert (left.keys, left.files) == (["retinoscope:forgotten"], ["jobs/nobody/1-0/map.npy"])
