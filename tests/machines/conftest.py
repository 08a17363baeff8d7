"""What docs/operations.md sets up: Redis, a bucket, API processes and workers."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from redis import RedisError

from jobs.connection import connect
from retinoscope.child import Child
from retinoscope.redis_server import find_redis, free_port
from tests.machines.guide import ROOT, Machine, blocks
from tests.machines.units import Units
from tests.wait import wait_until

TITLE = "Many machines"
TOOLS = ROOT / ".venv" / "machines" / "bin"
CHECKOUT = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "demo-out")
PASSWORD = "k7Qx0vN2rT9eWb4Z"


@dataclass
class Cluster:
    machine: Machine
    units: Units
    redis: Child
    bucket: Child
    ports: list[int]

    @property
    def key(self) -> str:
        return self.machine.run('printf %s "$KEY"')

    def client(self, number: int) -> httpx.Client:
        """Return a client of one of the API processes."""
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.ports[number]}",
            headers={"X-API-Key": self.key},
            timeout=120,
            trust_env=False,
        )

    def ready(self) -> bool:
        """Return whether both API processes count both workers."""
        return all(map(self._counts_both, (0, 1)))

    def _counts_both(self, number: int) -> bool:
        with self.client(number) as client:
            try:
                state = client.get("/readyz")
            except httpx.TransportError:
                return False
        return state.is_success and state.json()["workers"] == 2


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    if not (TOOLS / "moto_server").exists():
        pytest.skip("the S3 server is not installed: run `make machines`")
    folder = tmp_path_factory.mktemp("machines")
    ports = [str(free_port()) for _ in range(4)]
    folders = {
        "/opt/retinoscope": "opt",
        "/etc/retinoscope": "etc",
        "/var/lib/retinoscope": "lib",
        "/var/backups/retinoscope": "backups",
        "/etc/systemd/system": "units",
    }
    names = {name: str(folder / ours) for name, ours in folders.items()} | {
        "6379": ports[0],
        "redis.internal": "127.0.0.1",
        "0.0.0.0": "127.0.0.1",
        "https://s3.internal": f"http://127.0.0.1:{ports[1]}\nAWS_ALLOW_HTTP=true",
        "8000": ports[2],
        "8001": ports[3],
        "PASSWORD": PASSWORD,
        "BUCKET": "pictures",
        "=ACCESS_KEY": "=AKIAIOSFODNN7EXAMPLE",
        "=SECRET_KEY": "=wJalrXUtnFEMI/K7MDENG",
    }
    for name in ("etc", "units", "backups", "redis"):
        (folder / name).mkdir()
    shutil.copytree(ROOT, folder / "opt", ignore=CHECKOUT)
    machine = Machine(folder, names)
    machine.tool("aws", f'exec {TOOLS}/aws "$@"')
    machine.tool("redis-cli", f'exec {Path(find_redis()).parent}/redis-cli "$@"')
    return machine


@pytest.fixture(scope="module")
def cluster(machine: Machine, coffee: bytes) -> Iterator[Cluster]:
    """Everything that the page sets up, running."""
    redis, bucket = start_redis(machine), start_bucket(machine)
    (settings,) = blocks(TITLE, "ini")
    (machine.folder / "etc" / "environment").write_text(machine.translated(settings))
    load = "set -a; . /etc/retinoscope/environment; set +a\n"
    wait_until(lambda: bucket.alive and "Running on" in bucket.log_tail(), 60)
    machine.run(f"{load}aws s3 mb s3://BUCKET")
    (machine.folder / "photo.jpg").write_bytes(coffee)
    # A worker is too large to be installed once more: it runs in the environment of the tests.
    ours = [sys.executable, "-P", "-m", "retinoscope"]
    units = Units(machine, {"retinoscope-worker": ours, "retinoscope-worker-fast": ours})
    ports = [int(machine.translated(port)) for port in ("8000", "8001")]
    program, key, processes, _ = blocks(TITLE)
    for block in (program, key, processes):
        machine.run(block)
    cluster = Cluster(machine, units, redis, bucket, ports)
    try:
        units.obey()
        wait_until(cluster.ready, 300)
        yield cluster
    finally:
        units.stop_all()
        for child in (redis, bucket):
            child.stop()


def start_redis(machine: Machine, *arguments: str) -> Child:
    """Start Redis with the configuration of the page."""
    (text,) = blocks(TITLE, "conf")
    folder = machine.folder / "redis"
    file = folder / "redis.conf"
    file.write_text(f"{machine.translated(text)}dir {folder}\n")
    log = machine.folder / "redis.log"
    redis = Child("redis", [find_redis(), str(file), *arguments], {}, log, patience_s=10)
    redis.start()
    url = f"redis://:{PASSWORD}@{machine.translated('redis.internal:6379')}"
    wait_until(lambda: redis_answers(url))
    return redis


def redis_answers(url: str) -> bool:
    try:
        with connect(url) as redis:
            return bool(redis.ping())
    except RedisError:
        return False


def start_bucket(machine: Machine) -> Child:
    """Start an S3 server, without any bucket."""
    port = machine.translated("https://s3.internal").split("\n")[0].rpartition(":")[2]
    command = [str(TOOLS / "moto_server"), "-H", "127.0.0.1", "-p", port]
    bucket = Child("bucket", command, {}, machine.folder / "bucket.log", patience_s=5)
    bucket.start()
    return bucket
