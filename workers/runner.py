"""One attempt at one job: take the lease, load what it needs, run it, write down how it ended."""

import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack

import torch
from obstore.exceptions import BaseError as ObjectStoreError
from redis import RedisError

from catalog.errors import CatalogError
from catalog.image_set import ImageSetParams
from catalog.models import ModelDescription, find_model, models
from catalog.registry import find_technique
from catalog.technique import Params
from jobs.artifacts import ArtifactStore
from jobs.cancel_listener import CancelListener
from jobs.connection import connect
from jobs.errors import Canceled, DeadlineExceeded, GivenBack, LeaseLost
from jobs.image_sets import ImageSetStore
from jobs.lease import Lease
from jobs.model import InputArray, InputImage, Job
from jobs.registries import Noticeboard
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.ttl_cache import TTLCache
from jobs.uploads import ArrayStore, ImageStore
from workers.batch_claims import MOST, BatchClaims
from workers.execute import execute
from workers.failures import job_error
from workers.job_context import JobContext
from workers.job_image_set import JobImageSet
from workers.models.describe import describe, describe_architecture
from workers.models.errors import ModelError
from workers.models.model_cache import ModelCache
from workers.provenance import provenance
from workers.toolkit.errors import TechniqueError
from workers.toolkit.execution.dynamic_batching import DynamicBatcher
from workers.toolkit.images.array import Input, read_array
from workers.toolkit.images.decode import decode
from workers.toolkit.network.precision import set_tf32

log = logging.getLogger(__name__)

_ANNOUNCE_EVERY_S = 5.0
_TOLD = (CatalogError, ModelError, TechniqueError)  # what the client is told is all that there is


