"""Batches on a worker: rows equal single jobs, and a row that fails fails alone."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from redis import Redis
from torch import Tensor, nn

from catalog.models import find_model
from catalog.registry import find_technique
from jobs.batch import BatchSpec, row_seed
from jobs.model import Status
from jobs.settings import Settings
from tests.tiny import CLASSES, SIDE, photo, tiny_model
from tests.workers.batching import MODEL, Worker, complete, png
from workers.toolkit.execution import dynamic_batching

Workers = Callable[..., Worker]


class Linear(nn.Module):
    """Scores that are linear in the input, whose gradient is therefore the weights."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3 * SIDE * SIDE, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x.flatten(1))


@pytest.fixture
def make(settings: Settings, redis: Redis) -> Workers:
    def make(**changes: Any) -> Worker:
        model = changes.pop("model", None) or tiny_model()
        return Worker(settings.model_copy(update=changes), redis, model)

    return make


def values(data: bytes) -> np.ndarray:
    return np.load(io.BytesIO(data))


def test_the_rows_of_a_linear_network_are_its_weights(make: Workers) -> None:
    worker = make(model=tiny_model(Linear))
    job = worker.finish(
        worker.batch(worker.store_images(5), params={"target": "class:3"}, outputs=["values.npy"])
    )
    assert job.status is Status.SUCCEEDED, job.error
    assert job.result and job.result.summary == {"total": 5, "succeeded": 5, "failed": 0}
    weights = worker.model.network.whole
    weight = dict(weights.named_parameters())["head.weight"].detach()[3].reshape(3, SIDE, SIDE)
    expected = weight.abs().amax(0).numpy()
    for row in worker.rows(job):
        assert set(row.files) == {"values.npy", "json"}
        assert np.abs(values(worker.file(job, row, "values.npy")) - expected).max() < 1e-7
        assert row.target == "class:3" and row.score is not None


PARAMS: list[tuple[str, dict[str, Any]]] = [
    ("saliency", {}),
    ("saliency", {"samples": 3, "target": "class:2", "check": True}),
    ("guided_backprop", {"target": "conv3:2"}),
    ("grad_cam", {"layer": "conv3"}),
    ("integrated_gradients", {"steps": 6}),
    ("occlusion", {"window": 8, "stride": 8}),
    ("rise", {"masks": 64}),
    ("embed", {"layer": "conv3"}),
]


@pytest.mark.parametrize(("technique", "params"), PARAMS)
def test_with_exact_each_row_has_the_bytes_of_a_single_job(
    make: Workers, technique: str, params: dict[str, Any]
) -> None:
    worker = make()
    images = worker.store_images(3)
    job = worker.finish(
        worker.batch(images, technique, params=resolved(technique, params), exact=True)
    )
    assert job.status is Status.SUCCEEDED, job.error
    rows = worker.rows(job)
    assert all(complete(rows, images))
    for row in rows:
        single = worker.single(job, row)
        assert single.keys() == row.files.keys() - {"json"}
        assert {name: worker.file(job, row, name) for name in single} == single


