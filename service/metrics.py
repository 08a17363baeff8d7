"""Prometheus metrics.

Jobs are counted in the job store, so that a restart loses no count. Event streams are counted per
process.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.services import Services


class _StoreCollector(Collector):
    def __init__(self, services: Services) -> None:
        self._services = services

    def collect(self) -> Iterator[Metric]:
        waiting, running = self._services.jobs.load()
        yield GaugeMetricFamily("retinoscope_jobs_waiting", "Jobs waiting for a worker.", waiting)
        yield GaugeMetricFamily("retinoscope_jobs_running", "Jobs held by a worker.", running)
        yield GaugeMetricFamily(
            "retinoscope_workers", "Live workers.", self._services.workers.count()
        )
        feeds = self._services.feeds
        yield GaugeMetricFamily(
            "retinoscope_event_listeners", "Event streams open in this process.", feeds.listeners
        )
        yield GaugeMetricFamily(
            "retinoscope_event_feeds", "Jobs whose events this process reads.", feeds.open
        )
        yield CounterMetricFamily(
            "retinoscope_event_reads", "Reads of event streams by this process.", feeds.reads
        )
        created = CounterMetricFamily(
            "retinoscope_jobs_created", "Jobs accepted.", labels=["technique"]
        )
        cached = CounterMetricFamily(
            "retinoscope_jobs_cached",
            "Jobs that reused the result of another job.",
            labels=["technique"],
        )
        finished = CounterMetricFamily(
            "retinoscope_jobs_finished", "Jobs ended.", labels=["status", "technique"]
        )
        families = {"created": created, "cached": cached, "finished": finished}
        for name, count in self._services.jobs.counters().items():
            kind, *labels = name.split(":")
            families[kind].add_metric(labels, count)
        yield from families.values()


def exposition(services: Services) -> bytes:
    """Return the metrics in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_StoreCollector(services))
    return generate_latest(registry)
