"""A worker reports which models it holds, and how large their weights are."""

from pathlib import Path

import pytest
import torch
from redis import Redis

from catalog.models import models
from jobs.registries import WorkerRegistry
from jobs.settings import Settings
from jobs.worker_reports import WorkerReport, WorkerReports
from tests.digits import make_digits
from workers.models.model_cache import ModelCache, weight_bytes
from workers.runner import Runner


@pytest.fixture
def digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A custom model with the name `digits`."""
    monkeypatch.setenv("RETINOSCOPE_MODELS", str(make_digits(tmp_path).file))
    models.cache_clear()
    yield
    models.cache_clear()


def test_a_child_reports_what_it_has_loaded_and_forgets_what_the_one_before_had(
    digits: None, settings: Settings, redis: Redis
) -> None:
    WorkerRegistry(redis).announce("host:1")
    reports = WorkerReports(redis)
    reports.report_models("host:1", {"of the child before": 1})
    runner = Runner(settings, lambda: False, "host:1")
    runner.warm([])
    assert reports.all() == [WorkerReport("host:1", {}, [])]
    runner.warm(["digits"])
    size = weight_bytes(ModelCache(torch.device("cpu"), 0).get("digits"))
    assert reports.all() == [WorkerReport("host:1", {"digits": size}, [])]
