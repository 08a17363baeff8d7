"""A worker's maintenance process: `python -m workers.maintenance PARENT NAME`.

It runs the reconciler and the orphan sweep, registers the worker and reports its GPUs. The Celery
parent cannot do this: the object store's client starts threads, and a child that is forked from a
process with such threads hangs at its first file.
"""

import logging
import sys
import time

from redis import RedisError

from jobs.archiver import Archiver
from jobs.artifacts import ArtifactStore
from jobs.connection import connect
from jobs.log_format import configure_logging
from jobs.orphan_sweep import OrphanSweep
from jobs.outage import Outage
from jobs.process import die_with_parent
from jobs.queue import publish
from jobs.reconciler import Reconciler
from jobs.registries import WorkerRegistry
from jobs.settings import settings
from jobs.store import JobStore
from jobs.worker_reports import WorkerReports
from workers.gpu_figures import GpuMonitor

log = logging.getLogger(__name__)

_ANNOUNCE_EVERY_S = 5


def maintain(name: str) -> None:
    """Reconcile, sweep and announce the worker until this process is stopped."""
    redis = connect(settings().redis_url)
    store, files = JobStore(redis, settings()), ArtifactStore(settings().artifacts_location)
    Reconciler(store, files, publish).start()
    Archiver(store).start()
    OrphanSweep(store, files).start()
    registry, outage = WorkerRegistry(redis), Outage("the worker registry", log)
    reports, gpus = WorkerReports(redis), GpuMonitor()
    while True:
        try:
            registry.announce(name)
            if figures := gpus.read():
                reports.report_gpus(name, figures)
            outage.succeeded()
        except RedisError as error:
            outage.failed(error)
        time.sleep(_ANNOUNCE_EVERY_S)


if __name__ == "__main__":
    configure_logging("maintenance", worker=sys.argv[2])
    die_with_parent(int(sys.argv[1]))
    maintain(sys.argv[2])
