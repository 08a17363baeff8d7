"""What all tests share: a real Redis, a real stack, and photographs."""

import os
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RETINOSCOPE_THREADS", "1")
# All processes of one run test a model once, and none believes what an earlier run found.
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
os.environ.setdefault("RETINOSCOPE_CACHE", f"{tempfile.gettempdir()}/retinoscope-tests-{_RUN}")

import httpx
import pytest
from redis import Redis

from jobs.connection import connect
from jobs.process import die_with_parent
from jobs.settings import Settings
from jobs.store import JobStore
from retinoscope.child import Child
from retinoscope.demo_plan import photograph
from retinoscope.redis_server import configure, free_port
from retinoscope.stack import Plan, Stack, running
from tests.wait import wait_until

# A run that is killed ends its xdist workers, and each of these the stacks that it has started.
if "PYTEST_XDIST_WORKER" in os.environ:
    die_with_parent()


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Child, str]]:
    """A Redis of the tests' own: the process and its URL."""
    folder = tmp_path_factory.mktemp("redis")
    command, url = configure(folder)
    child = Child("redis", command, {}, folder / "redis.log", patience_s=5)
    child.start()
    wait_until(lambda: _answers(url))
    yield child, url
    child.stop()


@pytest.fixture
def settings(redis_server: tuple[Child, str], tmp_path: Path) -> Settings:
    """Settings on an empty Redis and an empty folder, with times short enough for tests."""
    _, url = redis_server
    connect(url).flushall()
    return Settings(redis_url=url, data=tmp_path, lease_s=0.6, publish_grace_s=0.3)


@pytest.fixture
def redis(settings: Settings) -> Redis:
    return connect(settings.redis_url)


@pytest.fixture
def store(redis: Redis, settings: Settings) -> JobStore:
    return JobStore(redis, settings)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole service as `retinoscope serve` starts it.

    Tests share it, and must not kill its processes. Its logs are JSON.
    """
    plan = Plan("127.0.0.1", free_port(), tmp_path_factory.mktemp("stack"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETINOSCOPE_LOG_FORMAT", "json")
        with running(plan) as stack:
            yield stack


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """HTTP to the shared stack."""
    with httpx.Client(base_url=stack.plan.address, timeout=90) as client:
        yield client


@pytest.fixture(scope="session")
def coffee() -> bytes:
    """600 × 400 pixels of an espresso."""
    return photograph("coffee")


@pytest.fixture(scope="session")
def chelsea() -> bytes:
    """451 × 300 pixels of a cat."""
    return photograph("chelsea")


def _answers(url: str) -> bool:
    try:
        return bool(connect(url).ping())
    except Exception:
        return False
