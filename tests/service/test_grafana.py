"""The dashboard asks for metrics and labels that there are, and Prometheus answers its queries."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from jobs import redis_keys
from retinoscope.child import Child
from retinoscope.redis_server import free_port
from tests.service.test_metrics import busy
from tests.wait import wait_until

__all__ = ["busy"]

DASHBOARD = json.loads((Path(__file__).parents[2] / "deploy" / "grafana.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
SUFFIXES = ("", "_total", "_bucket", "_sum", "_count", "_info")


def named(query: str) -> set[str]:
    """Return the metrics of a query."""
    return set(re.findall(r"\b(?:retinoscope|process)_\w+", query))


def labels_of(query: str, legend: str) -> set[str]:
    """Return the labels that a query groups or filters by, and that its legend shows."""
    grouped = {name for by in re.findall(r"by \(([^)]*)\)", query) for name in by.split(", ")}
    return grouped | set(re.findall(r"\{(\w+)!?=", query)) | set(re.findall(r"{{(\w+)}}", legend))


@pytest.fixture
def api(own: httpx.Client, busy: None, redis: Redis) -> httpx.Client:
    """Return a client of a busy service that has samples of every metric."""
    redis.hincrby(redis_keys.COUNTERS, "cached:saliency", 1)
    redis.hincrby(redis_keys.STATISTICS, "recovered:saliency", 1)
    assert own.get("/nowhere").status_code == 404
    return own


@pytest.fixture
def families(api: httpx.Client) -> dict[str, set[str]]:
    """Return the labels of each metric."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(api.get("/metrics").text):
        found |= {family.name + suffix: set() for suffix in SUFFIXES}
        for sample in family.samples:
            found[sample.name] |= sample.labels.keys()
    return found


def test_every_metric_of_the_dashboard_exists_with_its_labels(
    families: dict[str, set[str]],
) -> None:
    for panel in PANELS:
        for target in panel["targets"]:
            metrics = named(target["expr"])
            assert metrics and metrics <= families.keys(), target["expr"]
            known = set[str]().union(*(families[name] for name in metrics)) | {"instance"}
            assert labels_of(target["expr"], target["legendFormat"]) <= known, target["expr"]


def test_what_all_processes_tell_is_never_added_up_over_them(own: httpx.Client) -> None:
    families = text_string_to_metric_families(own.get("/metrics").text)
    everywhere = {family.name for family in families if "(whole service)" in family.documentation}
    for query in QUERIES:
        for name in named(query):
            if any(name.removesuffix(suffix) in everywhere for suffix in SUFFIXES):
                inner = rf"max(?: by \([^)]*\))? \(?(?:(?:rate|increase)\()?{name}\b|max\({name}\b"
                assert re.search(inner, query), query


def test_panels_have_places_of_their_own() -> None:
    taken = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(taken) == len(set(taken)) and max(x for x, _ in taken) < 24
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def prometheus(api: httpx.Client, tmp_path: Path) -> Iterator[httpx.Client]:
    """Return a client of a Prometheus that reads the metrics every second."""
    port, target = free_port(), api.base_url.netloc.decode()
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "scrape_configs: [{job_name: retinoscope, scrape_interval: 1s, "
        f"static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    command = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    child = Child("prometheus", command, {}, tmp_path / "prometheus.log", patience_s=5)
    child.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        wait_until(lambda: is_ready(client))
        yield client
    child.stop()


@pytest.mark.skipif(not shutil.which("prometheus"), reason="there is no Prometheus")
def test_prometheus_answers_every_query(prometheus: httpx.Client) -> None:
    def result(query: str) -> list[dict]:
        answer = prometheus.get("/api/v1/query", params={"query": query})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]["result"]

    wait_until(lambda: result("count_over_time(retinoscope_workers[1m]) > 2"))
    for query in QUERIES:
        found = result(query.replace("$__rate_interval", "1m"))
        # This Redis has no limit.
        assert found or "redis_memory_limit" in query, query
