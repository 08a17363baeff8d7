"""Start and stop of a worker: its name, log and maintenance process, and how its children stop."""

import logging
import multiprocessing
import os
import socket
import subprocess
import sys
import threading

from celery.signals import (
    setup_logging,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from redis import RedisError

from jobs.connection import connect
from jobs.log_format import configure_logging
from jobs.process import die_with_parent
from jobs.registries import WorkerRegistry
from jobs.settings import settings
from jobs.tracing import configure_tracing, flush_tracing

log = logging.getLogger(__name__)

_RESTART_AFTER_S = 1.0
# Created before the children are forked, so that they share it. It has no lock: a child that is
# killed while it holds one would never release it.
_stopping = multiprocessing.RawValue("b", 0)
_ended = threading.Event()
_NAME = f"{socket.gethostname()}:{os.getpid()}"
# Celery's lines about tasks name messages, which are tickets: not the jobs that run.
_ABOUT_TASKS = ("celery.worker.strategy", "celery.app.trace")


def stopping() -> bool:
    """Return whether this worker stops. Its jobs are given back at their next progress report."""
    return bool(_stopping.value)


def worker_name() -> str:
    """Return the name under which this worker is registered: host and parent's process id."""
    return _NAME


@setup_logging.connect
def configure_log(**_: object) -> None:
    """Configure the log in Celery's place. The children inherit it."""
    configure_logging("worker", worker=worker_name())
    for name in _ABOUT_TASKS:
        logging.getLogger(name).setLevel(logging.WARNING)


@worker_ready.connect
def _begin(**_: object) -> None:
    threading.Thread(target=_run_maintenance, name="maintenance", daemon=True).start()


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    _stopping.value = 1


@worker_shutdown.connect
def _end(**_: object) -> None:
    _ended.set()
    try:
        WorkerRegistry(connect(settings().redis_url)).withdraw(worker_name())
    except RedisError:
        log.info("could not withdraw from the worker registry: Redis is away")


@worker_process_init.connect
def _tie_to_parent(**_: object) -> None:
    """End a child with its parent. Nobody would renew or watch the lease that it holds."""
    die_with_parent()


@worker_process_init.connect
def _trace(**_: object) -> None:
    configure_tracing("worker")


@worker_process_shutdown.connect
def _flush(**_: object) -> None:
    flush_tracing()


def _run_maintenance() -> None:
    """Run the maintenance process as long as the worker lives, and restart it if it dies."""
    command = [sys.executable, "-P", "-m", "workers.maintenance", str(os.getpid()), worker_name()]
    while not _ended.is_set():
        process = subprocess.Popen(command)
        while process.poll() is None and not _ended.wait(_RESTART_AFTER_S):
            pass
        process.terminate()
