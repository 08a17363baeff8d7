"""Traces by OpenTelemetry: a request, and every attempt at the job that it created, are one trace.

Spans are made where the extra `otel` is installed and OpenTelemetry's own variables name a
collector (OTEL_EXPORTER_OTLP_ENDPOINT). FastAPI makes those of requests, once a provider is set. A
trace reaches a worker by the record of the job, not by its message: messages are tickets, which are
published again and may start another job. Without the extra every function here does nothing.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jobs.model import Job

try:
    from opentelemetry import trace
    from opentelemetry.trace import SpanKind, StatusCode
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    _AVAILABLE = False
else:
    _AVAILABLE = True

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_HEADER = "traceparent"
_FLUSH_MS = 2000
_NOT_INSTALLED = (
    "OTEL_EXPORTER_OTLP_ENDPOINT names a collector of traces, and the extra `otel` is not "
    "installed. Install `retinoscope[otel]`, or unset the variable."
)


def wants_tracing() -> bool:
    """Return whether the environment names a collector.

    Raises ImportError, with a sentence, if it does and the extra `otel` is not installed.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        return False
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter
        import opentelemetry.sdk.trace  # noqa: F401
    except ImportError as error:
        raise ImportError(_NOT_INSTALLED) from error
    return True


def configure_tracing(process: str) -> None:
    """Send the spans of this process to the collector that the environment names, if any.

    `process` is the name of the service behind `retinoscope-`, unless the environment has one.
    Threads are started, so call it after a fork. Raises ImportError as `wants_tracing` does.
    """
    if not wants_tracing():
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME") or f"retinoscope-{process}"
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def flush_tracing() -> None:
    """Send what is not sent yet. A worker's child ends without its exit handlers."""
    if _AVAILABLE and hasattr(provider := trace.get_tracer_provider(), "force_flush"):
        provider.force_flush(_FLUSH_MS)


def traceparent() -> str:
    """Return what a record must hold so that a worker continues the present trace, or ''."""
    carrier: dict[str, str] = {}
    if _AVAILABLE:
        TraceContextTextMapPropagator().inject(carrier)
    return carrier.get(_HEADER, "")


def trace_fields() -> dict[str, str]:
    """Return the field by which the lines of a log name the present trace, if there is one."""
    if not _AVAILABLE:
        return {}
    context = trace.get_current_span().get_span_context()
    return {"trace_id": trace.format_trace_id(context.trace_id)} if context.is_valid else {}


@contextmanager
def attempt_span(job: Job, **attributes: Any) -> Iterator[None]:
    """Record what happens inside as an attempt at the job, in the trace that created the job.

    The names of `attributes` are those behind `retinoscope.`. Neither the owner nor any parameter
    is among them.
    """
    if not _AVAILABLE:
        yield
        return
    about = {"job.id": job.id, "technique": job.technique, "model": job.model} | attributes
    with trace.get_tracer("retinoscope").start_as_current_span(
        f"process {job.queue}",
        TraceContextTextMapPropagator().extract({_HEADER: job.traceparent or ""}),
        SpanKind.CONSUMER,
        {f"retinoscope.{name}": value for name, value in about.items()},
    ):
        yield


def fail_span(code: str) -> None:
    """Mark the present span as failed with the code of an error."""
    if _AVAILABLE:
        span = trace.get_current_span()
        span.set_status(StatusCode.ERROR, code)
        span.set_attribute("error.type", code)
