"""deploy/nginx.conf and deploy/Caddyfile, run as they are but for ports and shorter times."""

import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from jobs.settings import Settings
from retinoscope.child import Child
from retinoscope.redis_server import free_port
from tests.service.asking import refused
from tests.service.conftest import Serve, watchful
from tests.service.listening import listening
from tests.wait import wait_until

DEPLOY = Path(__file__).parents[2] / "deploy"
PREFIX = "/retinoscope"
SAMPLES = {"nginx": "nginx.conf", "caddy": "Caddyfile"}
# Times of the samples that the tests wait for.
TIMES = {
    "nginx": ["client_header_timeout 10s", "client_body_timeout 15s", "keepalive_timeout 30s"],
    "caddy": ["read_header 10s", "read_body 5m", "idle 30s"],
}
NGINX = """daemon off;
master_process off;
pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/unused;
    uwsgi_temp_path {folder}/unused;
    scgi_temp_path {folder}/unused;
    include {sample};
}}
"""
MEGABYTE = 1 << 20


def sample(kind: str, port: int, api: str, hasty: bool) -> str:
    """Return a sample that listens on a port, in front of that API."""
    text = (DEPLOY / SAMPLES[kind]).read_text()
    assert text.count(":8080 {") + text.count("listen 8080;") == 1
    assert text.count("127.0.0.1:8000") == 1
    text = text.replace("8080", f"127.0.0.1:{port}" if kind == "nginx" else str(port))
    text = text.replace("127.0.0.1:8000", api)
    for line in TIMES[kind] if hasty else []:
        assert text.count(line) == 1, line
        text = text.replace(line, f"{line.split()[0]} 1s")
    return text


def command(kind: str, file: Path) -> list[str]:
    """Return the command that runs the proxy, or skip the test."""
    binary = shutil.which(kind) or shutil.which(kind, path="/usr/sbin:/usr/bin")
    if binary is None:
        pytest.skip(f"there is no {kind} here: apt install nginx-light caddy")
    if kind == "caddy":
        return [binary, "run", "--config", str(file), "--adapter", "caddyfile"]
    whole = file.with_suffix(".whole")
    whole.write_text(NGINX.format(folder=file.parent, sample=file))
    return [binary, "-c", str(whole), "-p", str(file.parent), "-e", f"{file.parent}/errors.log"]


@pytest.fixture(params=["nginx", "caddy"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hasty(request: pytest.FixtureRequest) -> bool:
    """Return whether the times are shorter than those of the sample."""
    return bool(getattr(request, "param", False))


@pytest.fixture
def behind(
    kind: str, hasty: bool, serve: Serve, settings: Settings, tmp_path: Path
) -> Iterator[httpx.Client]:
    """Return a client that reaches an API through the proxy."""
    port, folder = free_port(), tmp_path / "proxy"
    folder.mkdir()
    file = folder / SAMPLES[kind]
    line = command(kind, file)
    direct = serve(settings)
    file.write_text(sample(kind, port, direct.base_url.netloc.decode(), hasty))
    home = {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    proxy = Child(kind, line, home, folder / "log", patience_s=5)
    proxy.start()
    with watchful(f"http://127.0.0.1:{port}") as client:
        wait_until(lambda: not proxy.alive or answers(client))
        assert proxy.alive, proxy.log_tail()
        yield client
    proxy.stop()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get(f"{PREFIX}/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_every_link_leads_through_the_proxy(behind: httpx.Client, small: bytes) -> None:
    forged = {"X-Forwarded-Prefix": "/evil", "X-Forwarded-For": "203.0.113.9"}
    answer = behind.post(f"{PREFIX}/v1/jobs/predict", files={"image": small}, headers=forged)
    assert answer.status_code == 202, answer.text
    job = behind.get(answer.headers["location"]).json()
    assert job["urls"] == answer.json()["urls"]
    assert behind.post(job["urls"]["cancel"]).json()["status"] == "canceled"
    stored = behind.post(f"{PREFIX}/v1/images", files={"image": small})
    assert behind.get(stored.json()["urls"]["content"]).content == small
    docs = behind.get(f"{PREFIX}/docs")
    linked = re.findall(r'(?:src|href)="([^"]+)"|url: \'([^\']+)\'', docs.text)
    assert len(linked) >= 4
    for path in ("".join(pair) for pair in linked):
        assert behind.get(path).status_code == 200, path
    described = behind.get(f"{PREFIX}/openapi.json").json()
    assert described["servers"] == [{"url": PREFIX}]
    assert f"{behind.base_url}{PREFIX}/v1/jobs/saliency" in described["info"]["description"]


def test_events_are_not_held_back(behind: httpx.Client, small: bytes) -> None:
    """The first event arrives while the job is queued, hence before the stream has an end."""
    job = behind.post(f"{PREFIX}/v1/jobs/predict", files={"image": small}).json()
    with listening(behind, job) as events:
        assert next(events).data["status"] == "queued"
        behind.post(job["urls"]["cancel"])
        assert [event.data["status"] for event in events] == ["canceled"]


def test_uploads_may_be_larger_than_images(behind: httpx.Client) -> None:
    large = {"image": bytes(34 * MEGABYTE)}
    answer = behind.post(f"{PREFIX}/v1/image-sets", files=large)
    refused(answer, 422, "file_too_large", "33,554,432")
    assert behind.post(f"{PREFIX}/v1/images", files=large).status_code == 413
    little_more = {"image": bytes(32 * MEGABYTE)}
    answer = behind.post(f"{PREFIX}/v1/images", files=little_more)
    refused(answer, 413, "body_too_large", "33,554,432")


UNFINISHED = {
    "nothing": b"",
    "half of the headers": b"POST /retinoscope/v1/jobs/predict HTTP/1.1\r\nHost: localhost\r\nX",
    "half of a body": b"POST /retinoscope/v1/jobs/predict HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
    "one request": b"GET /retinoscope/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


@pytest.mark.parametrize("hasty", [True], indirect=True)
@pytest.mark.parametrize("sent", UNFINISHED.values(), ids=UNFINISHED.keys())
def test_whoever_is_slow_is_disconnected(behind: httpx.Client, sent: bytes) -> None:
    """Without the times of the sample, the connection would stay for minutes or for ever."""
    with socket.create_connection(("127.0.0.1", behind.base_url.port or 0), 30) as connection:
        connection.sendall(sent)
        with suppress(ConnectionResetError):
            while connection.recv(65536):
                pass
    assert behind.get(f"{PREFIX}/v1/jobs").json()["items"] == []
