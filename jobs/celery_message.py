"""Celery messages that a script can publish in the same step in which it writes a job's record.

Celery and kombu build one message per queue, and each job's own values are put into a copy of it.
Ordinary publishing would take another round trip to Redis, and longer than the rest of a request.
"""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from kombu import Connection
from kombu.transport.redis import Channel
from kombu.utils.json import dumps

from jobs.model import PreparedMessage
from jobs.queue import BACK, MESSAGE_LIFE_S, RUN_JOB, app, send


def prepare_message(job_id: str, queue: str) -> PreparedMessage:
    """Return the message that jobs.queue.publish would send for a job that has not begun."""
    template, after_arguments = _template(queue)
    task_id = str(uuid.uuid4())
    expires = (datetime.now(UTC) + timedelta(seconds=MESSAGE_LIFE_S)).isoformat()
    own_headers = {
        "id": task_id,
        "root_id": task_id,
        "argsrepr": repr([job_id]),
        "expires": expires,
    }
    own_properties = {"correlation_id": task_id, "delivery_tag": str(uuid.uuid4())}
    body = base64.b64encode(json.dumps([[job_id], *after_arguments]).encode()).decode()
    message = template | {
        "body": body,
        "headers": template["headers"] | own_headers,
        "properties": template["properties"] | own_properties,
    }
    return PreparedMessage(_list_name(queue), dumps(message))


@lru_cache
def _template(queue: str) -> tuple[dict[str, Any], list[Any]]:
    """Return a message that a broker in memory received, and its body after the arguments."""
    with Connection("memory://") as connection, app.amqp.Producer(connection) as producer:
        send(RUN_JOB, "", queue, BACK, producer=producer)
        channel: Any = connection.default_channel
        message: dict[str, Any] = channel._get(queue)
    return message, json.loads(base64.b64decode(message["body"]))[1:]


@lru_cache
def _list_name(queue: str) -> str:
    """Return the key of kombu's list of that queue with the priority BACK."""
    options = app.conf.broker_transport_options
    step = max(step for step in options["priority_steps"] if step <= BACK)
    return f"{options['global_keyprefix']}{queue}{Channel.sep}{step}"
