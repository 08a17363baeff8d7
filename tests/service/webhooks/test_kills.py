"""No webhook is lost however often its sender is killed, and what comes twice is the same."""

from collections import defaultdict

from jobs.deliveries import DeliveryState
from jobs.settings import Settings
from jobs.store import JobStore
from tests.service.webhooks.delivering import delivering, new_job, only, start_process
from tests.service.webhooks.receiver import Receiver, receiving
from tests.wait import wait_until

JOBS, KILLS, HOSTS = 40, 2, 4


def posted(receivers: list[Receiver]) -> int:
    return sum(len(receiver.received) for receiver in receivers)


def test_every_message_arrives_although_senders_are_killed(
    store: JobStore, settings: Settings
) -> None:
    # Some answers are failures, so that messages are also on their way to a later attempt.
    with (
        receiving(*[503, 204] * 5) as first,
        receiving(*[500] * 4) as second,
        receiving() as third,
        receiving(*[204, 502] * 5) as fourth,
    ):
        receivers = [first, second, third, fourth]
        jobs = [new_job(store, receivers[number % HOSTS].url) for number in range(JOBS)]
        for job in jobs:
            store.cancel(job.id, "local")
        for _ in range(KILLS):
            for receiver in receivers:
                receiver.open.clear()
            sender = start_process(settings, lease_s=1)
            # It is killed while it waits for answers, and these come after its death.
            before = posted(receivers)
            wait_until(lambda before=before: posted(receivers) > before)
            sender.kill()
            sender.wait()
            for receiver in receivers:
                receiver.open.set()
        with delivering(settings, delays_s=[0.05] * 20):
            for job in jobs:
                wait_until(lambda job=job: only(store, job).state is DeliveryState.DELIVERED)
    bodies = defaultdict(set)
    for receiver in receivers:
        for received in receiver.received:
            bodies[received.id].add(received.body)
    assert bodies.keys() == {only(store, job).id for job in jobs}
    assert [different for different in bodies.values() if len(different) > 1] == []
    assert posted(receivers) > JOBS
