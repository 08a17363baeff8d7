"""Health checks, metrics, and the pages for people."""

import re

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from jobs.api_keys import KeyRing
from jobs.settings import Settings
from tests.service.asking import run
from tests.service.conftest import Serve


def metrics(client: httpx.Client) -> dict[tuple[str, ...], float]:
    """Return the value by (name, label values …)."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    families = text_string_to_metric_families(answer.text)
    return {
        (s.name, *sorted(s.labels.values())): s.value for family in families for s in family.samples
    }


def test_it_lives(client: httpx.Client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_it_is_ready(client: httpx.Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ready",
        "redis": "ok",
        "artifacts": "ok",
        "workers": 1,
        "warnings": [],
    }


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"])
@pytest.mark.parametrize("keyed", [False, True])
def test_health_checks_answer_anybody(
    serve: Serve, settings: Settings, path: str, keyed: bool
) -> None:
    """A cluster asks from the address of a node, with that of the pod as Host, and has no key."""
    if keyed:
        KeyRing(settings.keys_location).create("me")
    own = serve(settings)
    stranger = {"X-Forwarded-For": "203.0.113.9", "Host": "10.1.2.3:8000"}
    assert own.get(path, headers=stranger).status_code == 200
    assert own.head(path, headers=stranger).status_code == 200
    refused = own.get("/v1/jobs", headers=stranger)
    assert refused.json()["code"] == ("unauthorized" if keyed else "keys_required")
    if not keyed:
        assert own.get("/metrics", headers=stranger).status_code == 403
        assert own.post(path, headers=stranger).status_code == 403


def test_without_workers_jobs_are_still_accepted(own: httpx.Client) -> None:
    answer = own.get("/readyz")
    assert (answer.status_code, answer.json()["workers"]) == (200, 0)
    assert answer.json()["status"] == "ready" and "No worker" in answer.json()["warnings"][0]


def test_a_job_is_counted(client: httpx.Client, small: bytes) -> None:
    before = metrics(client)
    run(client, "predict", small)
    after = metrics(client)
    for name in (
        ("retinoscope_jobs_created_total", "predict"),
        ("retinoscope_jobs_finished_total", "predict", "succeeded"),
    ):
        assert after[name] >= before.get(name, 0) + 1
    assert after[("retinoscope_workers",)] == 1


def test_what_waits_and_what_runs(own: httpx.Client, small: bytes) -> None:
    assert metrics(own)[("retinoscope_jobs_waiting", "fast")] == 0
    own.post("/v1/jobs/predict", files={"image": small})
    assert metrics(own)[("retinoscope_jobs_waiting", "fast")] == 1
    assert metrics(own)[("retinoscope_jobs_running", "fast")] == 0


def test_docs_are_a_page(client: httpx.Client) -> None:
    answer = client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert "/openapi.json" in answer.text


def test_who_is_no_browser_learns_that_the_server_is_alive(client: httpx.Client) -> None:
    """KServe's V1 client asks this address."""
    assert client.get("/").json() == {"status": "alive"}


def test_docs_need_no_other_server(client: httpx.Client) -> None:
    """Many servers cannot reach a content delivery network."""
    page = client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for path in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert client.get(path).status_code == 200, path
