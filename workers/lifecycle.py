"""Start and stop of a worker: the reconciler beside it, its notice to the API, and the word to its children to stop."""

import ctypes
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading

from celery.signals import worker_process_init, worker_ready, worker_shutdown, worker_shutting_down
from redis import RedisError

from jobs.artifacts import ArtifactStore
from jobs.connection import connect
from jobs.noticeboard import Noticeboard
from jobs.queue import publish
from jobs.reconciler import Reconciler
from jobs.settings import settings
from jobs.store import JobStore

log = logging.getLogger(__name__)

_NOTICE_EVERY_S = 5
_PR_SET_PDEATHSIG = 1
# Made before the children are forked, so that they share it.
_stopping = multiprocessing.get_context("fork").Event()
_ended = threading.Event()


def stopping() -> bool:
    """True once this worker was told to stop; its job is then given back at the next progress report."""
    return _stopping.is_set()


def worker_name() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


@worker_ready.connect
def _begin(**_: object) -> None:
    redis = connect(settings().redis_url)
    store = JobStore(redis, settings())
    Reconciler(store, ArtifactStore(settings().artifacts_location), publish).start()
    threading.Thread(target=_announce, args=(Noticeboard(redis),), name="notice", daemon=True).start()


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    _stopping.set()


@worker_shutdown.connect
def _end(**_: object) -> None:
    _ended.set()
    try:
        Noticeboard(connect(settings().redis_url)).withdraw_worker(worker_name())
    except RedisError:
        log.info("could not withdraw: Redis is away")


@worker_process_init.connect
def _die_with_parent(**_: object) -> None:
    """A child whose parent was killed holds a lease that nobody watches: it goes too."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _announce(board: Noticeboard) -> None:
    while True:
        try:
            board.announce_worker(worker_name())
        except RedisError:
            log.warning("Redis is away")
        if _ended.wait(_NOTICE_EVERY_S):
            return
