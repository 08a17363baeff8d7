"""Limits of one owner: calls in a minute, open and running jobs, weight; and what is used."""

import json
import logging
from collections.abc import Iterator

import httpx
import pytest

from jobs import redis_keys
from jobs.api_keys import KeyRing
from jobs.errors import KeysUnreadable
from jobs.lease import claim
from jobs.settings import Settings
from jobs.store import JobStore
from retinoscope.redis_server import free_port
from service.rate_limit import RateLimiter
from tests.service.asking import queue, refused
from tests.service.conftest import Serve, watchful

CALLS = 5


@pytest.fixture
def ring(settings: Settings) -> KeyRing:
    return KeyRing(settings.keys_location)


def limit(ring: KeyRing, **owners: dict[str, float]) -> None:
    """Write limits into the key file, as its owner does with an editor."""
    content = json.loads(ring.path.read_text())
    ring.path.write_text(json.dumps(content | {"owners": owners}))


@pytest.fixture
def owners(
    serve: Serve, settings: Settings, ring: KeyRing
) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Return the clients of Ada, who has limits, and Bob, who has none, at one API."""
    keys = ring.create("ada"), ring.create("bob")
    limit(ring, ada={"requests_per_minute": CALLS, "max_open": 2, "weight": 3, "max_running": 1})
    address = str(serve(settings).base_url)
    ada, bob = (watchful(address, **{"X-API-Key": key}) for key in keys)
    with ada, bob:
        yield ada, bob


Owners = tuple[httpx.Client, httpx.Client]


def test_calls_beyond_the_rate_are_refused_and_only_those_of_the_owner(owners: Owners) -> None:
    ada, bob = owners
    for left in reversed(range(CALLS)):
        answer = ada.get("/v1/jobs")
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == f'"calls";q={CALLS};w=60'
        assert answer.headers["ratelimit"].startswith(f'"calls";r={left};t=')
    answer = ada.get("/v1/jobs/nothing")
    refused(answer, 429, "too_many_requests", "5 calls in a minute", "Prefer: wait=60")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert answer.headers["ratelimit"].startswith('"calls";r=0;t=')
    assert ada.get("/healthz").status_code == 200
    assert "ratelimit" not in bob.get("/v1/jobs").headers


def test_errors_have_the_headers_too(owners: Owners) -> None:
    answer = owners[0].get("/v1/jobs/nothing")
    assert answer.status_code == 404 and answer.headers["ratelimit"].startswith('"calls";r=4')


def test_calls_are_counted_over_all_processes(
    owners: Owners, serve: Serve, settings: Settings
) -> None:
    ada, _ = owners
    for _ in range(CALLS - 1):
        ada.get("/v1/jobs")
    other = str(serve(settings).base_url)
    with watchful(other, **{"X-API-Key": ada.headers["X-API-Key"]}) as second:
        assert second.get("/v1/jobs").headers["ratelimit"].startswith('"calls";r=0')
        assert second.get("/v1/jobs").status_code == 429


def test_the_counts_expire(owners: Owners, store: JobStore) -> None:
    owners[0].get("/v1/jobs")
    keys = list(store.redis.scan_iter("retinoscope:calls*"))
    assert keys and all(0 < store.redis.ttl(key) <= 120 for key in keys)


def test_nobody_is_refused_while_redis_is_away() -> None:
    limiter = RateLimiter(f"redis://127.0.0.1:{free_port()}")
    assert limiter.count("ada", 1) is None


def test_open_jobs_are_limited_and_the_record_has_the_share(
    owners: Owners, store: JobStore, small: bytes
) -> None:
    ada, bob = owners
    record = store.redis.hgetall(redis_keys.job(queue(ada, "predict", small)["id"]))
    assert (float(record["weight"]), record["max_running"], float(record["cost"])) == (3, "1", 2)
    queue(ada, "predict", small, cache=False)
    answer = ada.post("/v1/jobs/predict", files={"image": small}, data={"cache": "false"})
    refused(answer, 429, "too_many_jobs")
    record = store.redis.hgetall(redis_keys.job(queue(bob, "predict", small)["id"]))
    assert "weight" not in record and "max_running" not in record


def test_use_is_told_with_its_limits(owners: Owners, store: JobStore, small: bytes) -> None:
    ada, bob = owners
    lease = claim(store, queue(ada, "predict", small)["id"])
    assert lease is not None
    queue(ada, "saliency", small, samples=4)
    usage = ada.get("/v1/usage").json()
    assert usage == {
        "owner": "ada",
        "open": 2,
        "running": 1,
        "jobs_today": 1,
        "passes_today": 2,
        "limits": {"weight": 3, "requests_per_minute": CALLS, "max_open": 2, "max_running": 1},
    }
    lease.succeed({}, [], {})
    usage = ada.get("/v1/usage").json()
    assert (usage["open"], usage["running"], usage["jobs_today"]) == (1, 0, 1)
    usage = bob.get("/v1/usage").json()
    assert (usage["open"], usage["jobs_today"], usage["limits"]["weight"]) == (0, 0, 1)
    assert usage["limits"]["max_open"] == 5000


def test_a_job_that_is_tried_again_is_counted_once(
    owners: Owners, store: JobStore, small: bytes
) -> None:
    job = queue(owners[0], "predict", small)["id"]
    for _ in range(2):
        lease = claim(store, job)
        assert lease is not None and lease.give_back()
    assert store.usage("ada").jobs_today == 1


def test_keys_are_made_and_revoked_beside_what_the_file_says_of_owners(ring: KeyRing) -> None:
    ring.create("ada")
    content = json.loads(ring.path.read_text()) | {
        "owners": {"ada": {"weight": 2}},
        "later": {"a": 1},
    }
    content["keys"][0]["note"] = "ci"
    ring.path.write_text(json.dumps(content))
    ring.create("bob")
    bob = ring.all()[1]
    assert ring.revoke(bob.id)
    assert json.loads(ring.path.read_text()) == content
    assert ring.limits("ada").weight == 2


def test_an_unknown_field_of_one_owner_is_told_once_and_limits_nothing(
    owners: Owners, ring: KeyRing, caplog: pytest.LogCaptureFixture
) -> None:
    ada, bob = owners
    limit(ring, ada={"max_opne": 2, "weight": 3}, carol={"color": 1})
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert bob.get("/v1/jobs").status_code == 200
        limits = ada.get("/v1/usage").json()["limits"]
    assert limits == {
        "weight": 3,
        "requests_per_minute": None,
        "max_open": 5000,
        "max_running": None,
    }
    [told] = [each.getMessage() for each in caplog.records if "unknown" in each.getMessage()]
    assert "ada.max_opne" in told and "carol.color" in told
    ring.create("dora")
    assert json.loads(ring.path.read_text())["owners"]["ada"] == {"max_opne": 2, "weight": 3}


def test_a_wrong_value_of_a_known_field_refuses_the_file(ring: KeyRing) -> None:
    ring.create("ada")
    limit(ring, ada={"weight": 0})
    with pytest.raises(KeysUnreadable):
        KeyRing(ring.path).limits("ada")
