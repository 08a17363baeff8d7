"""Runs the rows of a batch: each as a single job is run, and several of them at once."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass
from typing import Any

import torch
from obstore.exceptions import BaseError as ObjectStoreError
from redis import RedisError

from catalog.models import ModelDescription, find_model
from catalog.registry import find_technique
from jobs.batch import SUMMARY_FILE, BatchRow, BatchSpec
from jobs.errors import Canceled, DeadlineExceeded, GivenBack, LeaseLost
from jobs.lease import Lease
from jobs.log_context import job_fields, unit
from jobs.model import JobError
from workers.batch_claims import MAX_BATCH, MAX_PIXELS
from workers.batches.row_context import RowContext
from workers.execute import execute
from workers.failures import job_error
from workers.job_inputs import JobImageSet
from workers.toolkit.execution.dynamic_batching import DynamicBatcher
from workers.toolkit.network.vision_model import VisionModel

log = logging.getLogger(__name__)

# These end the attempt, whichever row meets them.
_OF_THE_ATTEMPT = (
    Canceled,
    DeadlineExceeded,
    GivenBack,
    LeaseLost,
    RedisError,
    ObjectStoreError,
    torch.AcceleratorError,
)


@dataclass(frozen=True)
class RowResult:
    """A row, and the files that are kept of it by name."""

    row: BatchRow
    files: Mapping[str, bytes]


@dataclass(frozen=True)
class RowRunner:
    """What all rows of an attempt share.

    `threads` run as many rows at once as there are in a batch of jobs. `load` returns another
    model. `stopping` says whether the worker stops.
    """

    spec: BatchSpec
    lease: Lease
    model: VisionModel
    description: ModelDescription
    images: JobImageSet
    stopping: Callable[[], bool]
    load: Callable[[str], VisionModel]
    threads: Executor

    def group(self, position: int) -> Sequence[str]:
        """Return the ids of the images that run at once, from this position on."""
        ids = self.images.images[position : position + self._together]
        pixels = 0
        for number, image_id in enumerate(ids):
            pixels += self.images.pixels(image_id) if len(ids) > 1 else 0
            if number and pixels > MAX_PIXELS:
                return ids[:number]
        return ids

    def run(self, position: int, image_ids: Sequence[str]) -> list[RowResult]:
        """Run the rows of these images, with their passes through the model as one batch.

        An error of a row is in its result. Raises what ends the attempt.
        """
        if len(image_ids) == 1:
            return [self._row(position, image_ids[0])]
        batcher = DynamicBatcher(len(image_ids))

        def run(index: int, image_id: str) -> RowResult:
            with batcher.joined(), unit(**job_fields(self.lease.job)):
                return self._row(index, image_id)

        rows = [self.threads.submit(run, *row) for row in enumerate(image_ids, position)]
        # Wait for all of them even if one raises, since the attempt ends then.
        wait(rows)
        return [row.result() for row in rows]

    def failed(self, index: int, image_id: str, error: JobError) -> RowResult:
        """Return a row without files."""
        seed = self.spec.params_of_row(image_id)["seed"]
        row = BatchRow(index=index, image=image_id, status="failed", seed=seed, error=error)
        return RowResult(row, {})

    @property
    def _together(self) -> int:
        """How many rows gain by running at once."""
        params = find_technique(self.spec.technique).resolved.model_validate(
            {**self.spec.params, "seed": self.spec.seed}
        )
        return MAX_BATCH if params.traits().batchable and not self.spec.exact else 1

    def _row(self, index: int, image_id: str) -> RowResult:
        try:
            return self._execute(index, image_id)
        except _OF_THE_ATTEMPT:
            raise
        except Exception as error:
            shown = job_error(error, self.spec.params)
            if shown.code == "internal_error":
                log.exception("image %d of the batch failed", index)
            return self.failed(index, image_id, shown)

    def _execute(self, index: int, image_id: str) -> RowResult:
        """Run one image as a single job with these parameters is run."""
        spec, asked = self.spec, self.spec.params_of_row(image_id)
        params = find_technique(spec.technique).resolved.model_validate(asked)
        image = self.images.open(image_id)
        params.validate_images(find_model(spec.model), {"image": image.size}, self.description)
        origin = {"technique": spec.technique, "model": spec.model, "params": asked}
        context = RowContext(self.lease, origin, self.stopping, self.load)
        inputs = {"image": image}
        made = execute(spec.technique, params, self.model, inputs, context, self.description)
        summary = made.to_json()
        facts = {"index": index, "image": image_id, **origin, "summary": summary}
        row = BatchRow(
            index=index,
            image=image_id,
            status="succeeded",
            seed=asked["seed"],
            target=_target(summary, "text"),
            label=_target(summary, "label"),
            score=summary.get("score_value"),
        )
        return RowResult(row, self._kept(context.files) | {SUMMARY_FILE: _json(facts)})

    def _kept(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        wanted = self.spec.outputs
        return {name: data for name, data in files.items() if wanted is None or name in wanted}


def _target(summary: Mapping[str, Any], name: str) -> str | None:
    """Return a text about what was explained, of a technique with a target."""
    target = summary.get("target")
    return target.get(name) if isinstance(target, dict) else None


def _json(facts: Any) -> bytes:
    return json.dumps(facts, allow_nan=False).encode()
