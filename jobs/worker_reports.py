"""What workers tell of themselves, for the metrics: their models in memory, and their GPUs.

A worker's child writes the models, and its maintenance process the GPUs.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import cast

from redis import Redis

from jobs import redis_keys
from jobs.registries import REPORT_TTL_S, WorkerRegistry


@dataclass(frozen=True)
class GpuFigures:
    """The state of one GPU. What it does not tell is None.

    `index` is the number that the driver gives it, whatever CUDA_VISIBLE_DEVICES says.
    `utilization` is the share of the last moment in which it computed, from 0 to 1.
    """

    index: int
    name: str
    utilization: float | None
    memory_bytes: int | None
    memory_limit_bytes: int | None


@dataclass(frozen=True)
class WorkerReport:
    """What one worker has told last. `models` has the bytes of the weights by model."""

    worker: str
    models: Mapping[str, int] = field(default_factory=dict)
    gpus: Sequence[GpuFigures] = ()


class WorkerReports:
    """The reports of living workers. Every method may raise redis.RedisError."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def report_models(self, worker: str, models: Mapping[str, int]) -> None:
        """Replace what is known of the models that the worker has loaded."""
        self._write(worker, "models", json.dumps(dict(models)))

    def report_gpus(self, worker: str, gpus: Sequence[GpuFigures]) -> None:
        """Replace what is known of the worker's GPUs."""
        self._write(worker, "gpus", json.dumps([asdict(gpu) for gpu in gpus]))

    def all(self) -> list[WorkerReport]:
        """Return the reports of the workers that are alive."""
        names = WorkerRegistry(self._redis).names()
        with self._redis.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hgetall(redis_keys.worker(name))
            entries = cast("list[dict[str, str]]", pipe.execute())
        return [_read(name, entry) for name, entry in zip(names, entries, strict=True)]

    def _write(self, worker: str, name: str, text: str) -> None:
        key = redis_keys.worker(worker)
        with self._redis.pipeline() as pipe:
            pipe.hset(key, name, text)
            pipe.expire(key, REPORT_TTL_S)
            pipe.execute()


def _read(worker: str, entry: Mapping[str, str]) -> WorkerReport:
    gpus = [GpuFigures(**gpu) for gpu in json.loads(entry.get("gpus", "[]"))]
    return WorkerReport(worker, json.loads(entry.get("models", "{}")), gpus)
