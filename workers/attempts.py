"""One attempt at one job: load the model and the inputs, run the technique, record the outcome."""

import logging
import os
import time
from collections.abc import Callable
from concurrent.futures import Executor
from enum import StrEnum
from typing import Any

import torch
from obstore.exceptions import BaseError as ObjectStoreError
from redis import RedisError

from catalog.errors import CatalogError
from catalog.models import ModelDescription
from catalog.registry import find_technique
from jobs.artifacts import ArtifactStore
from jobs.batch import BATCH, BatchSpec
from jobs.batch_writer import BatchWriter
from jobs.errors import Canceled, DeadlineExceeded, GivenBack, LeaseLost
from jobs.lease import Lease
from jobs.log_context import extra, job_fields, unit
from jobs.model import Artifact
from jobs.settings import Settings
from jobs.tracing import attempt_span, fail_span, trace_fields
from jobs.transitions import Answer
from workers.batches.row_runner import RowRunner
from workers.batches.run_batch import run_batch
from workers.execute import execute
from workers.failures import job_error
from workers.job_context import JobContext
from workers.job_inputs import JobInputs
from workers.model_publisher import ModelPublisher
from workers.models.errors import ModelError
from workers.models.model_cache import ModelCache
from workers.provenance import provenance
from workers.toolkit.errors import TechniqueError
from workers.toolkit.images.image_set import ImageSet
from workers.toolkit.network.vision_model import VisionModel

log = logging.getLogger(__name__)

# The client's error says everything about these: the log needs no traceback.
_FULLY_EXPLAINED = (CatalogError, ModelError, TechniqueError)


class Outcome(StrEnum):
    """How an attempt ended, as far as the worker knows."""

    SUCCEEDED = "succeeded"
    # The record says `failed` or `canceled`.
    ENDED = "ended"
    # The job is queued again, since this worker stops.
    GIVEN_BACK = "given back"
    # Another attempt or a passed deadline has taken the job away.
    LOST = "lost"
    # Redis or the object store is away. The lease expires and another attempt follows.
    ABANDONED = "abandoned"


