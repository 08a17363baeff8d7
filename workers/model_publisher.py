"""Descriptions of models, published to the registry in Redis from which the API reads them."""

import logging
import threading

from cachetools import TTLCache
from redis import RedisError

from catalog.models import ModelDescription, find_model, models
from jobs.registries import ModelRegistry
from workers.failures import job_error
from workers.models.describe import describe, describe_architecture
from workers.models.model_cache import ModelCache
from workers.toolkit.network.vision_model import VisionModel

log = logging.getLogger(__name__)

_CHECK_EVERY_S = 5.0
_MAX_MODELS = 1000


class ModelPublisher:
    """Publishes what a worker knows of a model: its layers, and the digest of its weights."""

    def __init__(self, registry: ModelRegistry, models: ModelCache) -> None:
        self._registry = registry
        self._models = models
        self._descriptions: dict[str, ModelDescription] = {}
        self._describing = threading.Lock()
        # The digests by model that the registry had within the last seconds.
        self._published: TTLCache[str, str] = TTLCache(_MAX_MODELS, _CHECK_EVERY_S)
        self._published_lock = threading.Lock()

    def warm(self, names: list[str]) -> None:
        """Load and publish these models, and withdraw stale descriptions of custom models."""
        self._forget_custom()
        for name in names:
            try:
                self.publish(self._models.get(name))
            except Exception:
                log.exception("could not warm %s", name)

    def publish(self, model: VisionModel) -> ModelDescription:
        """Return the loaded model's description, which replaces one with another digest or none.

        A Redis outage is only logged. The registry is asked every few seconds at most.
        """
        description = self._described(model)
        with self._published_lock:
            if self._published.get(model.name) == model.weights:
                return description
        try:
            # The registry's digest differs if the model was never published, was forgotten, or was
            # published by a worker with other weights.
            if self._registry.weights([model.name])[0] != model.weights:
                self._registry.describe(model.name, description.model_dump_json())
            with self._published_lock:
                self._published[model.name] = model.weights
        except RedisError:
            log.warning("could not publish the description of %s: Redis is away", model.name)
        return description

    def publish_architecture(self, name: str) -> None:
        """Publish a description without loading weights, unless a better one exists.

        If there can be none, publish the reason, which clients read.
        """
        if (known := self._descriptions.get(name)) is not None:
            self._registry.describe(name, known.model_dump_json())
        elif name not in self._models and self._registry.description(name) is None:
            try:
                description = describe_architecture(find_model(name))
            except Exception as error:
                log.warning("could not describe %s", name, exc_info=True)
                self._registry.describe_failure(name, _failure(name, error))
                return
            self._registry.describe(name, description.model_dump_json(), replace=False)

    def _described(self, model: VisionModel) -> ModelDescription:
        """Return the cached description of these weights, and make it if there is none."""
        known = self._descriptions.get(model.name)
        if known is not None and known.weights == model.weights:
            return known
        with self._describing:
            known = self._descriptions.get(model.name)
            if known is None or known.weights != model.weights:
                known = describe(model.name, model.network, model.weights)
                self._descriptions[model.name] = known
            return known

    def _forget_custom(self) -> None:
        """Delete descriptions of custom models, which may have been trained anew since."""
        try:
            self._registry.forget([entry.name for entry in models().values() if entry.own])
        except RedisError:
            log.warning("could not delete descriptions of custom models: Redis is away")


def _failure(name: str, error: Exception) -> str:
    """Return why a model cannot be described, in a sentence without internals."""
    found = job_error(error)
    if found.code == "internal_error":
        return f"An unexpected error occurred in a worker. Its log has details under {name!r}."
    return found.detail


def published_description(registry: ModelRegistry, name: str) -> ModelDescription | None:
    """Return the description that some worker has published, or None without one or Redis."""
    try:
        text = registry.description(name)
    except RedisError:
        return None
    return None if text is None else ModelDescription.model_validate_json(text)
