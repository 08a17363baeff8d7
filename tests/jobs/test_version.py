"""What an earlier version has found out about a model is not served by this one."""

import json
import tomllib
from pathlib import Path

from redis import Redis

from jobs import redis_keys
from jobs.registries import ModelRegistry
from jobs.version import VERSION

ROOT = Path(__file__).parents[2]
OLD = {"model": "m", "weights": "sha256:1", "parameters": 1, "rectifiers": 0, "layers": []}


def test_a_description_of_the_version_before_is_not_served(redis: Redis) -> None:
    redis.set(f"{redis_keys.PREFIX}model:m", json.dumps(OLD))
    redis.set(f"{redis_keys.PREFIX}weights:m", "sha256:1")
    registry = ModelRegistry(redis)
    assert registry.description("m") is None and registry.weights(["m"]) == [None]
    registry.describe("m", json.dumps(OLD))
    assert registry.description("m") is not None and registry.weights(["m"]) == ["sha256:1"]
    assert VERSION in redis_keys.description("m") and VERSION in redis_keys.weights("m")


def test_the_version_is_said_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "jobs.version.VERSION"}
    described = json.loads((ROOT / "openapi" / "openapi.json").read_text())
    assert described["info"]["version"] == VERSION