@pytest.mark.parametrize(("technique", "params"), PARAMS)
def test_rows_that_run_together_equal_single_jobs_to_rounding(
    make: Workers, technique: str, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[list[int]] = []
    inner = dynamic_batching.DynamicBatcher.__init__

    def noted(self: dynamic_batching.DynamicBatcher, members: int) -> None:
        inner(self, members, patience_s=5)
        batches.append(self.batches)

    monkeypatch.setattr(dynamic_batching.DynamicBatcher, "__init__", noted)
    worker = make()
    images = worker.store_images(11)
    job = worker.finish(worker.batch(images, technique, params=resolved(technique, params)))
    assert job.status is Status.SUCCEEDED, job.error
    if (technique, params) == ("saliency", {}):
        assert batches and all(
            max(sizes) == count for sizes, count in zip(batches, (8, 3), strict=True)
        )
    for row in worker.rows(job)[::5]:
        name = "embedding.npy" if technique == "embed" else "values.npy"
        single, ours = values(worker.single(job, row)[name]), values(worker.file(job, row, name))
        assert np.abs(ours - single).max() <= 1e-5 * np.abs(single).max()


def resolved(technique: str, params: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with their defaults, as a request is resolved."""
    asked = find_technique(technique).params.model_validate({"model": MODEL, **params})
    return asked.resolved(find_model(MODEL)).model_dump(mode="json", exclude={"seed"})


def test_a_row_says_in_its_shard_what_was_asked_and_found(make: Workers) -> None:
    worker = make()
    [image] = worker.store_images(1)
    job = worker.finish(worker.batch([image], "predict", params=resolved("predict", {"top_k": 2})))
    [row] = worker.rows(job)
    said = json.loads(worker.file(job, row, "json"))
    assert (said["index"], said["image"], said["technique"]) == (0, image, "predict")
    assert said["params"] == {"model": MODEL, "top_k": 2, "seed": row_seed(7, image)}
    assert len(said["summary"]["predictions"]) == 2


def test_seeds_depend_on_the_batch_and_the_image_alone() -> None:
    ids = [f"sha256:{number:064x}" for number in range(2000)]
    seeds = [row_seed(7, image) for image in ids]
    assert seeds == [row_seed(7, image) for image in ids] != [row_seed(8, image) for image in ids]
    assert len(set(seeds)) == len(seeds) and min(seeds) >= 0 and max(seeds) < 2**32
    # What was published stays: somebody repeats a row a year later.
    assert row_seed(7, ids[0]) == SEED_OF_ZERO


SEED_OF_ZERO = int(hashlib.sha256(b"7:sha256:" + b"0" * 64).hexdigest()[:8], 16)


def test_an_image_that_fails_fails_its_row_only(make: Workers) -> None:
    worker = make()
    images = worker.store_images(9)
    gone, broken = images[2], worker.store_image(png(photo())[:200])
    images.insert(5, broken)
    worker.files.delete(f"images/local/{gone.removeprefix('sha256:')}")
    job = worker.finish(worker.batch(images))
    assert job.status is Status.SUCCEEDED
    assert job.result and job.result.summary == {"total": 10, "succeeded": 8, "failed": 2}
    rows = worker.rows(job)
    assert all(complete(rows, images))
    failed = {row.image: row for row in rows if row.status == "failed"}
    assert failed.keys() == {gone, broken}
    assert [failed[image].error.code for image in (gone, broken)] == [
        "input_gone",
        "unreadable_image",
    ]
    assert all(row.shard is None and not row.files for row in failed.values())
    assert job.batch and (job.batch.step, job.batch.succeeded, job.batch.failed) == (10, 8, 2)


def test_a_batch_without_any_result_fails_and_its_rows_say_why(make: Workers) -> None:
    worker = make()
    images = [worker.store_image(b"no image %d" % number) for number in range(3)]
    job = worker.finish(worker.batch(images))
    assert job.status is Status.FAILED and job.error and job.error.code == "batch_failed"
    assert "unreadable_image" in job.error.detail
    assert [row.error.code for row in worker.rows(job)] == ["unreadable_image"] * 3


def test_a_set_that_is_gone_fails_the_batch(make: Workers) -> None:
    worker = make()
    job = worker.batch(worker.store_images(2))
    worker.sets.delete("local", BatchSpec.model_validate(job.params).image_set)
    ended = worker.finish(job)
    assert ended.error and ended.error.code == "image_set_gone"


def test_images_that_are_added_later_do_not_take_part(make: Workers) -> None:
    worker = make()
    images = worker.store_images(4)
    job = worker.batch(images[:3])
    worker.sets.add("local", BatchSpec.model_validate(job.params).image_set, images[3:])
    assert all(complete(worker.rows(worker.finish(job)), images[:3]))


def test_shards_are_tars_of_at_most_that_size(make: Workers) -> None:
    limit = 60_000
    worker = make(batch_shard_bytes=limit)
    images = worker.store_images(12)
    job = worker.finish(worker.batch(images))
    assert job.result
    manifest, *shards = job.result.artifacts
    assert [shard.name for shard in shards] == [f"shard-{n:05}.tar" for n in range(len(shards))]
    assert len(shards) > 2
    rows = [json.loads(line) for line in worker.files.get(manifest.key).splitlines()]
    assert [row["image"] for row in rows] == images
    for shard in shards:
        data = worker.files.get(shard.key)
        assert len(data) == shard.bytes <= limit
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == shard.sha256
        mine = [row for row in rows if row["shard"] == shard.name]
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            members = {member.name: tar.extractfile(member).read() for member in tar}
        # One sample of WebDataset is a run of members with one key in front of the first dot.
        keys = [name.partition(".")[0] for name in members]
        assert list(dict.fromkeys(keys)) == [row["image"][7:23] for row in mine]
        assert keys == [row["image"][7:23] for row in mine for _ in row["files"]]
        for row in mine:
            for name, (start, length) in row["files"].items():
                assert members[f"{row['image'][7:23]}.{name}"] == data[start : start + length]
    assert torch.is_grad_enabled()
