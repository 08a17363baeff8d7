"""What a worker child keeps between jobs, and the three things that Celery's tasks ask of it."""

import logging
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from functools import partial

import torch
from redis import RedisError

from jobs.artifacts import ArtifactStore
from jobs.cancel_listener import CancelListener
from jobs.connection import connect
from jobs.lease import Lease
from jobs.model import Job
from jobs.registries import ModelRegistry
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.worker_reports import WorkerReports
from workers.attempts import AttemptRunner, Outcome
from workers.batch_claims import MAX_BATCH, BatchClaims
from workers.job_inputs import JobInputs
from workers.model_publisher import ModelPublisher, published_description
from workers.models.model_cache import ModelCache
from workers.toolkit.execution.dynamic_batching import DynamicBatcher
from workers.toolkit.network.precision import set_tf32

log = logging.getLogger(__name__)


class Runner:
    """The connections, loaded models and threads of one worker child.

    `worker` is the name under which the worker is registered.
    """

    def __init__(self, settings: Settings, stopping: Callable[[], bool], worker: str = "") -> None:
        redis = connect(settings.redis_url, retries=2, patient=True)
        files = ArtifactStore(settings.artifacts_location, patient=True)
        self._worker = worker
        self._reports = WorkerReports(redis)
        set_tf32(settings.precision == "tf32")
        registry = ModelRegistry(redis)
        models = ModelCache(
            _device(settings),
            settings.model_memory_bytes,
            partial(published_description, registry),
            self._report_models,
        )
        cancels = CancelListener(redis)
        cancels.start()
        self._publisher = ModelPublisher(registry, models)
        self._claims = BatchClaims(JobStore(redis, settings), cancels, worker)
        # The threads stay alive between jobs, and with them the threads that torch keeps for each.
        self._threads = ThreadPoolExecutor(MAX_BATCH, thread_name_prefix="attempt")
        self._attempts = AttemptRunner(
            JobInputs(redis, files, settings),
            files,
            models,
            self._publisher,
            stopping,
            settings,
            self._threads,
            worker,
        )

    def run(self, job_id: str, queue: str) -> list[Job]:
        """Run the next job of the queue, together with waiting jobs that fit into its batch.

        `job_id` is the job that the message names. It is run itself only if it has begun.
        Returns the jobs that were given back and must be published again.
        """
        with ExitStack() as held:
            first = self._claims.claim_next(job_id, queue, held)
            if first is None:
                return []
            leases = [first, *self._claims.claim_batch(first.job, held)]
            for lease in leases:
                lease.on_stall = _exit_process
            outcomes = self._run_attempts(leases)
            return [
                lease.job
                for lease, outcome in zip(leases, outcomes, strict=True)
                if outcome is Outcome.GIVEN_BACK
            ]

    def warm(self, names: list[str]) -> None:
        """Load these models before the first job asks for one, and publish their descriptions."""
        # The child before this one had models of its own.
        self._report_models({})
        self._publisher.warm(names)

    def describe(self, name: str) -> None:
        """Publish the model's description without loading weights for it."""
        self._publisher.publish_architecture(name)

    def _report_models(self, models: Mapping[str, int]) -> None:
        try:
            self._reports.report_models(self._worker, models)
        except RedisError as error:
            log.warning("the loaded models are not reported: %s", type(error).__name__)

    def _run_attempts(self, leases: list[Lease]) -> list[Outcome]:
        """Run one attempt per lease at once, with their passes through the model as one batch."""
        batch_size = len(leases)
        if batch_size == 1:
            return [self._attempts.run(leases[0], batch_size)]
        batcher = DynamicBatcher(batch_size)

        def run(lease: Lease) -> Outcome:
            with batcher.joined():
                return self._attempts.run(lease, batch_size)

        attempts = [self._threads.submit(run, lease) for lease in leases]
        # Wait for all of them even if one raises: the leases end when this call returns.
        wait(attempts)
        return [attempt.result() for attempt in attempts]


def _exit_process() -> None:
    """End this process. A stalled computation cannot be stopped, and Celery replaces the child."""
    os._exit(1)


def _device(settings: Settings) -> torch.device:
    if settings.threads:
        torch.set_num_threads(settings.threads)
    name = settings.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
