"""The two Celery tasks. Torch is imported by the first of them, in the child, never in the parent."""

from functools import lru_cache
from typing import TYPE_CHECKING

from jobs.queue import DESCRIBE_MODEL, RUN_JOB, app, publish
from jobs.settings import settings
from workers.lifecycle import stopping

if TYPE_CHECKING:
    from workers.runner import Runner


@app.task(name=RUN_JOB)
def run_job(job_id: str) -> None:
    """Run the job of that id, if it waits."""
    queue = _runner().run(job_id)
    if queue is not None:
        publish(job_id, queue)


@app.task(name=DESCRIBE_MODEL)
def describe_model(name: str) -> None:
    """Describe the model on the noticeboard."""
    _runner().describe(name)


@lru_cache(maxsize=1)
def _runner() -> "Runner":
    from workers.runner import Runner  # the parent process must stay free of torch and CUDA

    return Runner(settings(), stopping)
