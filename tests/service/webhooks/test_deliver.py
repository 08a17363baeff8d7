"""Webhooks arrive at a real receiver: signed, at least once, and no longer than they should."""

import time
from contextlib import ExitStack

import pytest
from standardwebhooks.webhooks import WebhookVerificationError

from jobs.artifacts import ArtifactStore
from jobs.deliveries import IN_ALL, PER_HOST, DeliveryState, DeliveryStore
from jobs.model import Job
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.webhook import EVENTS
from jobs.webhook_secrets import WebhookSecrets
from retinoscope.redis_server import free_port
from tests.jobs.test_audit import saved
from tests.jobs.test_transitions import claimed
from tests.service.webhooks.delivering import delivering, new_job, only, start_process
from tests.service.webhooks.receiver import receiving
from tests.wait import wait_until

DELIVERED, FAILED, WAITING = (
    DeliveryState.DELIVERED,
    DeliveryState.FAILED,
    DeliveryState.WAITING,
)


def canceled(store: JobStore, url: str, owner: str = "local") -> Job:
    """Return a job whose end is to be told to that address."""
    job = new_job(store, url, owner=owner)
    return store.cancel(job.id, owner)


def becomes(store: JobStore, job: Job, state: DeliveryState) -> None:
    wait_until(lambda: only(store, job).state is state)


def test_the_message_tells_of_the_job_and_verifies(store: JobStore, settings: Settings) -> None:
    files = ArtifactStore(settings.artifacts_location)
    with receiving() as receiver, delivering(settings):
        job = new_job(store, receiver.url, EVENTS)
        lease = claimed(store, job)
        wait_until(lambda: receiver.received)
        lease.succeed({"secret": 1}, [saved(files, lease)], {})
        wait_until(lambda: len(receiver.received) == 2)
    secret = WebhookSecrets(store.redis).of("local").secret
    start, end = (received.verified(secret) for received in receiver.received)
    record = store.get(job.id)
    assert (start["type"], end["type"]) == ("job.started", "job.succeeded")
    assert (start["data"]["status"], start["data"]["finished_at"]) == ("running", None)
    assert end["timestamp"] == end["data"]["finished_at"]
    assert end["data"]["id"] == job.id and end["data"]["status"] == "succeeded"
    (artifact,) = end["data"]["artifacts"]
    assert artifact["bytes"] == record.result.artifacts[0].bytes
    assert artifact["url"] == f"/v1/jobs/{job.id}/artifacts/{artifact['name']}"
    assert not end["data"].keys() & {"params", "summary", "inputs", "owner"}
    assert receiver.received[0].path == "/hook?from=retinoscope"
    assert receiver.received[0].headers["content-type"] == "application/json"


def test_another_owners_secret_does_not_verify(store: JobStore, settings: Settings) -> None:
    with receiving() as receiver, delivering(settings):
        canceled(store, receiver.url, "ada")
        wait_until(lambda: receiver.received)
    secrets = WebhookSecrets(store.redis)
    assert receiver.received[0].verified(secrets.of("ada").secret)
    with pytest.raises(WebhookVerificationError):
        receiver.received[0].verified(secrets.of("bob").secret)


def test_after_a_rotation_both_secrets_verify(store: JobStore, settings: Settings) -> None:
    secrets = WebhookSecrets(store.redis)
    before = secrets.of("local").secret
    after = secrets.rotate("local")
    assert after.previous == before != after.secret
    with receiving() as receiver, delivering(settings):
        canceled(store, receiver.url)
        wait_until(lambda: receiver.received)
    assert receiver.received[0].verified(before) == receiver.received[0].verified(after.secret)


def test_a_receiver_that_is_down_gets_it_when_it_is_up(store: JobStore, settings: Settings) -> None:
    port = free_port()
    job = canceled(store, f"http://127.0.0.1:{port}/")
    with delivering(settings, delays_s=[0.3] * 50):
        wait_until(lambda: only(store, job).attempts >= 2)
        assert only(store, job).state is WAITING and only(store, job).status_code is None
        with receiving(503, port=port) as receiver:
            becomes(store, job, DELIVERED)
    first, second = receiver.received
    assert first.id == second.id == only(store, job).id
    assert first.body == second.body
    secret = WebhookSecrets(store.redis).of("local").secret
    assert first.verified(secret) == second.verified(secret)


