"""A worker child, an image set and single jobs for the tests of batches, around a small network."""

import io
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from redis import Redis

from jobs.artifacts import ArtifactStore
from jobs.batch import BATCH, BatchRow, BatchSpec
from jobs.batch_reader import BatchReader
from jobs.image_sets import ImageSetStore
from jobs.job_request import JobRequest
from jobs.model import InputImage, Job
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.uploads import ImageFacts, ImageStore
from tests.tiny import photo, tiny_model
from tests.wait import wait_until
from workers.models.describe import describe
from workers.runner import Runner
from workers.toolkit.network.vision_model import VisionModel

MODEL, OWNER = "efficientnet_lite0", "local"


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@dataclass
class Worker:
    """A worker child whose default model is a small network.

    `stopping` is what the worker is told about its end.
    """

    settings: Settings
    redis: Redis
    model: VisionModel = field(default_factory=tiny_model)
    stopping: Callable[[], bool] = lambda: False

    def __post_init__(self) -> None:
        self.files = ArtifactStore(self.settings.artifacts_location)
        self.store = JobStore(self.redis, self.settings)
        self.images = ImageStore(self.redis, self.files, self.settings)
        self.sets = ImageSetStore(self.redis, self.files, self.images, self.settings)
        self.runner = Runner(self.settings, lambda: self.stopping(), "tester")
        description = describe(MODEL, self.model.network, self.model.weights)
        attempts: Any = self.runner._attempts
        attempts._models.get = lambda name: self.model
        attempts._publisher.publish = lambda model: description

    def store_images(self, count: int) -> list[str]:
        """Store photographs of several sizes and return their ids."""
        sizes = [(60, 40), (40, 60), (50, 50), (33, 90)]
        return [
            self.store_image(png(photo(*sizes[number % 4], seed=number)), *sizes[number % 4])
            for number in range(count)
        ]

    def store_image(self, data: bytes, width: int = 8, height: int = 8) -> str:
        """Store bytes that pass for an image, and return their id."""
        facts = ImageFacts(width=width, height=height, media_type="image/png")
        return self.images.put(OWNER, data, facts).id

    def batch(self, image_ids: list[str], technique: str = "saliency", **changes: Any) -> Job:
        """Create a batch over these images; `changes` are fields of its BatchSpec."""
        made = self.sets.create(OWNER, "")
        self.sets.add(OWNER, made.id, image_ids)
        params: Mapping[str, Any] = changes.pop("params", {})
        spec = BatchSpec(
            technique=technique,
            image_set=made.id,
            images=len(image_ids),
            params={"model": MODEL, **params},
            **{"model": MODEL, "seed": 7, **changes},
        )
        return self.store.create(
            JobRequest(OWNER, BATCH, MODEL, "slow", spec.model_dump(mode="json"))
        )

    def run(self, job: Job) -> Job:
        """Run what the queue holds once, and return the job as it is then."""
        self.runner.run(job.id, job.queue)
        return self.store.get(job.id)

    def finish(self, job: Job) -> Job:
        """Run the job until it has ended, as other workers do when one has crashed."""

        def ended() -> Job | None:
            found = self.run(job)
            return found if found.status.final else None

        return wait_until(ended, 30)

    def single(self, job: Job, row: BatchRow) -> dict[str, bytes]:
        """Return the files of a single job with the parameters and the seed of a row."""
        spec = BatchSpec.model_validate(job.params)
        stored = self.images.get(OWNER, row.image)
        asked = spec.params_of_row(row.image)
        assert asked["seed"] == row.seed
        inputs = {"image": InputImage(**stored.model_dump(include=set(InputImage.model_fields)))}
        request = JobRequest(OWNER, spec.technique, MODEL, "fast", asked, inputs)
        made = self.run(self.store.create(request))
        assert made.result is not None, made.error
        return {artifact.name: self.files.get(artifact.key) for artifact in made.result.artifacts}

    def rows(self, job: Job) -> list[BatchRow]:
        """Return the rows that are kept."""
        return list(BatchReader(self.files, self.store.get(job.id)).rows(0))

    def file(self, job: Job, row: BatchRow, name: str) -> bytes:
        """Return a file of a row, read out of its shard."""
        where = BatchReader(self.files, self.store.get(job.id)).file(row, name)
        assert where is not None
        return b"".join(self.files.chunks(where.key, where.start, where.start + where.bytes))


def expired(job: Job, store: JobStore) -> None:
    """Wait until the lease of a worker that crashed has ended."""
    until = time.monotonic() + store.settings.lease_s + 0.1
    wait_until(lambda: time.monotonic() > until)


def complete(rows: list[BatchRow], image_ids: list[str]) -> Iterator[bool]:
    """Yield whether each image has exactly its own row."""
    yield [row.index for row in rows] == list(range(len(image_ids)))
    yield [row.image for row in rows] == image_ids
