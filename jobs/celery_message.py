"""The message of a job that is being made, for the script that writes its record: both are there, or neither.

Celery and kombu write it once per queue; for each job only what is its own is put in. Publishing in the ordinary way
takes a trip to Redis more, and longer than all the rest of a request.
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
    """The message that jobs.queue.publish would send for a job that has not begun."""
    written, after_arguments = _written(queue)
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
    message = written | {
        "body": body,
        "headers": written["headers"] | own_headers,
        "properties": written["properties"] | own_properties,
    }
    return PreparedMessage(_list(queue), dumps(message))


@lru_cache
def _written(queue: str) -> tuple[dict[str, Any], list[Any]]:
    """One message, caught on its way to a broker in memory; and what its body has after the arguments."""
    with Connection("memory://") as connection, app.amqp.Producer(connection) as producer:
        send(RUN_JOB, "", queue, BACK, producer=producer)
        channel: Any = connection.default_channel
        message: dict[str, Any] = channel._get(queue)
    return message, json.loads(base64.b64decode(message["body"]))[1:]


@lru_cache
def _list(queue: str) -> str:
    """Kombu's name for the list of that queue and priority."""
    options = app.conf.broker_transport_options
    step = max(step for step in options["priority_steps"] if step <= BACK)
    return f"{options['global_keyprefix']}{queue}{Channel.sep}{step}"
