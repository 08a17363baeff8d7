"""docs/operations.md, followed word for word: many machines, backup and restore, an outage.

The tests run in this order, on one cluster.
"""

import json
import re
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from obstore.exceptions import BaseError as ObjectStoreError

from jobs.artifacts import ArtifactStore
from jobs.errors import NotFound
from tests.machines.conftest import TITLE, Cluster, start_redis
from tests.machines.guide import ROOT, blocks
from tests.service.asking import refused, run
from tests.wait import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BACKUP = "Backup and restore"


@pytest.fixture(scope="module")
def job(cluster: Cluster, coffee: bytes) -> dict[str, Any]:
    """A job that the first API process took in."""
    with cluster.client(0) as client:
        return run(client, "saliency", coffee, samples=2)


def files(cluster: Cluster, job: dict[str, Any]) -> dict[str, str]:
    """Return the digest of each file of a job, as the second API process sends them."""
    with cluster.client(1) as client:
        said = client.get(job["urls"]["self"]).json()
        return {
            each["name"]: f"sha256:{sha256(client.get(each['url']).content).hexdigest()}"
            for each in said["result"]["artifacts"]
        }


def expected(job: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["sha256"] for each in job["result"]["artifacts"]}


def final(job: dict[str, Any]) -> dict[str, Any] | None:
    return job if job["finished_at"] else None


def test_the_calls_of_the_page_show_a_job(cluster: Cluster) -> None:
    *_, check = blocks(TITLE)
    state, job = map(
        json.loads, cluster.machine.run(check.replace("\ncurl", "\necho\ncurl")).splitlines()
    )
    assert state == {
        "status": "ready",
        "redis": "ok",
        "artifacts": "ok",
        "workers": 2,
        "warnings": [],
    }
    assert job["technique"] == "predict"
    # On a busy machine the first job of a worker takes longer than the call waits.
    with cluster.client(1) as client:
        ended = wait_until(lambda: final(client.get(job["urls"]["self"]).json()), 300)
    assert ended["status"] == "succeeded", ended


def test_each_process_serves_the_jobs_of_all(cluster: Cluster, job: dict[str, Any]) -> None:
    assert files(cluster, job) == expected(job)
    assert len(expected(job)) >= 2


def test_the_files_lie_in_the_bucket_alone(cluster: Cluster, job: dict[str, Any]) -> None:
    assert not list((cluster.machine.folder / "lib").rglob("*.png"))
    load = "set -a; . /etc/retinoscope/environment; set +a\n"
    listed = cluster.machine.run(f'{load}aws s3 ls --recursive "$RETINOSCOPE_ARTIFACTS_URL"')
    for name in expected(job):
        assert re.search(rf" retinoscope/jobs/{job['id']}/[^/]+/{re.escape(name)}$", listed, re.M)


def test_the_sender_of_webhooks_tries(cluster: Cluster, coffee: bytes) -> None:
    """Nobody answers at that name."""
    with cluster.client(1) as client:
        job = run(client, "predict", coffee, webhook="https://hooks.example.invalid/")
        sent = f"{job['urls']['self']}/deliveries"
        tried = wait_until(
            lambda: [one for one in client.get(sent).json()["items"] if one["attempts"]], 60
        )
    assert [(one["state"], one["status_code"]) for one in tried] == [("waiting", None)]
    assert cluster.units.running["retinoscope-deliver"].alive


def test_nobody_is_let_in_without_the_key(cluster: Cluster) -> None:
    with cluster.client(1) as client:
        client.headers.pop("x-api-key")
        refused(client.get("/v1/jobs"), 401, "unauthorized")


def test_backup_and_restore(cluster: Cluster, job: dict[str, Any], coffee: bytes) -> None:
    machine, folder = cluster.machine, cluster.machine.folder
    backup, restore, append = blocks(BACKUP)
    machine.run(backup)
    cluster.units.stop_all()
    cluster.redis.stop()
    for file in (folder / "redis").glob("*aof*"):
        file.unlink()
    load = "set -a; . /etc/retinoscope/environment; set +a\n"
    machine.run(f'{load}aws s3 rm --quiet --recursive "$RETINOSCOPE_ARTIFACTS_URL"')
    machine.run(restore)
    (folder / "backups" / "dump.rdb").rename(folder / "redis" / "dump.rdb")
    once = start_redis(machine, "--appendonly", "no")
    assert machine.run(f"{load}{append}") == "OK\n"
    wait_until(lambda: "aof_rewrite_in_progress:0" in persistence(cluster))
    once.stop()
    cluster.redis = start_redis(machine)
    cluster.units.start_all()
    wait_until(cluster.ready, 300)
    assert files(cluster, job) == expected(job)
    with cluster.client(0) as client:
        assert client.get(job["urls"]["self"]).json() == job
        run(client, "predict", coffee)


def persistence(cluster: Cluster) -> str:
    load = "set -a; . /etc/retinoscope/environment; set +a\n"
    return cluster.machine.run(f'{load}redis-cli -u "$RETINOSCOPE_REDIS_URL" info persistence')


def test_a_missing_bucket_is_no_missing_file(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that takes the bucket for empty would say of each image that it never existed."""
    for line in (cluster.machine.folder / "etc" / "environment").read_text().splitlines():
        monkeypatch.setenv(*line.split("=", 1))
    there, nowhere = ArtifactStore("s3://pictures/a"), ArtifactStore("s3://nowhere/a")
    there.put("one", b"1")
    assert (there.get("one"), there.has("two"), there.keys("")) == (b"1", False, ["one"])
    for absent in (lambda: there.get("two"), lambda: there.copy("two", "three")):
        with pytest.raises(NotFound):
            absent()
    for lost in (nowhere.check, lambda: nowhere.put("one", b"1"), lambda: nowhere.get("one")):
        with pytest.raises(ObjectStoreError):
            lost()


def test_the_store_that_failed_is_named(cluster: Cluster, coffee: bytes) -> None:
    with cluster.client(0) as client:
        cluster.bucket.stop()
        answer = client.post("/v1/images", files={"image": coffee})
        refused(answer, 503, "artifact_store_unavailable", "Redis does")
        state = client.get("/readyz").json()
        assert (state["redis"], state["artifacts"][:11]) == ("ok", "unreachable")
        cluster.redis.stop()
        refused(client.get("/v1/jobs"), 503, "store_unavailable", "Redis")
        assert client.get("/readyz").json()["redis"].startswith("unreachable")


def test_systemd_accepts_the_units(cluster: Cluster) -> None:
    folder = cluster.machine.folder / "verified"
    folder.mkdir()
    for unit in sorted((ROOT / "deploy" / "systemd").glob("*.service")):
        text = cluster.machine.translated(unit.read_text()).replace("User=retinoscope", "User=root")
        (folder / unit.name.replace("@", "@1")).write_text(text)
    verify(sorted(folder.iterdir()))


def verify(units: list[Path]) -> None:
    try:
        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *map(str, units)],
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("there is no systemd-analyze here")
    assert (done.returncode, done.stderr) == (0, "")
