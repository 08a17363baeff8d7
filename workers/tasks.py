"""The two Celery tasks. Torch is imported in the child only, and there at once, beside its first wait for work."""

import threading
from typing import TYPE_CHECKING

from celery.signals import worker_process_init

from jobs.queue import DESCRIBE_MODEL, RUN_JOB, app, publish
from jobs.settings import settings
from workers.lifecycle import stopping

if TYPE_CHECKING:
    from workers.runner import Runner

_making = threading.Lock()
_made: "list[Runner]" = []


@app.task(name=RUN_JOB)
def run_job(job_id: str) -> None:
    """Run the job of that id, if it waits."""
    for job in _runner().run(job_id):
        publish(job.id, job.queue, begun=True)


@app.task(name=DESCRIBE_MODEL)
def describe_model(name: str) -> None:
    """Describe the model in the model registry."""
    _runner().describe(name)


@worker_process_init.connect
def _warm(**_: object) -> None:
    """On a thread: Celery ends a child whose start takes seconds."""
    threading.Thread(
        target=lambda: _runner().warm(settings().warm_models), name="warm", daemon=True
    ).start()


def _runner() -> "Runner":
    from workers.runner import Runner  # the parent process must stay free of torch and CUDA

    with _making:
        if not _made:
            _made.append(Runner(settings(), stopping))
        return _made[0]
