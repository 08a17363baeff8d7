"""The model registry learns which models a worker has loaded, and forgets what may be stale."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from cachetools import TTLCache
from redis import Redis

from catalog.models import ModelDescription, find_model, models
from jobs.registries import ModelRegistry
from tests.digits import make_digits
from workers.model_publisher import ModelPublisher
from workers.models.model_cache import ModelCache

pytestmark = pytest.mark.usefixtures("digits")


@pytest.fixture
def digits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A custom model with the name `digits`."""
    monkeypatch.setenv("RETINOSCOPE_MODELS", str(make_digits(tmp_path).file))
    models.cache_clear()
    yield
    models.cache_clear()


@pytest.fixture
def registry(redis: Redis) -> ModelRegistry:
    return ModelRegistry(redis)


@pytest.fixture
def cache() -> ModelCache:
    return ModelCache(torch.device("cpu"), 10**9)


def test_a_custom_model_is_described_anew_when_a_worker_starts(
    registry: ModelRegistry, cache: ModelCache
) -> None:
    stale = ModelDescription(model="old", parameters=1, rectifiers=0, layers=[]).model_dump_json()
    for name in ("digits", "resnet18"):
        registry.describe(name, stale)
    publisher = ModelPublisher(registry, cache)
    publisher.warm([])
    assert registry.description("digits") is None and registry.description("resnet18") == stale
    publisher.publish_architecture("digits")
    described = ModelDescription.model_validate_json(registry.description("digits"))
    assert described.layers[0].shape == [16, 8, 8] and described.weights is None


def test_a_model_that_cannot_be_described_is_told_until_a_worker_starts(
    registry: ModelRegistry, cache: ModelCache, tmp_path: Path
) -> None:
    publisher = ModelPublisher(registry, cache)
    entry = find_model("digits")
    assert entry.own is not None
    (entry.own.folder / "digits_net.py").write_text("def build(width): return 1 / 0")
    sys.modules.pop("digits_net", None)
    publisher.publish_architecture("digits")
    reason = registry.failure("digits")
    assert reason is not None and "ZeroDivisionError: division by zero" in reason
    assert registry.description("digits") is None
    ModelPublisher(registry, cache).warm([])
    assert registry.failure("digits") is None
    sys.modules.pop("digits_net", None)


def test_a_loaded_model_is_described_with_its_weights(
    registry: ModelRegistry, cache: ModelCache
) -> None:
    publisher = ModelPublisher(registry, cache)
    publisher.warm(["digits"])
    first = registry.description("digits")
    # Another worker starts and withdraws the description.
    ModelPublisher(registry, ModelCache(torch.device("cpu"), 10**9)).warm([])
    assert registry.description("digits") is None
    publisher.publish_architecture("digits")
    assert registry.description("digits") == first and "sha256:" in first


def test_a_description_is_published_again_after_a_while_and_at_once_for_other_weights(
    registry: ModelRegistry, cache: ModelCache
) -> None:
    publisher = ModelPublisher(registry, cache)
    publisher.warm(["digits"])
    model = cache.get("digits")
    first = registry.description("digits")
    registry.forget(["digits"])
    publisher.publish(model)
    assert registry.description("digits") is None
    # The digests expire from the publisher's cache.
    publisher._published = TTLCache(9, 0)
    publisher.publish(model)
    assert registry.description("digits") == first
    publisher._published = TTLCache(9, 60)
    publisher._published["digits"] = "as before"
    described = publisher.publish(replace(model, weights="sha256:new"))
    assert registry.weights(["digits"]) == ["sha256:new"] == [described.weights]
    assert registry.description("digits") == described.model_dump_json()
