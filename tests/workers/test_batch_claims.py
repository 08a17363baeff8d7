"""Waiting jobs of one technique and model run as one batch, with the results they have alone."""

import io

import numpy as np
import pytest
from redis import Redis

from catalog.models import models
from catalog.registry import find_technique
from jobs.artifacts import ArtifactStore
from jobs.job_request import JobRequest
from jobs.lease import claim
from jobs.model import InputImage, Job, Status
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.uploads import ImageFacts, ImageStore
from tests.digits import Digits, make_digits
from tests.jobs.test_transitions import recovered
from workers.batch_claims import MAX_BATCH
from workers.runner import Runner


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Digits:
    return make_digits(tmp_path_factory.mktemp("digits"))


class Desk:
    """Makes jobs, and a worker to run them."""

    def __init__(self, redis: Redis, settings: Settings, digits: Digits) -> None:
        self.store, self.files = (
            JobStore(redis, settings),
            ArtifactStore(settings.artifacts_location),
        )
        self.images = ImageStore(redis, self.files, settings)
        self.runner = Runner(settings, lambda: False)
        self._digits = digits

    def job(
        self, picture: int, technique: str = "saliency", owner: str = "ada", **asked: object
    ) -> Job:
        facts = ImageFacts(width=8, height=8, media_type="image/png")
        stored = self.images.put(owner, self._digits.png(picture), facts)
        params = find_technique(technique).params(model="digits", seed=1, **asked)
        return self.store.create(
            JobRequest(
                owner=owner,
                technique=technique,
                model="digits",
                queue="fast",
                params=params.model_dump(mode="json"),
                inputs={"image": InputImage(id=stored.id, width=8, height=8)},
                batchable=params.traits().batchable,
            )
        )

    def seen(self, job: Job) -> Job:
        return self.store.get(job.id)

    def values(self, job: Job) -> np.ndarray:
        (file,) = (file for file in self.seen(job).result.artifacts if file.name == "values.npy")
        return np.load(io.BytesIO(self.files.get(file.key)))


@pytest.fixture
def desk(redis: Redis, settings: Settings, digits: Digits, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("RETINOSCOPE_MODELS", str(digits.file))
    models.cache_clear()
    yield Desk(redis, settings, digits)
    models.cache_clear()


@pytest.mark.parametrize("technique", ["saliency", "guided_backprop", "grad_cam"])
def test_a_job_has_the_same_result_in_a_batch_as_alone(desk: Desk, technique: str) -> None:
    alone = []
    for picture in range(4):
        job = desk.job(picture, technique)
        assert desk.runner.run(job.id, "fast") == []
        alone.append(desk.values(job))
    jobs = [desk.job(picture, technique) for picture in range(4)]
    desk.runner.run(jobs[0].id, "fast")
    for job, expected in zip(jobs, alone, strict=True):
        seen = desk.seen(job)
        assert seen.status is Status.SUCCEEDED and seen.attempts == 1
        assert seen.provenance["together"] == 4
        np.testing.assert_allclose(desk.values(job), expected, atol=1e-5 * np.abs(expected).max())


def test_predictions_of_one_owner_run_in_one_batch_and_others_wait(desk: Desk) -> None:
    own = [desk.job(0, "predict"), desk.job(1, "predict", top_k=2)]
    other = desk.job(2, "predict", owner="bob")
    desk.runner.run(own[0].id, "fast")
    assert [len(desk.seen(job).result.summary["predictions"]) for job in own] == [5, 2]
    assert desk.seen(other).status is Status.QUEUED


def test_a_batch_is_limited_and_takes_the_oldest_jobs_first(desk: Desk) -> None:
    jobs = [desk.job(i) for i in range(MAX_BATCH + 2)]
    # Those of one millisecond have no order but that of their ids.
    jobs.sort(key=lambda job: (job.created_ms, job.id))
    desk.runner.run(jobs[-1].id, "fast")
    stand = [desk.seen(job).status for job in jobs]
    assert stand == [Status.SUCCEEDED] * MAX_BATCH + [Status.QUEUED] * 2


def test_jobs_of_other_work_stay_queued(desk: Desk) -> None:
    wanted = desk.job(1)
    others = [
        desk.job(0, "predict"),
        desk.job(0, samples=4),
        desk.job(0, check=True),
        desk.job(0, "occlusion"),
    ]
    desk.runner.run(wanted.id, "fast")
    assert desk.seen(wanted).status is Status.SUCCEEDED
    assert {desk.seen(job).status for job in others} == {Status.QUEUED}


def test_a_job_that_may_have_crashed_a_worker_is_retried_alone(desk: Desk) -> None:
    suspects, fresh = [desk.job(0), desk.job(1)], desk.job(2)
    for suspect in suspects:
        assert claim(desk.store, suspect.id)
        desk.store.redis.hset(f"retinoscope:job:{suspect.id}", "lease_ms", 0)
        recovered(desk.store, suspect.id)
    desk.runner.run(suspects[0].id, "fast")
    assert desk.seen(suspects[0]).provenance["together"] == 1
    assert desk.seen(fresh).status is Status.QUEUED
    desk.runner.run(fresh.id, "fast")
    assert desk.seen(fresh).provenance["together"] == 1
    assert desk.seen(suspects[1]).status is Status.QUEUED


def test_a_failed_job_does_not_fail_the_others_of_its_batch(desk: Desk) -> None:
    jobs = [desk.job(0), desk.job(1, target="2:99"), desk.job(2)]
    desk.runner.run(jobs[0].id, "fast")
    assert [desk.seen(job).status for job in jobs] == [
        Status.SUCCEEDED,
        Status.FAILED,
        Status.SUCCEEDED,
    ]


def test_a_job_that_was_canceled_before_stays_canceled(desk: Desk) -> None:
    jobs = [desk.job(i) for i in range(3)]
    desk.store.cancel(jobs[1].id, "ada")
    desk.runner.run(jobs[0].id, "fast")
    assert [desk.seen(job).status for job in jobs] == [
        Status.SUCCEEDED,
        Status.CANCELED,
        Status.SUCCEEDED,
    ]
