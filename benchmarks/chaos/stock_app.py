"""A plain Celery app with one task, which notes its start and its end in a file.

The file is the witness. Redis cannot be it, since it is killed.
"""

import os
import signal
import time
from pathlib import Path

from celery import Celery

URL, WITNESS, LATE = "CHAOS_STOCK_REDIS", "CHAOS_STOCK_WITNESS", "CHAOS_STOCK_LATE"
_SECONDS = {"fast": 0.1, "slow": 3.0, "canceled": 3.0, "toxic": 0.0}

app = Celery("stock", broker=os.environ.get(URL), backend=os.environ.get(URL))
# The settings that Celery's documentation names against lost tasks.
if os.environ.get(LATE):
    app.conf.update(task_acks_late=True, task_reject_on_worker_lost=True)


@app.task
def work(number: int, kind: str) -> None:
    """Sleep as long as a job of that kind takes. A toxic one kills its process."""
    _note("start", number)
    if kind == "toxic":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(_SECONDS[kind])
    _note("end", number)


def _note(what: str, number: int) -> None:
    """Append the line in one write, so that lines of several processes do not mix."""
    with Path(os.environ[WITNESS]).open("a") as file:
        file.write(f"{what} {number}\n")
