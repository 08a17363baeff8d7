"""The two Celery tasks, and the runner that they share.

Only a child imports torch: at once after the fork, while it waits for its first job.
"""

import threading
from typing import TYPE_CHECKING, cast

from celery.signals import worker_process_init

from jobs.queue import DESCRIBE_MODEL, RUN_JOB, app, publish
from jobs.settings import settings
from workers.lifecycle import stopping, worker_name

if TYPE_CHECKING:
    from celery import Task

    from workers.runner import Runner

_creating = threading.Lock()
_runners: "list[Runner]" = []


@app.task(name=RUN_JOB, bind=True)
def run_job(task: "Task[[str], None]", job_id: str) -> None:
    """Run the next job of the message's queue, and publish again what the worker gives back."""
    delivery = cast("dict[str, str]", task.request.delivery_info)
    for job in _runner().run(job_id, delivery["routing_key"]):
        publish(job.id, job.queue, begun=True)


@app.task(name=DESCRIBE_MODEL)
def describe_model(name: str) -> None:
    """Publish the model's description in the model registry."""
    _runner().describe(name)


@worker_process_init.connect
def _warm(**_: object) -> None:
    """Load models on a thread. Celery ends a child whose start takes seconds."""
    threading.Thread(
        target=lambda: _runner().warm(settings().warm_models), name="warm", daemon=True
    ).start()


def _runner() -> "Runner":
    """Return this process's runner, and create it on the first call."""
    # The parent process must stay free of torch and CUDA.
    from workers.runner import Runner

    with _creating:
        if not _runners:
            _runners.append(Runner(settings(), stopping, worker_name()))
        return _runners[0]
