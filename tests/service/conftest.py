"""Fixtures of the API's tests: clients that check every response, servers, images and jobs."""

import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
import uvicorn
from celery import Celery

from jobs import queue
from jobs.settings import Settings
from retinoscope.redis_server import free_port
from retinoscope.stack import Stack
from service.app import create_app
from tests.service.asking import newest_job, run, says_nothing_of_this_machine, store_image
from tests.service.conformance import keeps_to_the_document
from tests.service.pictures import encoded, photo
from tests.wait import wait_until

Serve = Callable[..., httpx.Client]


def watchful(address: str, **headers: str) -> httpx.Client:
    """Return a client that compares each response with the OpenAPI document.

    It also fails the test if a response reveals a traceback or a local path.
    """
    hooks = {"response": [says_nothing_of_this_machine, keeps_to_the_document]}
    return httpx.Client(
        base_url=address, timeout=90, headers=headers, event_hooks=hooks, trust_env=False
    )


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """Return a checking client of the shared stack."""
    with watchful(stack.plan.address) as client:
        yield client


@pytest.fixture(scope="session")
def small(coffee: bytes) -> bytes:
    """Return the espresso at 300 × 200 pixels."""
    return encoded(photo(coffee))


@pytest.fixture
def stored(client: httpx.Client, small: bytes) -> str:
    """Return the id of an image that the shared stack stores."""
    return store_image(client, small)["id"]


@pytest.fixture
def nothing_queued(client: httpx.Client) -> Iterator[None]:
    """Fail the test if it created a job, and cancel that job for the tests that follow."""
    before = newest_job(client)
    yield
    after = newest_job(client)
    if after != before:
        client.post(f"/v1/jobs/{after}/cancel")
    assert after == before


@pytest.fixture(scope="session")
def explained(stack: Stack, coffee: bytes) -> dict:
    """Return a finished saliency job of the shared stack, with seed 7."""
    with watchful(stack.plan.address) as client:
        return run(client, "saliency", coffee, seed=7, samples=2)


@pytest.fixture(scope="session")
def broker(redis_server: tuple[object, str]) -> Iterator[None]:
    """Send messages to the tests' Redis.

    An application sends them to the broker of the environment, whatever its settings say.
    """
    own = Celery("tests", broker=redis_server[1], set_as_current=False)
    own.conf.broker_transport_options = queue.app.conf.broker_transport_options
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queue, "app", own)
        yield


@pytest.fixture
def serve(broker: None) -> Iterator[Serve]:
    """Return a function that starts an API without workers, and returns a client of it."""
    started: list[tuple[uvicorn.Server, threading.Thread, httpx.Client]] = []

    def start(settings: Settings) -> httpx.Client:
        port = free_port()
        config = uvicorn.Config(
            create_app(settings),
            port=port,
            log_config=None,
            access_log=False,
            ws="none",
            timeout_graceful_shutdown=1,
            proxy_headers=False,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        client = watchful(f"http://127.0.0.1:{port}")
        started.append((server, thread, client))
        thread.start()
        wait_until(lambda: server.started or not thread.is_alive())
        return client

    yield start
    for server, thread, client in started:
        client.close()
        server.should_exit = True
        thread.join()


@pytest.fixture
def own(serve: Serve, settings: Settings) -> httpx.Client:
    """Return a client of an API on an empty Redis, where whatever is queued stays queued."""
    return serve(settings)
