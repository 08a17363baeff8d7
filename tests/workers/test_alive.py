"""The health check of a worker's container, against a real Redis."""

import pytest
from redis import Redis

from jobs.registries import WorkerRegistry
from jobs.settings import Settings
from retinoscope.redis_server import free_port
from workers.alive import problem


def test_a_worker_of_this_host_is_enough(redis: Redis, settings: Settings) -> None:
    WorkerRegistry(redis).announce("pod-a:1")
    assert problem(settings.redis_url, "pod-a") is None


@pytest.mark.parametrize("name", ["pod-ab:1", "pod:1", "other:pod-a"])
def test_one_of_another_host_is_not(redis: Redis, settings: Settings, name: str) -> None:
    WorkerRegistry(redis).announce(name)
    assert "pod-a" in (problem(settings.redis_url, "pod-a") or "")


def test_a_worker_that_has_withdrawn_is_not(redis: Redis, settings: Settings) -> None:
    WorkerRegistry(redis).announce("pod-a:1")
    WorkerRegistry(redis).withdraw("pod-a:1")
    assert problem(settings.redis_url, "pod-a")


def test_without_redis_no_worker_is_restarted() -> None:
    assert problem(f"redis://127.0.0.1:{free_port()}/0", "pod-a") is None