def test_it_is_given_up_after_the_last_attempt(store: JobStore, settings: Settings) -> None:
    with receiving(500, 302, 404) as receiver, delivering(settings, delays_s=[0.05, 0.05]):
        job = canceled(store, receiver.url)
        becomes(store, job, FAILED)
        time.sleep(0.3)
    assert len(receiver.received) == 3
    assert only(store, job).status_code == 404 and only(store, job).next_ms is None


def test_gone_ends_it_at_once(store: JobStore, settings: Settings) -> None:
    with receiving(410) as receiver, delivering(settings):
        job = canceled(store, receiver.url)
        becomes(store, job, FAILED)
        time.sleep(0.3)
    assert len(receiver.received) == 1 and only(store, job).status_code == 410


def test_retry_after_is_waited_for(store: JobStore, settings: Settings) -> None:
    with receiving((429, {"Retry-After": "2"})) as receiver, delivering(settings):
        job = canceled(store, receiver.url)
        start = wait_until(lambda: receiver.received and time.monotonic())
        becomes(store, job, DELIVERED)
        assert time.monotonic() - start >= 1.9


def test_a_sender_that_is_killed_before_it_records_loses_nothing(
    store: JobStore, settings: Settings
) -> None:
    with receiving() as receiver:
        receiver.open.clear()
        sender = start_process(settings, lease_s=1)
        job = canceled(store, receiver.url)
        wait_until(lambda: receiver.received)
        sender.kill()
        sender.wait()
        assert only(store, job).state is WAITING
        receiver.open.set()
        with delivering(settings):
            becomes(store, job, DELIVERED)
    first, second = receiver.received
    assert first.id == second.id and first.body == second.body
    assert only(store, job).attempts == 2


def test_a_slow_receiver_holds_nobody_else(store: JobStore, settings: Settings) -> None:
    with ExitStack() as stack:
        slow, quick = (stack.enter_context(receiving()) for _ in range(2))
        slow.open.clear()
        held = [canceled(store, slow.url) for _ in range(9)]
        stack.enter_context(delivering(settings))
        wait_until(lambda: slow.now == PER_HOST)
        becomes(store, canceled(store, quick.url), DELIVERED)
        assert len(slow.received) == PER_HOST
        slow.open.set()
        for job in held:
            becomes(store, job, DELIVERED)
        assert slow.most == PER_HOST and len(slow.received) == 9


def test_an_owner_with_many_slow_receivers_holds_nobody_else(
    store: JobStore, settings: Settings
) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(receiving()) for _ in range(IN_ALL // PER_HOST)]
        quick = stack.enter_context(receiving())
        for receiver in slow:
            receiver.open.clear()
            for _ in range(PER_HOST):
                canceled(store, receiver.url, "ada")
        stack.enter_context(delivering(settings))
        wait_until(lambda: sum(receiver.now for receiver in slow) == IN_ALL // 2)
        becomes(store, canceled(store, quick.url, "bob"), DELIVERED)
        assert sum(receiver.now for receiver in slow) == IN_ALL // 2
        for receiver in slow:
            receiver.open.set()


def test_a_replay_sends_the_same_message_again(store: JobStore, settings: Settings) -> None:
    with receiving(410) as receiver, delivering(settings):
        job = canceled(store, receiver.url)
        becomes(store, job, FAILED)
        DeliveryStore(store.redis).replay(job.id, only(store, job).id)
        becomes(store, job, DELIVERED)
    first, second = receiver.received
    assert first.id == second.id and first.body == second.body


def test_a_deleted_job_is_told_of_no_more(store: JobStore, settings: Settings) -> None:
    with receiving() as receiver:
        job = canceled(store, receiver.url)
        assert store.forget(job.id)
        with delivering(settings):
            time.sleep(0.7)
    assert receiver.received == []
    assert not list(store.redis.scan_iter("retinoscope:*deliver*"))


def test_loopback_is_not_sent_to_once_there_are_keys(store: JobStore, settings: Settings) -> None:
    settings.keys_location.write_text('{"keys": []}')
    with receiving() as receiver, delivering(settings, delays_s=[]):
        job = canceled(store, receiver.url)
        becomes(store, job, FAILED)
    assert receiver.received == [] and only(store, job).status_code is None
