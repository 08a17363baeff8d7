"""One attempt to deliver a webhook, from its job's record to the outcome that is written."""

import asyncio
import logging
from collections.abc import Mapping, Sequence

from redis import RedisError

from jobs.deliveries import Delivery, DeliveryStore
from jobs.errors import NotFound
from jobs.model import Job
from jobs.store import JobStore
from jobs.webhook_secrets import WebhookSecrets
from service.key_guard import KeyGuard
from service.outgoing.transport import NoAnswer, Transport
from service.outgoing.url_rules import UrlRefused, check_url
from service.webhooks.attempt import attempt
from service.webhooks.message import message
from service.webhooks.schedule import DELAYS_S, Verdict, verdict
from service.webhooks.targets import webhook_rules

log = logging.getLogger(__name__)

# How long a message waits whose job could not be read.
_UNREAD_MS = 30_000
_TRIES_TO_RECORD, _RECORD_AGAIN_S = 5, 1.0


class Sender:
    """Sends deliveries that were claimed. `delays_s` is the schedule of further attempts."""

    def __init__(
        self,
        jobs: JobStore,
        keys: KeyGuard,
        transport: Transport,
        delays_s: Sequence[float] = DELAYS_S,
    ) -> None:
        self._jobs = jobs
        self._keys = keys
        self._transport = transport
        self._delays_s = delays_s
        self._deliveries = DeliveryStore(jobs.redis)
        self._secrets = WebhookSecrets(jobs.redis)

    async def send(self, delivery: Delivery) -> None:
        """Send a message once, and record the outcome.

        Raises redis.RedisError. The lease then ends by itself, and the message is sent again.
        """
        try:
            job = await asyncio.to_thread(self._jobs.get, delivery.job)
            secrets = await asyncio.to_thread(self._secrets.of, job.owner)
        except NotFound:
            # Its deliveries are deleted, or expire, with the job.
            return
        except Exception:
            await asyncio.to_thread(self._deliveries.give_back, delivery, _UNREAD_MS)
            raise
        status, headers = await self._post(delivery, job, secrets.all)
        outcome = verdict(delivery.attempts, status, headers, self._delays_s)
        log.info(
            "job %s: %s to %s: %s, %s",
            job.id,
            delivery.event,
            delivery.host,
            status or "no answer",
            outcome.state,
        )
        await self._record(delivery, outcome, status)

    async def _post(
        self, delivery: Delivery, job: Job, secrets: Sequence[str]
    ) -> tuple[int | None, Mapping[str, str]]:
        """Return the status and the headers of the answer; None if there is none.

        The address is checked again, since the rules may have changed since the job was created.
        """
        rules = await webhook_rules(self._jobs.settings, self._keys)
        try:
            url = check_url(job.webhook or "", rules)
            body = message(job, delivery.event)
            answer = await attempt(self._transport, url, delivery.id, body, secrets)
        except (UrlRefused, NoAnswer):
            return None, {}
        return answer.status, answer.headers

    async def _record(self, delivery: Delivery, outcome: Verdict, status: int | None) -> None:
        """Write the outcome, with patience: an outcome that is lost is a message sent twice."""
        delay_ms = round(outcome.delay_s * 1000)
        for left in reversed(range(_TRIES_TO_RECORD)):
            try:
                await asyncio.to_thread(
                    self._deliveries.record, delivery, outcome.state, status, delay_ms
                )
                return
            except RedisError:
                if not left:
                    raise
                await asyncio.sleep(_RECORD_AGAIN_S)
