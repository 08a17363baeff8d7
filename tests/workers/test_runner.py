"""What a worker's child tells of models: those of one's own are described anew when it starts."""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cachetools import TTLCache
from redis import Redis, RedisError

from catalog.models import ModelDescription, models
from jobs.job_request import JobRequest
from jobs.lease import Lease
from jobs.registries import ModelRegistry
from jobs.settings import Settings
from jobs.store import JobStore
from tests.digits import make_digits
from workers.models.errors import WeightsUnavailable
from workers.runner import Runner
from workers.toolkit.errors import NoStart


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETINOSCOPE_MODELS", str(make_digits(tmp_path).file))
    models.cache_clear()
    yield
    models.cache_clear()


@pytest.mark.usefixtures("own")
def test_a_model_that_was_trained_anew_is_described_anew(settings: Settings, redis: Redis) -> None:
    registry = ModelRegistry(redis)
    stale = ModelDescription(model="old", parameters=1, rectifiers=0, layers=[]).model_dump_json()
    for name in ("digits", "resnet18"):
        registry.describe(name, stale)
    runner = Runner(settings, lambda: False)
    runner.warm([])
    assert registry.description("digits") is None and registry.description("resnet18") == stale
    runner.describe("digits")
    described = ModelDescription.model_validate_json(registry.description("digits"))
    assert described.layers[0].shape == [16, 8, 8] and described.weights is None


@pytest.mark.usefixtures("own")
def test_a_model_that_is_loaded_is_described_with_its_weights_whenever_asked(
    settings: Settings, redis: Redis
) -> None:
    registry, runner = ModelRegistry(redis), Runner(settings, lambda: False)
    runner.warm(["digits"])
    first = registry.description("digits")
    Runner(settings, lambda: False).warm([])  # another worker starts
    assert registry.description("digits") is None
    runner.describe("digits")
    assert registry.description("digits") == first and "sha256:" in first


def test_whatever_one_of_several_raises_all_are_waited_for(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The leases end when the call returns: nobody may be at work then."""
    runner, ended = Runner(settings, lambda: False), threading.Event()

    def attempt(lease: str, together: int) -> str:
        if lease == "broken":
            raise RedisError
        time.sleep(0.3)
        ended.set()
        return "done"

    monkeypatch.setattr(runner, "_attempt", attempt)
    with pytest.raises(RedisError):
        runner._attempts(["broken", "slow"])
    assert ended.is_set()


def caused(error: Exception, by: Exception) -> Exception:
    error.__cause__ = by
    return error


@pytest.mark.parametrize(
    ("error", "code", "traceback"),
    [
        (NoStart("Send an image."), "start_missing", False),
        (
            caused(WeightsUnavailable("Not at hand."), OSError("no route")),
            "weights_unavailable",
            True,
        ),
        (ValueError("odd"), "internal_error", True),
    ],
)
def test_a_traceback_is_logged_where_it_says_more_than_the_client_is_told(
    settings: Settings,
    store: JobStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
    code: str,
    traceback: bool,
) -> None:
    def fails(lease: Lease, together: int) -> None:
        raise error

    new = JobRequest(
        owner="ada", technique="saliency", model="m", queue="fast", params={"model": "m"}
    )
    job, runner = store.create(new), Runner(settings, lambda: False)
    monkeypatch.setattr(runner, "_execute", fails)
    runner.run(job.id)
    failed = store.get(job.id).error
    assert failed is not None and failed.code == code
    (record,) = [record for record in caplog.records if job.id in record.getMessage()]
    assert code in record.getMessage() and bool(record.exc_info) is traceback


@pytest.mark.usefixtures("own")
def test_a_description_is_told_again_after_a_while_and_at_once_for_other_weights(
    settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, runner = ModelRegistry(redis), Runner(settings, lambda: False)
    runner.warm(["digits"])
    first = registry.description("digits")
    registry.forget(["digits"])
    runner._announce("digits")
    assert registry.description("digits") is None
    anew = replace(runner._models.get("digits"), weights="sha256:new")
    runner._announced = TTLCache(9, 0)  # the while is over
    runner._announce("digits")
    assert registry.description("digits") == first
    runner._announced = TTLCache(9, 60)
    runner._announced["digits"] = "as before"
    monkeypatch.setattr(runner._models, "get", lambda name: anew)
    runner._announce("digits")
    assert registry.weights(["digits"]) == ["sha256:new"] and "sha256:new" in (
        registry.description("digits") or ""
    )
