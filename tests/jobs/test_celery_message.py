"""The message that goes with a new record is the one that Celery would send."""

import base64
import json
from typing import Any

from celery import Celery
from redis import Redis

from jobs.celery_message import prepare_message
from jobs.job_request import JobRequest
from jobs.model import PreparedMessage
from jobs.queue import BACK, RUN_JOB, app
from jobs.settings import Settings
from jobs.store import JobStore

OWN = {"id", "root_id", "expires", "origin", "correlation_id", "delivery_tag", "reply_to"}


def sent(settings: Settings, redis: Redis, job_id: str) -> PreparedMessage:
    """Return what Celery puts into Redis for the same job, and where."""
    real = Celery("real", broker=settings.redis_url)
    real.conf.update(
        {
            name: app.conf[name]
            for name in ("task_serializer", "broker_transport_options", "task_ignore_result")
        }
    )
    before = set(redis.keys())
    real.send_task(RUN_JOB, [job_id], queue="fast", priority=BACK, retry=False, expires=3600)
    (name,) = (key for key in set(redis.keys()) - before if redis.type(key) == "list")
    return PreparedMessage(name, str(redis.lindex(name, 0)))


def shape(message: str) -> dict[str, Any]:
    """Return the message without the values that differ between messages."""
    data = json.loads(message)
    for part in ("headers", "properties"):
        data[part] = {
            name: type(value) if name in OWN else value for name, value in data[part].items()
        }
    return data | {"body": json.loads(base64.b64decode(data["body"]))}


def test_a_prepared_message_equals_the_one_that_celery_sends(
    settings: Settings, redis: Redis
) -> None:
    real, ours = sent(settings, redis, "0123"), prepare_message("0123", "fast")
    assert ours.list == real.list
    assert shape(ours.message) == shape(real.message)


def test_every_message_has_ids_of_its_own() -> None:
    one, other = (json.loads(prepare_message("0123", "slow").message) for _ in range(2))
    assert one["headers"]["id"] != other["headers"]["id"] == other["properties"]["correlation_id"]
    assert one["properties"]["delivery_tag"] != other["properties"]["delivery_tag"]


def test_record_and_message_are_written_in_one_step(store: JobStore) -> None:
    made: list[PreparedMessage] = []

    def remembered(job_id: str, queue: str) -> PreparedMessage:
        made.append(prepare_message(job_id, queue))
        return made[-1]

    telling = JobStore(store.redis, store.settings, remembered)
    job = telling.create(
        JobRequest(owner="local", technique="saliency", model="m", queue="fast", params={})
    )
    assert store.redis.lrange(made[0].list, 0, -1) == [made[0].message]
    assert job.id in base64.b64decode(json.loads(made[0].message)["body"]).decode()
    assert job == store.get(job.id)
