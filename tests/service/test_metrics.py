"""Metrics: what a scrape tells of the whole service, of this process, and never of an owner."""

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from redis import Redis

from jobs.deliveries import DeliveryState, DeliveryStore
from jobs.job_request import JobRequest
from jobs.model import JobError
from jobs.registries import WorkerRegistry
from jobs.store import JobStore
from jobs.version import VERSION
from jobs.worker_reports import GpuFigures, WorkerReports
from service.metrics import LOCAL
from service.store_metrics import GLOBAL
from tests.jobs.test_deliveries import hooked
from tests.jobs.test_statistics import slow_job
from tests.jobs.test_transitions import claimed, new_job


def samples(client: httpx.Client, name: str) -> list[Sample]:
    """Return the samples of that name."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return [sample for family in families for sample in family.samples if sample.name == name]


def value(client: httpx.Client, name: str, /, **labels: str) -> float:
    """Return the only sample of that name with these labels."""
    (found,) = [
        sample.value
        for sample in samples(client, f"retinoscope_{name}")
        if labels.items() <= sample.labels.items()
    ]
    return found


@pytest.fixture
def busy(store: JobStore, redis: Redis) -> None:
    """Jobs that wait, run, succeeded and failed, and a worker with a model and a GPU."""
    for _ in range(2):
        slow_job(store)
    claimed(store, new_job(store))
    claimed(store, new_job(store)).succeed({}, [], {})
    error = JobError(code="zero_map", title="", detail="")
    claimed(store, new_job(store)).fail(error)
    webhooks(store)
    WorkerRegistry(redis).announce("host:1")
    reports = WorkerReports(redis)
    reports.report_models("host:1", {"vit": 340})
    reports.report_gpus("host:1", [GpuFigures(0, "A GPU", 0.5, 30, 40)])


def webhooks(store: JobStore) -> None:
    """One that has arrived at the first attempt, and one that waits since."""
    for _ in range(2):
        store.cancel(hooked(store).id, "ada")
    deliveries = DeliveryStore(store.redis)
    arrived, _ = deliveries.claim(60_000, {})
    deliveries.record(arrived, DeliveryState.DELIVERED, 204)


def test_webhooks_are_counted(own: httpx.Client, busy: None) -> None:
    assert value(own, "webhooks_waiting") == 1
    assert 0 < value(own, "webhooks_oldest_seconds") < 60
    assert value(own, "webhooks_overdue_seconds") == 0
    assert value(own, "webhooks_total", state="delivered") == 1
    assert value(own, "webhook_attempts_total", answer="2xx") == 1


def test_numbers_of_queues_jobs_and_workers(own: httpx.Client, busy: None) -> None:
    assert value(own, "jobs_waiting", queue="slow") == 2
    assert value(own, "jobs_waiting", queue="fast") == 0
    assert 0 <= value(own, "jobs_oldest_seconds", queue="slow") < 60
    assert value(own, "jobs_running", queue="fast") == 1
    assert value(own, "job_errors_total", code="zero_map", technique="saliency") == 1
    assert value(own, "jobs_finished_total", status="succeeded", technique="saliency") == 1
    assert value(own, "workers") == 1
    assert value(own, "worker_model_bytes", worker="host:1", model="vit") == 340
    gpu = {"worker": "host:1", "gpu": "0", "name": "A GPU"}
    assert value(own, "gpu_utilization_ratio", **gpu) == 0.5
    assert value(own, "gpu_memory_bytes", **gpu) == 30
    assert value(own, "gpu_memory_limit_bytes", **gpu) == 40
    assert value(own, "redis_memory_bytes") > 100_000
    assert value(own, "build_info", version=VERSION) == 1


def test_times_are_histograms(own: httpx.Client, busy: None) -> None:
    job = {"technique": "saliency", "queue": "fast"}
    for name, jobs in (("job_wait_seconds", 3), ("job_run_seconds", 2)):
        assert value(own, f"{name}_count", **job) == jobs
        buckets = [s.value for s in samples(own, f"retinoscope_{name}_bucket")]
        assert buckets == sorted(buckets) and buckets[-1] == jobs
        bounds = [s.labels["le"] for s in samples(own, f"retinoscope_{name}_bucket")]
        assert (bounds[0], bounds[-2:]) == ("0.05", ["1800.0", "+Inf"])


def test_requests_of_this_process_are_counted(own: httpx.Client) -> None:
    for _ in range(2):
        own.get("/v1/jobs/" + "0" * 32)
    own.request("PURGE", "/v1/jobs")
    counted = samples(own, "retinoscope_http_requests_total")
    by_path = {
        (s.labels["method"], s.labels["path"], s.labels["status"], s.labels["code"]): s.value
        for s in counted
    }
    assert by_path["GET", "/v1/jobs/{job_id}", "404", "job_not_found"] == 2
    assert by_path["other", "/v1/jobs", "405", "method_not_allowed"] == 1


def test_every_number_says_whose_it_is(own: httpx.Client, busy: None) -> None:
    for family in text_string_to_metric_families(own.get("/metrics").text):
        if not family.name.startswith("process_"):
            assert (GLOBAL in family.documentation) != (LOCAL in family.documentation), family.name


def test_no_number_is_of_an_owner(own: httpx.Client, store: JobStore, busy: None) -> None:
    request = JobRequest(owner="ada-lovelace", technique="rise", model="m", queue="slow", params={})
    claimed(store, store.create(request)).succeed({}, [], {})
    text = own.get("/metrics").text
    assert 'technique="rise"' in text and "ada" not in text


def test_without_gpus_and_workers_their_numbers_are_absent(own: httpx.Client) -> None:
    assert samples(own, "retinoscope_gpu_memory_bytes") == []
    assert samples(own, "retinoscope_worker_model_bytes") == []