class Runner:
    """Everything a worker child keeps between jobs."""

    def __init__(self, settings: Settings, stopping: Callable[[], bool]) -> None:
        redis = connect(settings.redis_url, retries=2, patient=True)
        self._store = JobStore(redis, settings)
        self._files = ArtifactStore(settings.artifacts_location)
        self._images = ImageStore(redis, self._files, settings)
        self._arrays = ArrayStore(redis, self._files, settings)
        self._image_sets = ImageSetStore(redis, self._files, self._images, settings)
        self._notices = Noticeboard(redis)
        self._descriptions: dict[str, ModelDescription] = {}
        self._describing = threading.Lock()
        self._announced: TTLCache[str, str] = TTLCache(_ANNOUNCE_EVERY_S)
        set_tf32(settings.precision == "tf32")
        self._models = ModelCache(_device(settings), settings.model_memory_bytes)
        self._stopping = stopping
        cancels = CancelListener(redis)
        cancels.start()
        self._mates = BatchClaims(self._store, cancels)
        self._threads = ThreadPoolExecutor(
            MOST, thread_name_prefix="together"
        )  # kept, and with them torch's own

    def run(self, job_id: str) -> list[Job]:
        """Run the job if it is free, and with it those that gain by it. Returns what must be published again."""
        with ExitStack() as held:
            first = self._mates.claimed(job_id, held)
            if first is None:
                return []
            leases = [first, *self._mates.take(first.job, held)]
            for lease in leases:
                lease.on_stall = _give_up
            return [
                lease.job
                for lease, end in zip(leases, self._attempts(leases), strict=True)
                if end == "given back"
            ]

    def _attempts(self, leases: list[Lease]) -> list[str]:
        """How each ended; several run at once, and their passes through the model as one batch."""
        together = len(leases)
        if together == 1:
            return [self._attempt(leases[0], together)]
        gathering = DynamicBatcher(together)

        def attempt(lease: Lease) -> str:
            with gathering.joined():
                return self._attempt(lease, together)

        attempts = [self._threads.submit(attempt, lease) for lease in leases]
        wait(attempts)  # all of them: the leases end with this call, whatever one of them raises
        return [one.result() for one in attempts]

    def warm(self, names: list[str]) -> None:
        """Load models before anybody asks, so that the first job does not wait for them."""
        self._forget_own()
        for name in names:
            try:
                self._announce(name)
            except Exception:
                log.exception("could not warm %s", name)

    def _forget_own(self) -> None:
        """Your own models may have been trained anew since a worker last described them."""
        try:
            self._notices.forget([entry.name for entry in models().values() if entry.own])
        except RedisError:
            log.warning("descriptions of own models stay: Redis is away")

    def describe(self, name: str) -> None:
        """Put the model's description on the noticeboard, without loading weights for it."""
        if (known := self._descriptions.get(name)) is not None:
            self._notices.describe(name, known.model_dump_json())
        elif name not in self._models and self._notices.description(name) is None:
            self._notices.describe(
                name, describe_architecture(find_model(name)).model_dump_json(), replace=False
            )

    def _attempt(self, lease: Lease, together: int) -> str:
        try:
            self._execute(lease, together)
            return "done"
        except GivenBack:
            given_back = lease.give_back()
            self._clean(lease)
            return "given back" if given_back else "lost"
        except (LeaseLost, Canceled, DeadlineExceeded) as stop:
            return self._stopped(lease, stop)
        except (RedisError, ObjectStoreError) as error:
            # The lease ends by itself, and another attempt begins: nothing is deleted, the end may have been written.
            log.error("job %s: %s, left to another attempt", lease.job.id, type(error).__name__)
            return "left"
        except torch.AcceleratorError:
            log.exception("job %s: the device is broken for this process", lease.job.id)
            os._exit(1)
        except Exception as error:
            return self._failed(lease, error)

    def _execute(self, lease: Lease, together: int) -> None:
        job = lease.job
        params = find_technique(job.technique).params.model_validate(job.params)
        model = self._models.get(job.model)
        self._announce(job.model)
        lease.raise_if_stopped()  # from here on, a job that stands still is taken away
        context = self._context(lease, params)
        inputs = {name: self._input(lease, found) for name, found in job.inputs.items()}
        summary = execute(
            job.technique, params, model, inputs, context, self._descriptions[job.model]
        )
        made_with = provenance(model, params.seed) | {"together": together}
        lease.succeed(summary.model_dump(exclude_none=True), context.artifacts, made_with)

    def _announce(self, name: str) -> None:
        """The description with the digest of the weights replaces one without."""
        model = self._models.get(name)
        if self._announced.get(name) == model.weights:
            return
        with self._describing:
            known = self._descriptions.get(name)
            if known is None or known.weights != model.weights:
                self._descriptions[name] = describe(name, model.network, model.weights)
        try:
            if (
                self._notices.weights([name])[0] != model.weights
            ):  # never told, forgotten, or told by another version
                self._notices.describe(name, self._descriptions[name].model_dump_json())
            self._announced.put(name, model.weights)
        except RedisError:
            log.warning("could not describe %s: Redis is away", name)

    def _context(self, lease: Lease, params: Params) -> JobContext:
        return JobContext(
            lease,
            self._files,
            self._origin(lease),
            self._stopping,
            self._store.settings.checkpoint_every_s,
            self._image_set(params, lease.job.owner),
            self._models.get,
        )

    def _image_set(self, params: Params, owner: str) -> JobImageSet | None:
        if not isinstance(params, ImageSetParams):
            return None
        return JobImageSet(self._image_sets, self._images, owner, params.image_set)

    def _input(self, lease: Lease, found: InputImage | InputArray) -> Input:
        if isinstance(found, InputArray):
            return read_array(self._arrays.read(lease.job.owner, found.id))
        return decode(self._images.read(lease.job.owner, found.id))

    @staticmethod
    def _origin(lease: Lease) -> dict[str, object]:
        job = lease.job
        return {"technique": job.technique, "model": job.model, "params": job.params}

    def _stopped(self, lease: Lease, stop: Exception) -> str:
        if isinstance(stop, Canceled):
            return self._ended(lease, lease.cancel)
        log.warning("job %s: %s", lease.job.id, type(stop).__name__)
        self._clean(lease)
        return "lost"

    def _failed(self, lease: Lease, error: Exception) -> str:
        """The log gets a traceback where it says more than the client is told."""
        told = job_error(error, lease.job.params)
        more = not isinstance(error, _TOLD) or error.__cause__ is not None
        level = logging.ERROR if more else logging.WARNING
        log.log(level, "job %s failed: %s: %s", lease.job.id, told.code, error, exc_info=more)
        return self._ended(lease, lambda: lease.fail(told))

    def _ended(self, lease: Lease, write: Callable[[], None]) -> str:
        """The record first, then the files that nobody will ask for."""
        try:
            write()
        except (LeaseLost, RedisError) as error:
            log.warning("job %s: %s", lease.job.id, type(error).__name__)
            return "lost"
        self._clean(lease)
        return "ended"

    def _clean(self, lease: Lease) -> None:
        try:
            self._files.delete_folder(lease.folder)
        except ObjectStoreError as error:
            log.warning(
                "job %s: files stay until it expires: %s", lease.job.id, type(error).__name__
            )


def _give_up() -> None:
    """Whatever hangs cannot be stopped from here; Celery makes another child."""
    os._exit(1)


def _device(settings: Settings) -> torch.device:
    if settings.threads:
        torch.set_num_threads(settings.threads)
    name = settings.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
