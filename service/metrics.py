"""Prometheus metrics, computed from the job store, so that a restart loses none; event streams by process."""

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
        yield GaugeMetricFamily("retinoscope_jobs_waiting", "Jobs that wait for a worker.", waiting)
        yield GaugeMetricFamily("retinoscope_jobs_running", "Jobs that a worker holds.", running)
        yield GaugeMetricFamily(
            "retinoscope_workers", "Workers that live.", self._services.workers.count()
        )
        feeds = self._services.feeds
        yield GaugeMetricFamily(
            "retinoscope_event_listeners", "Event streams open in this process.", feeds.listeners
        )
        yield GaugeMetricFamily(
            "retinoscope_event_feeds", "Jobs that this process reads events of.", feeds.open
        )
        yield CounterMetricFamily(
            "retinoscope_event_reads", "Reads of event streams by this process.", feeds.reads
        )
        created = CounterMetricFamily(
            "retinoscope_jobs_created", "Jobs accepted.", labels=["technique"]
        )
        cached = CounterMetricFamily(
            "retinoscope_jobs_cached", "Jobs that got the result of another.", labels=["technique"]
        )
        finished = CounterMetricFamily(
            "retinoscope_jobs_finished", "Jobs ended.", labels=["status", "technique"]
        )
        for name, count in self._services.jobs.counters().items():
            kind, *labels = name.split(":")
            {"created": created, "cached": cached, "finished": finished}[kind].add_metric(
                labels, count
            )
        yield created
        yield cached
        yield finished


def exposition(services: Services) -> bytes:
    """The text that Prometheus reads."""
    registry = CollectorRegistry()
    registry.register(_StoreCollector(services))
    return generate_latest(registry)
