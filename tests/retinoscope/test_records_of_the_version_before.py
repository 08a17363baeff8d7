"""Records, events and files that f98e178 wrote are read, answered and finished by this version."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from jobs.connection import connect
from retinoscope.child import Child
from retinoscope.commands import api_command, worker_command
from retinoscope.redis_server import configure, free_port
from tests.fixtures.restore import LIFE_S, restore
from tests.wait import wait_until

RECORDED = Path(__file__).parents[1] / "fixtures" / "f98e178" / "jobs"
ANSWERS: dict[str, Any] = json.loads((RECORDED / "answers.json").read_text())
# What this version says of a job beside what the version before said.
NEW_FIELDS = {"labels": {}}
ENDED = [name for name, saved in ANSWERS["jobs"].items() if "events" in saved]
OPEN = [name for name in ANSWERS["jobs"] if name not in ENDED]
DESCRIBED = [address for address in ANSWERS["others"] if address.startswith("/v1/models/")]
LAYERS = [address for address in DESCRIBED if address.endswith("/layers")]
KEPT = [address for address in ANSWERS["others"] if address not in DESCRIBED]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A Redis and a folder of artifacts with what was recorded."""
    data = tmp_path_factory.mktemp("recorded")
    command, url = configure(data)
    redis = Child("redis", command, {}, data / "redis.log", patience_s=5)
    redis.start()
    wait_until(lambda: _answers(url))
    restore(connect(url), RECORDED, data / "artifacts")
    yield {
        "RETINOSCOPE_REDIS_URL": url,
        "RETINOSCOPE_DATA": str(data),
        "RETINOSCOPE_JOB_TTL_S": str(LIFE_S),
    }
    redis.stop()


@pytest.fixture(scope="module")
def client(environment: dict[str, str]) -> Iterator[httpx.Client]:
    """An API of this version on the records."""
    port, log = free_port(), Path(environment["RETINOSCOPE_DATA"]) / "api.log"
    api = Child("api", api_command("127.0.0.1", port), environment, log, patience_s=5)
    api.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as client:
        wait_until(lambda: _is_up(client), 60)
        yield client
    api.stop()


@pytest.mark.parametrize("name", list(ANSWERS["jobs"]))
def test_a_job_is_answered_as_before(client: httpx.Client, name: str) -> None:
    saved = ANSWERS["jobs"][name]
    assert client.get(saved["job"]["urls"]["self"]).json() == saved["job"] | NEW_FIELDS


@pytest.mark.parametrize("name", ENDED)
def test_the_events_of_a_job_are_those_that_were_written(client: httpx.Client, name: str) -> None:
    saved = ANSWERS["jobs"][name]
    events = saved["job"]["urls"]["events"]
    assert client.get(events, headers={"Last-Event-ID": "0"}).text == saved["events"]
    assert client.get(events).text == saved["standing"]


@pytest.mark.parametrize("address", KEPT)
def test_what_is_kept_beside_the_jobs_is_answered_as_before(
    client: httpx.Client, address: str
) -> None:
    saved = ANSWERS["others"][address]
    if address.startswith("/v1/jobs?"):
        saved = saved | {"items": [job | NEW_FIELDS for job in saved["items"]]}
    assert client.get(address).json() == saved


@pytest.mark.parametrize("address", LAYERS)
def test_a_description_of_the_version_before_is_not_served(
    client: httpx.Client, address: str
) -> None:
    """It does not say what this version knows: a layout, and whether there is a gradient.

    What is checked against it before a job is queued would be checked against another network.
    """
    answer = client.get(address)
    assert (answer.status_code, answer.json()["code"]) == (503, "description_pending")


def test_every_file_has_the_same_bytes(client: httpx.Client) -> None:
    for address, saved in ANSWERS["files"].items():
        answer = client.get(address)
        digest = hashlib.sha256(answer.content).hexdigest()
        assert (answer.status_code, f"sha256:{digest}") == (saved["status"], saved["sha256"])
        assert answer.headers["content-type"] == saved["media_type"]


@pytest.fixture(scope="module")
def worker(environment: dict[str, str]) -> Iterator[None]:
    """A worker of this version. The tests above have none."""
    log = Path(environment["RETINOSCOPE_DATA"]) / "worker.log"
    worker = Child("worker", worker_command("w", "slow,fast"), environment, log, patience_s=20)
    worker.start()
    yield
    worker.stop()


@pytest.mark.crash
@pytest.mark.usefixtures("worker")
@pytest.mark.timeout(600)
def test_a_worker_of_this_version_ends_what_was_open(client: httpx.Client) -> None:
    """Two jobs of 800 steps, behind the check and description of a model: minutes of work."""
    wait_until(lambda: all(_job(client, name)["status"] in FINAL for name in OPEN), 480)
    ends = {name: _job(client, name)["status"] for name in OPEN}
    assert ends.pop("running-cancel-requested") == "canceled"
    assert set(ends.values()) == {"succeeded"}
    assert _job(client, "running")["attempts"] == 2


@pytest.mark.crash
@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("address", DESCRIBED)
def test_what_a_worker_of_this_version_says_of_a_model_is_as_before_or_more(
    client: httpx.Client, address: str
) -> None:
    """Every layer has its name, shape and receptive field; fields and layers may be added.

    The digest of the weights is null until the worker has loaded them.
    """
    wait_until(lambda: client.get("/v1/models/efficientnet_lite0").json()["weights"], 240)
    said = client.get(address, params={"wait": 60} if address in LAYERS else {}).json()
    saved = ANSWERS["others"][address]
    assert _common(said, saved) == saved


FINAL = ("succeeded", "failed", "canceled")


def _job(client: httpx.Client, name: str) -> dict[str, Any]:
    job: dict[str, Any] = client.get(ANSWERS["jobs"][name]["job"]["urls"]["self"]).json()
    return job


def _common(said: Any, saved: Any) -> Any:
    """Return what is said under the names of `saved`; layers are named by their path."""
    if isinstance(saved, dict) and isinstance(said, dict):
        return {name: _common(said.get(name), value) for name, value in saved.items()}
    if isinstance(saved, list) and saved and isinstance(saved[0], dict):
        by_path = {item["path"]: item for item in said}
        return [_common(by_path.get(item["path"]), item) for item in saved]
    return said


def _answers(url: str) -> bool:
    try:
        return bool(connect(url).ping())
    except Exception:
        return False


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.HTTPError:
        return False
