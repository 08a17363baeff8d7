"""Metrics of the whole service, which every API process reads from Redis.

Scrape one process for them, or take the maximum over all: each of them tells the same. Owners are
never a label, since there may be many and their names are theirs.
"""

from collections.abc import Iterator, Mapping

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from jobs.deliveries import DeliveryLoad
from jobs.statistics import Counts, Histogram, QueueLoad
from jobs.worker_reports import GpuFigures, WorkerReport
from service.services import Services

# The end of each metric's description: whether all processes tell the same.
GLOBAL = "(whole service)"


class StoreMetrics(Collector):
    """Collects what Redis holds. `collect` may raise redis.RedisError."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        """Yield every family, also those that have no sample yet."""
        loads, following = self._services.statistics.load()
        yield from _queues(loads)
        yield _gauge(
            "jobs_following", "Jobs that wait for the result of an identical one", following
        )
        yield _gauge("workers", "Living workers", self._services.workers.count())
        yield from _jobs(self._services.jobs.counters())
        counts = self._services.statistics.counts()
        yield _counter("job_errors", "Jobs that failed", ["code", "technique"], counts.errors)
        yield _counter(
            "jobs_recovered",
            "Attempts that lost their lease, so that the job was queued again",
            ["technique"],
            counts.recovered,
        )
        wait = "Seconds from acceptance to the first attempt, of jobs that a worker began"
        yield _histogram("job_wait_seconds", wait, counts.waited)
        run = "Seconds from the first attempt to the end, of jobs that ended while they ran"
        yield _histogram("job_run_seconds", run, counts.ran)
        yield from _webhooks(self._services.deliveries.load(), counts)
        used, limit = self._services.statistics.memory()
        yield _gauge("redis_memory_bytes", "Memory that Redis uses", used)
        yield _gauge("redis_memory_limit_bytes", "Limit of that memory; 0 for none", limit)
        yield from _workers(self._services.reports.all())


def _queues(loads: Mapping[str, QueueLoad]) -> Iterator[Metric]:
    waiting = _gauge("jobs_waiting", "Jobs that wait for a worker", labels=["queue"])
    oldest = _gauge(
        "jobs_oldest_seconds", "How long the first of them waits; 0 for none", labels=["queue"]
    )
    running = _gauge("jobs_running", "Jobs that a worker holds", labels=["queue"])
    for queue, load in loads.items():
        waiting.add_metric([queue], load.waiting)
        oldest.add_metric([queue], load.oldest_s)
        running.add_metric([queue], load.running)
    yield from (waiting, oldest, running)


def _jobs(counters: Mapping[str, int]) -> Iterator[Metric]:
    families = {
        "created": _counter("jobs_created", "Jobs accepted", ["technique"]),
        "cached": _counter("jobs_cached", "Jobs that took another one's result", ["technique"]),
        "finished": _counter("jobs_finished", "Jobs ended", ["status", "technique"]),
    }
    for name, count in counters.items():
        kind, *labels = name.split(":")
        families[kind].add_metric(labels, count)
    yield from families.values()


def _webhooks(load: DeliveryLoad, counts: Counts) -> Iterator[Metric]:
    yield _gauge("webhooks_waiting", "Webhooks that have not arrived yet", load.waiting)
    oldest = "How long ago the first of them was written; 0 for none"
    yield _gauge("webhooks_oldest_seconds", oldest, load.oldest_s)
    overdue = "How long the first that is due has not been sent; it grows without a sender"
    yield _gauge("webhooks_overdue_seconds", overdue, load.overdue_s)
    ended = "Webhooks that have arrived or were given up"
    yield _counter("webhooks", ended, ["state"], counts.deliveries)
    attempts = "Attempts to send a webhook, by how the receiver answered"
    yield _counter("webhook_attempts", attempts, ["answer"], counts.attempts)


def _workers(reports: list[WorkerReport]) -> Iterator[Metric]:
    loaded = _gauge(
        "worker_model_bytes", "Weights of a model in a worker's memory", labels=["worker", "model"]
    )
    for report in reports:
        for model, size in report.models.items():
            loaded.add_metric([report.worker, model], size)
    yield loaded
    yield from _gpus([(report.worker, gpu) for report in reports for gpu in report.gpus])


def _gpus(gpus: list[tuple[str, GpuFigures]]) -> Iterator[Metric]:
    """Yield one sample per worker and GPU: workers that share a GPU tell the same of it."""
    labels = ["worker", "gpu", "name"]
    used = _gauge("gpu_utilization_ratio", "Share of time in which a GPU computed", labels=labels)
    memory = _gauge("gpu_memory_bytes", "Memory of a GPU that is taken", labels=labels)
    limit = _gauge("gpu_memory_limit_bytes", "Memory of a GPU", labels=labels)
    for worker, gpu in gpus:
        for family, value in (
            (used, gpu.utilization),
            (memory, gpu.memory_bytes),
            (limit, gpu.memory_limit_bytes),
        ):
            if value is not None:
                family.add_metric([worker, str(gpu.index), gpu.name], value)
    yield from (used, memory, limit)


def _gauge(
    name: str, text: str, value: float | None = None, labels: list[str] | None = None
) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"retinoscope_{name}", f"{text} {GLOBAL}.", value, labels)


def _counter(
    name: str, text: str, labels: list[str], counts: Mapping[tuple[str, ...], int] | None = None
) -> CounterMetricFamily:
    family = CounterMetricFamily(f"retinoscope_{name}", f"{text} {GLOBAL}.", labels=labels)
    for values, count in (counts or {}).items():
        family.add_metric(values, count)
    return family


def _histogram(name: str, text: str, times: Mapping[tuple[str, ...], Histogram]) -> Metric:
    family = HistogramMetricFamily(
        f"retinoscope_{name}", f"{text} {GLOBAL}.", labels=["technique", "queue"]
    )
    for labels, histogram in times.items():
        family.add_metric(labels, histogram.cumulated(), histogram.sum_s)
    return family