class AttemptRunner:
    """Runs a technique under a lease, and writes its result or its error into the job's record.

    `threads` run the rows of a batch, while no other attempt runs.
    """

    def __init__(
        self,
        inputs: JobInputs,
        files: ArtifactStore,
        models: ModelCache,
        publisher: ModelPublisher,
        stopping: Callable[[], bool],
        settings: Settings,
        threads: Executor,
        worker: str,
    ) -> None:
        self._inputs = inputs
        self._files = files
        self._models = models
        self._publisher = publisher
        self._stopping = stopping
        self._checkpoint_every_s = settings.checkpoint_every_s
        self._shard_bytes = settings.batch_shard_bytes
        self._threads = threads
        self._worker = worker

    def run(self, lease: Lease, batch_size: int) -> Outcome:
        """Run one attempt, which is one of `batch_size` that run at once.

        Every line that it logs names the job. A broken device ends this process, since no later job
        could run in it.
        """
        job, together = lease.job, batch_size
        span = attempt_span(job, attempt=job.attempts, worker=self._worker, together=together)
        with span, unit(**job_fields(job), **trace_fields()):
            log.info("the attempt begins")
            began = time.monotonic()
            outcome = self._attempt(lease, batch_size)
            seconds = round(time.monotonic() - began, 3)
            log.info("%s after %.3f s", outcome, seconds, extra=extra(seconds=seconds))
            return outcome

    def _attempt(self, lease: Lease, batch_size: int) -> Outcome:
        try:
            self._execute(lease, batch_size)
            return Outcome.SUCCEEDED
        except GivenBack:
            return self._give_back(lease)
        except (LeaseLost, Canceled, DeadlineExceeded) as stop:
            return self._stop(lease, stop)
        except (RedisError, ObjectStoreError) as error:
            # Delete nothing: the result may already have been written.
            log.error("job %s: %s, left to another attempt", lease.job.id, type(error).__name__)
            return Outcome.ABANDONED
        except torch.AcceleratorError:
            log.exception("job %s: the device is broken for this process", lease.job.id)
            os._exit(1)
        except Exception as error:
            return self._fail(lease, error)

    def _execute(self, lease: Lease, batch_size: int) -> None:
        job = lease.job
        model = self._models.get(job.model)
        description = self._publisher.publish(model)
        # This is the first sign of progress: from here on, a stalled job loses its lease.
        lease.raise_if_stopped()
        run = self._run_batch if job.technique == BATCH else self._run_technique
        summary, artifacts = run(lease, model, description)
        made_with = provenance(model, job.params["seed"])
        made_with |= {"together": batch_size, "worker": self._worker}
        lease.succeed(summary, artifacts, made_with)

    def _run_technique(
        self, lease: Lease, model: VisionModel, description: ModelDescription
    ) -> tuple[dict[str, Any], list[Artifact]]:
        """Return the summary and the artifacts of a job that runs one technique once."""
        job = lease.job
        params = find_technique(job.technique).resolved.model_validate(job.params)
        context = self._context(lease, self._inputs.image_set(job, params))
        inputs = self._inputs.read(job)
        summary = execute(job.technique, params, model, inputs, context, description)
        return summary.to_json(), context.artifacts

    def _run_batch(
        self, lease: Lease, model: VisionModel, description: ModelDescription
    ) -> tuple[dict[str, Any], list[Artifact]]:
        """Return the counts of the rows and the artifacts of a batch."""
        spec = BatchSpec.model_validate(lease.job.params)
        images = self._inputs.batch_images(lease.job, spec)
        load = self._models.get
        rows = RowRunner(
            spec, lease, model, description, images, self._stopping, load, self._threads
        )
        writer = BatchWriter(lease, self._files, self._shard_bytes)
        progress = self._context(lease, None).progress
        artifacts = run_batch(rows, writer, progress, self._checkpoint_every_s)
        return writer.state.counts(), artifacts

    def _context(self, lease: Lease, image_set: ImageSet | None) -> JobContext:
        job = lease.job
        return JobContext(
            lease,
            self._files,
            {"technique": job.technique, "model": job.model, "params": job.params},
            self._stopping,
            self._checkpoint_every_s,
            image_set,
            self._models.get,
        )

    def _give_back(self, lease: Lease) -> Outcome:
        given_back = lease.give_back()
        self._delete_files(lease)
        return Outcome.GIVEN_BACK if given_back else Outcome.LOST

    def _stop(self, lease: Lease, stop: Exception) -> Outcome:
        if isinstance(stop, Canceled):
            return self._end(lease, lease.cancel)
        if isinstance(stop, DeadlineExceeded):
            code = Answer.DEADLINE_EXCEEDED
            fail_span(code)
            log.error("job %s failed: %s", lease.job.id, code, extra=extra(code=code))
        else:
            log.warning("job %s: %s", lease.job.id, type(stop).__name__)
        self._delete_files(lease)
        return Outcome.LOST

    def _fail(self, lease: Lease, error: Exception) -> Outcome:
        """Fail the job. The log gets a traceback if it says more than the client's error does."""
        shown = job_error(error, lease.job.params)
        fail_span(shown.code)
        traceback = not isinstance(error, _FULLY_EXPLAINED) or error.__cause__ is not None
        level = logging.ERROR if traceback else logging.WARNING
        log.log(
            level,
            "job %s failed: %s: %s",
            lease.job.id,
            shown.code,
            error,
            exc_info=traceback,
            extra=extra(code=shown.code),
        )
        return self._end(lease, lambda: lease.fail(shown))

    def _end(self, lease: Lease, write: Callable[[], None]) -> Outcome:
        """Write the end into the record first, then delete the files that nobody will ask for."""
        try:
            write()
        except (LeaseLost, RedisError) as error:
            log.warning("job %s: %s", lease.job.id, type(error).__name__)
            return Outcome.LOST
        self._delete_files(lease)
        return Outcome.ENDED

    def _delete_files(self, lease: Lease) -> None:
        try:
            self._files.delete_folder(lease.folder)
        except ObjectStoreError as error:
            job_id, kind = lease.job.id, type(error).__name__
            log.warning("job %s: its files remain until it expires: %s", job_id, kind)
