"""Start and stop of a worker: its keeper beside it, and the word to its children to stop."""

import logging
import multiprocessing
import os
import socket
import subprocess
import sys
import threading

from celery.signals import worker_process_init, worker_ready, worker_shutdown, worker_shutting_down
from redis import RedisError

from jobs.connection import connect
from jobs.process import die_with_parent
from jobs.registries import WorkerRegistry
from jobs.settings import settings

log = logging.getLogger(__name__)

_RESTART_AFTER_S = 1.0
# Made before the children are forked, so that they share it; without a lock, which a killed child could take with it.
_stopping = multiprocessing.RawValue("b", 0)
_ended = threading.Event()


def stopping() -> bool:
    """True once this worker was told to stop; its job is then given back at the next progress report."""
    return bool(_stopping.value)


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@worker_ready.connect
def _begin(**_: object) -> None:
    threading.Thread(target=_run_keeper, name="keeper", daemon=True).start()


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    _stopping.value = 1


@worker_shutdown.connect
def _end(**_: object) -> None:
    _ended.set()
    try:
        WorkerRegistry(connect(settings().redis_url)).withdraw(worker_name())
    except RedisError:
        log.info("could not withdraw: Redis is away")


@worker_process_init.connect
def _tether(**_: object) -> None:
    """A child whose parent was killed holds a lease that nobody watches: it goes too."""
    die_with_parent()


def _run_keeper() -> None:
    """Start the keeper, and again if it dies. The keeper lives as long as this thread, and that as the worker."""
    command = [sys.executable, "-m", "workers.maintenance", str(os.getpid()), worker_name()]
    while not _ended.is_set():
        keeper = subprocess.Popen(command)
        while keeper.poll() is None and not _ended.wait(_RESTART_AFTER_S):
            pass
        keeper.terminate()
