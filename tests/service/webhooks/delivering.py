"""A sender of webhooks with short times, in a thread of the test or in a process of its own."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from jobs.api_keys import KeyRing
from jobs.connection import connect
from jobs.create_options import CreateOptions
from jobs.deliveries import Delivery, DeliveryStore
from jobs.job_request import JobRequest
from jobs.model import Job
from jobs.process import tethered
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.webhook import FINAL_EVENTS, Webhook
from service.key_guard import KeyGuard
from service.outgoing.transport import Transport
from service.webhooks.deliver import Deliverer
from service.webhooks.sender import Sender

DELAYS_S = (0.1, 0.1)


def make_deliverer(
    settings: Settings, delays_s: Sequence[float] = DELAYS_S, lease_s: float = 30
) -> Deliverer:
    """Return the sender as its role makes it, but for the times."""
    redis = connect(settings.redis_url)
    keys = KeyGuard(KeyRing(settings.keys_location), redis)
    sender = Sender(JobStore(redis, settings), keys, Transport(64), delays_s)
    return Deliverer(DeliveryStore(redis), sender, lease_s)


@contextmanager
def delivering(
    settings: Settings, delays_s: Sequence[float] = DELAYS_S, lease_s: float = 30
) -> Iterator[None]:
    """Send webhooks in a thread until the end of the block."""
    loop = asyncio.new_event_loop()
    deliverer = make_deliverer(settings, delays_s, lease_s)
    thread = threading.Thread(target=loop.run_until_complete, args=(deliverer.run(),))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(deliverer.stop)
        thread.join()
        loop.close()


def start_process(settings: Settings, lease_s: float) -> "subprocess.Popen[bytes]":
    """Send webhooks in a process that can be killed."""
    code = (
        "import asyncio, sys; from jobs.settings import Settings; "
        "from tests.service.webhooks.delivering import make_deliverer; "
        "settings = Settings(redis_url=sys.argv[1], data=sys.argv[2]); "
        f"asyncio.run(make_deliverer(settings, lease_s={lease_s}).run())"
    )
    command = [sys.executable, "-c", code, settings.redis_url, str(settings.data)]
    return subprocess.Popen(tethered(command))


def new_job(
    store: JobStore, url: str, events: tuple[str, ...] = FINAL_EVENTS, owner: str = "local"
) -> Job:
    """Queue a job with a webhook."""
    request = JobRequest(
        owner=owner, technique="saliency", model="m", queue="fast", params={"seed": 7}
    )
    return store.create(request, CreateOptions(webhook=Webhook(url, events)))


def only(store: JobStore, job: Job) -> Delivery:
    """Return the only delivery about a job."""
    (delivery,) = DeliveryStore(store.redis).of_job(job.id)
    return delivery
