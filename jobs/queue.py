"""The Celery app of the API and the workers. A message holds a job's id and nothing else."""

from celery import Celery
from kombu import Producer

from jobs.connection import ANSWER_TIMEOUT_S, CONNECT_TIMEOUT_S
from jobs.redis_keys import PREFIX
from jobs.settings import settings

RUN_JOB = "retinoscope.run_job"
DESCRIBE_MODEL = "retinoscope.describe_model"
MESSAGE_LIFE_S = 3600
# Kombu keeps one list per queue and priority, and workers empty the lists of lower numbers first.
# Jobs that have begun go before those that have not.
FRONT, BACK = 0, 9

app = Celery("retinoscope", broker=settings().redis_url)
app.conf.update(
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_default_queue="fast",
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    worker_concurrency=1,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_send_task_events=False,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "global_keyprefix": f"{PREFIX}celery:",
        "priority_steps": [FRONT, BACK],
        # A message that is redelivered early is harmless: the record says that its job is taken.
        "visibility_timeout": 60,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        # The API gives up at once on a dead broker. The reconciler publishes the message later.
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.1,
        "socket_connect_timeout": CONNECT_TIMEOUT_S,
        "socket_timeout": 5 * ANSWER_TIMEOUT_S,
        "socket_keepalive": True,
        "health_check_interval": 15,
    },
)


def publish(job_id: str, queue: str, begun: bool = False) -> None:
    """Publish a job, at the front of its queue if it has begun already.

    Raises kombu's OperationalError if the broker does not answer.
    """
    send(RUN_JOB, job_id, queue, FRONT if begun else BACK)


def ask_for_description(model: str) -> None:
    """Ask a worker to describe a model in the model registry."""
    send(DESCRIBE_MODEL, model, "fast", BACK)


def send(
    task: str, argument: str, queue: str, priority: int, producer: Producer | None = None
) -> None:
    """Send a task message, with `producer` or with one of the broker's."""
    app.send_task(
        task,
        [argument],
        queue=queue,
        priority=priority,
        retry=False,
        expires=MESSAGE_LIFE_S,
        producer=producer,
    )
