"""The role that sends webhooks: `python -m service.webhooks`, any number of processes.

What is due is found in Redis. A process leases it and sends up to 64 messages at once, two of an
owner to the same host, and of one owner as many as there are places left. So a slow receiver delays
nobody else, and neither does an owner with many of them.
"""

import asyncio
import logging
import signal
from collections import Counter, defaultdict

from redis import RedisError

from jobs.api_keys import KeyRing
from jobs.connection import connect
from jobs.deliveries import IN_ALL, Delivery, DeliveryStore
from jobs.outage import Outage
from jobs.settings import Settings
from jobs.store import JobStore
from service.key_guard import KeyGuard
from service.outgoing.transport import Transport
from service.webhooks.attempt import TIMEOUT_S
from service.webhooks.sender import Sender

log = logging.getLogger(__name__)

# Longer than an attempt takes, with the time to record its outcome.
LEASE_S = 2 * TIMEOUT_S
_LOOK_EVERY_S = 0.5


class Deliverer:
    """A loop that claims what is due and sends it, until it is told to stop."""

    def __init__(self, deliveries: DeliveryStore, sender: Sender, lease_s: float = LEASE_S) -> None:
        self._deliveries = deliveries
        self._sender = sender
        self._lease_ms = round(lease_s * 1000)
        self._busy: dict[str, Counter[str]] = defaultdict(Counter)
        self._tasks: set[asyncio.Task[None]] = set()
        self._outage = Outage("the sender of webhooks", log)
        # Set when an attempt has ended, since its host may have more, and to stop.
        self._wake = asyncio.Event()
        self._stopping = False

    async def run(self) -> None:
        """Send until `stop` is called, then wait for the attempts that are under way."""
        log.info("webhooks are sent")
        while not self._stopping:
            self._wake.clear()
            delay_s = await self._start_due()
            with_timeout = asyncio.wait_for(self._wake.wait(), delay_s)
            try:
                await with_timeout
            except TimeoutError:
                continue
        if self._tasks:
            await asyncio.wait(self._tasks)

    def stop(self) -> None:
        """Claim nothing more."""
        self._stopping = True
        self._wake.set()

    async def _start_due(self) -> float:
        """Start to send what is due. Return the seconds until the next look."""
        busy = {owner: dict(hosts) for owner, hosts in self._busy.items()}
        try:
            claimed = await asyncio.to_thread(self._deliveries.claim, self._lease_ms, busy)
        except RedisError as error:
            return self._outage.failed(error)
        self._outage.succeeded()
        for delivery in claimed:
            self._busy[delivery.owner][delivery.host] += 1
            task = asyncio.create_task(self._send(delivery))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return _LOOK_EVERY_S

    async def _send(self, delivery: Delivery) -> None:
        try:
            await self._sender.send(delivery)
        except RedisError as error:
            log.warning("%s is sent again: %s", delivery.id, type(error).__name__)
        except Exception:
            log.exception("%s is sent again", delivery.id)
        finally:
            self._end(delivery)
            self._wake.set()

    def _end(self, delivery: Delivery) -> None:
        hosts = self._busy[delivery.owner]
        hosts[delivery.host] -= 1
        if not hosts[delivery.host]:
            del hosts[delivery.host]
        if not hosts:
            del self._busy[delivery.owner]


async def deliver(settings: Settings) -> None:
    """Send webhooks until SIGTERM or SIGINT."""
    redis = connect(settings.redis_url, retries=2, patient=True)
    keys = KeyGuard(KeyRing(settings.keys_location), redis)
    sender = Sender(JobStore(redis, settings), keys, Transport(IN_ALL))
    deliverer = Deliverer(DeliveryStore(redis), sender)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, deliverer.stop)
    await deliverer.run()
