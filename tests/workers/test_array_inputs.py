"""A job whose input is an array: the worker reads it from the store, and checks it too."""

from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from catalog.models import models
from jobs.artifacts import ArtifactStore
from jobs.job_request import JobRequest
from jobs.model import InputArray, Job, Status
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.uploads import ArrayFacts, ArrayStore
from tests.digits import make_digits
from tests.service.arrays import npy
from workers.runner import Runner


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETINOSCOPE_MODELS", str(make_digits(tmp_path).file))
    models.cache_clear()
    yield
    models.cache_clear()


def ended(redis: Redis, settings: Settings, array: np.ndarray, *, keep: bool = True) -> Job:
    """Run the inversion of an array as the output of the digits network's layer `2`."""
    store, files = JobStore(redis, settings), ArtifactStore(settings.artifacts_location)
    stored = ArrayStore(redis, files, settings).put(
        "ada", npy(array), ArrayFacts(shape=list(array.shape), dtype="x")
    )
    if not keep:
        files.delete_folder("arrays/")
    params = {
        "model": "digits",
        "layer": "2",
        "steps": 3,
        "rate": 0.1,
        "alpha_weight": 0.0,
        "seed": 1,
    }
    inputs = {"embedding": InputArray(id=stored.id, shape=stored.shape, dtype=stored.dtype)}
    new = JobRequest(
        owner="ada",
        technique="inversion",
        model="digits",
        queue="slow",
        params=params,
        inputs=inputs,
    )
    job = store.create(new)
    Runner(settings, lambda: False).run(job.id, "fast")
    return store.get(job.id)


@pytest.mark.usefixtures("own")
def test_the_array_reaches_the_technique_and_is_named_in_the_record(
    redis: Redis, settings: Settings
) -> None:
    job = ended(redis, settings, np.ones((32, 8, 8), np.float16))
    assert job.status is Status.SUCCEEDED, job.error
    assert isinstance(job.inputs["embedding"], InputArray) and job.inputs["embedding"].shape == [
        32,
        8,
        8,
    ]
    assert job.result is not None and "image-1.png" in [file.name for file in job.result.artifacts]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("array", "keep", "code"),
    [
        (np.ones((32, 8, 7), np.float32), True, "wrong_shape"),
        (np.zeros((32, 8, 8), np.float32), True, "nothing_to_invert"),
        (np.full((32, 8, 8), np.nan, np.float32), True, "unreadable_array"),
        (np.ones((32, 8, 8), np.float32), False, "input_gone"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) else "",
)
def test_the_worker_refuses_arrays_that_do_not_fit(
    redis: Redis, settings: Settings, array: np.ndarray, keep: bool, code: str
) -> None:
    job = ended(redis, settings, array, keep=keep)
    assert job.status is Status.FAILED and job.error is not None
    assert (job.error.code, job.error.retryable) == (code, False)
