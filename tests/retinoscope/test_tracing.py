"""A request and the attempt at its job are one trace, as a collector receives it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from jobs.settings import Settings
from jobs.store import JobStore
from retinoscope.child import Child
from retinoscope.commands import api_command
from retinoscope.redis_server import free_port
from tests.jobs.test_transitions import new_job
from tests.service.pictures import encoded, photo
from tests.wait import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
WORKER = """
import sys
from jobs.connection import connect
from jobs.settings import settings
from jobs.store import JobStore
from jobs.tracing import attempt_span, configure_tracing, fail_span, flush_tracing, trace_fields
configure_tracing("worker")
job = JobStore(connect(settings().redis_url), settings()).get(sys.argv[1])
with attempt_span(job, attempt=1, worker="host:1"):
    print(trace_fields().get("trace_id"))
    fail_span("zero_map")
flush_tracing()
"""


class Collector(HTTPServer):
    """Keeps the spans that are sent to it, by name of the service."""

    def __init__(self) -> None:
        self.spans: dict[str, list[Span]] = {}
        super().__init__(("127.0.0.1", 0), _Handler)

    def receive(self, body: bytes) -> None:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            names = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans.setdefault(names["service.name"], []).extend(scope.spans)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v1/traces":
            self.server.receive(body)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def environment(collector: Collector, settings: Settings) -> dict[str, str]:
    return {
        "RETINOSCOPE_REDIS_URL": settings.redis_url,
        "RETINOSCOPE_DATA": str(settings.data),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}",
        "OTEL_EXPORTER_OTLP_COMPRESSION": "none",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "RETINOSCOPE_LOG_FORMAT": "text",
        "PYTHONPATH": ":".join(sys.path),
    }


def test_a_request_and_an_attempt_are_one_trace(
    collector: Collector,
    environment: dict[str, str],
    store: JobStore,
    tmp_path: Path,
    coffee: bytes,
) -> None:
    port = free_port()
    command = api_command("127.0.0.1", port)
    api = Child("api", command, environment, tmp_path / "api.log", patience_s=10)
    api.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        wait_until(lambda: is_alive(client), 60)
        job = client.post(
            "/v1/jobs/predict",
            files={"image": encoded(photo(coffee))},
            headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"},
            timeout=60,
        ).json()
    wait_until(
        lambda: [s for s in collector.spans.get("retinoscope-api", []) if s.trace_id.hex() == TRACE]
    )
    api.stop()
    spans = [s for s in collector.spans["retinoscope-api"] if s.trace_id.hex() == TRACE]
    (request,) = [span for span in spans if span.kind == Span.SPAN_KIND_SERVER]
    assert request.name == "POST /v1/jobs/predict"
    version, trace, parent, flags = str(store.get(job["id"]).traceparent).split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert parent in {span.span_id.hex() for span in spans}
    assert f"trace_id={TRACE}" in (tmp_path / "api.log").read_text()
    told = run_worker(job["id"], environment)
    assert told.stdout.strip() == TRACE
    (attempt,) = collector.spans["retinoscope-worker"]
    assert (attempt.trace_id.hex(), attempt.parent_span_id.hex()) == (TRACE, parent)
    assert (attempt.name, attempt.kind) == ("process fast", Span.SPAN_KIND_CONSUMER)
    assert (attempt.status.code, attempt.status.message) == (Status.STATUS_CODE_ERROR, "zero_map")
    named = {each.key: each.value.string_value for each in attempt.attributes}
    assert named["retinoscope.job.id"] == job["id"] and named["retinoscope.worker"] == "host:1"
    assert not any("owner" in name for name in named)


@pytest.mark.parametrize("collected", [True, False])
def test_without_the_extra_nothing_is_traced_unless_a_collector_is_named(
    environment: dict[str, str], store: JobStore, tmp_path: Path, collected: bool
) -> None:
    (tmp_path / "opentelemetry.py").write_text("raise ImportError('not installed')")
    environment["PYTHONPATH"] = f"{tmp_path}:{environment['PYTHONPATH']}"
    if not collected:
        del environment["OTEL_EXPORTER_OTLP_ENDPOINT"]
    ran = run_worker(new_job(store).id, environment, check=False)
    if collected:
        assert ran.returncode == 1 and "extra `otel` is not installed" in ran.stderr
    else:
        assert (ran.returncode, ran.stdout.strip()) == (0, "None")


def run_worker(
    job_id: str, environment: dict[str, str], check: bool = True
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WORKER, job_id],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=check,
    )


def is_alive(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False
