"""Prometheus metrics: those of the whole service, and those of this API process alone.

Jobs are counted in Redis, so that a restart loses no count. Each description says whether a number
is of the whole service or of the process that was asked.
"""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, ProcessCollector, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from jobs.version import VERSION
from service.events.feeds import Feeds
from service.services import Services
from service.store_metrics import StoreMetrics

LOCAL = "(this process)"
# What a client may write as a method is not bounded, and a label must be.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestCounter:
    """Counts the requests of one process by what their log lines say."""

    def __init__(self) -> None:
        self.counter = Counter(
            "retinoscope_http_requests",
            f"Requests answered {LOCAL}.",
            ["method", "path", "status", "code"],
            registry=None,
        )

    def count(self, method: str, path: str, status: int, code: str) -> None:
        """Count a request. `path` is a template, and `code` that of an error or ''."""
        known = method if method in _METHODS else "other"
        self.counter.labels(known, path, str(status), code).inc()


class _ProcessMetrics(Collector):
    def __init__(self, feeds: Feeds) -> None:
        self._feeds = feeds

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("retinoscope_build", f"Version {LOCAL}.", {"version": VERSION})
        yield GaugeMetricFamily(
            "retinoscope_event_listeners", f"Event streams open {LOCAL}.", self._feeds.listeners
        )
        yield GaugeMetricFamily(
            "retinoscope_event_feeds", f"Jobs whose events are read {LOCAL}.", self._feeds.open
        )
        yield CounterMetricFamily(
            "retinoscope_event_reads", f"Reads of event streams {LOCAL}.", self._feeds.reads
        )


def exposition(services: Services, requests: RequestCounter) -> bytes:
    """Return the metrics in the text format of Prometheus. Raises redis.RedisError."""
    registry = CollectorRegistry()
    for collector in (StoreMetrics(services), _ProcessMetrics(services.feeds), requests.counter):
        registry.register(collector)
    ProcessCollector(registry=registry)
    return generate_latest(registry)
