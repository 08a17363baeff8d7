"""Behind a proxy: every address begins with the path prefix, and only a trusted proxy sets it."""

import re
import subprocess
import sys

import httpx
import pytest
from redis import Redis

from jobs.root_path import checked_root_path
from jobs.settings import Settings
from retinoscope.child import Child
from retinoscope.redis_server import free_port
from tests.service.asking import queue, refused, store_image
from tests.service.conftest import Serve, watchful
from tests.service.listening import listening
from tests.wait import wait_until

PREFIX = "/x/retinoscope"
FORWARDED = {"X-Forwarded-Prefix": PREFIX}


@pytest.fixture
def behind(serve: Serve, settings: Settings) -> httpx.Client:
    """Return a client of an API whose settings name the prefix."""
    return serve(settings.model_copy(update={"root_path": PREFIX}))


def addresses(value: object) -> list[str]:
    """Return every text below a JSON value that is an address of the API."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in addresses(item)]
    return [value] if isinstance(value, str) and re.match(r"/[\w/]*v1/", value) else []


def test_every_address_has_the_prefix_and_answers(behind: httpx.Client, small: bytes) -> None:
    stored = store_image(behind, small)
    image_set = behind.post("/v1/image-sets", files={"image": small}).json()
    job = queue(behind, "predict", small)
    lists = [behind.get(path).json() for path in ("/v1/jobs", "/v1/models", "/v1/image-sets")]
    found = addresses([stored, image_set, job, lists])
    assert len(found) > 20
    for path in found:
        assert path.startswith(f"{PREFIX}/v1/"), path
        if not path.endswith(("/cancel", "/events", "/predict", "/layers")):
            assert behind.get(path).status_code == 200, path


@pytest.mark.parametrize("sent", ["", PREFIX])
def test_a_proxy_may_remove_the_prefix_or_leave_it(
    behind: httpx.Client, small: bytes, sent: str
) -> None:
    answer = behind.post(f"{sent}/v1/jobs/predict", files={"image": small})
    assert answer.headers["location"] == answer.json()["urls"]["self"]
    assert answer.headers["location"].startswith(f"{PREFIX}/v1/jobs/")
    assert behind.post(f"{sent}/v1/jobs/predict/").status_code in (307, 404)
    allowed = behind.put(f"{sent}/v1/jobs/{answer.json()['id']}").headers["allow"]
    assert allowed == "GET, HEAD, DELETE"


def test_pages_and_openapi_have_the_prefix(behind: httpx.Client) -> None:
    page = behind.get(f"{PREFIX}/docs").text
    linked = re.findall(r'(?:src|href)="([^"]+)"', page) + re.findall(r"url: '([^']+)'", page)
    assert len(linked) >= 4
    for path in linked:
        assert path.startswith(f"{PREFIX}/")
        assert behind.get(path).status_code == 200, path
    assert behind.get("/openapi.json").json()["servers"] == [{"url": PREFIX}]


def test_examples_name_the_address_at_which_the_client_asks(behind: httpx.Client) -> None:
    base = f"{str(behind.base_url).rstrip('/')}{PREFIX}/v1/jobs"
    described = behind.get("/openapi.json").json()["info"]["description"]
    assert f"{base}/saliency" in described
    assert f"{base}/saliency" in behind.get("/v1/techniques/saliency").json()["example"]
    headers = {"Host": "localhost", "X-Forwarded-Proto": "https"}
    described = behind.get("/openapi.json", headers=headers).json()["info"]["description"]
    assert f"https://localhost{PREFIX}/v1/jobs/saliency" in described


def test_a_trusted_proxy_may_name_the_prefix(own: httpx.Client, small: bytes) -> None:
    for prefix, root in ((PREFIX, PREFIX), (f"{PREFIX}/", PREFIX), ("/", ""), ("", "")):
        answer = own.post(
            "/v1/jobs/predict", files={"image": small}, headers={"X-Forwarded-Prefix": prefix}
        )
        assert answer.headers["location"].startswith(f"{root}/v1/jobs/")


def test_nobody_else_may(serve: Serve, settings: Settings, small: bytes) -> None:
    """This machine is not among the trusted proxies."""
    own = serve(
        Settings.model_validate(settings.model_dump() | {"trusted_proxies": ["192.0.2.0/24"]})
    )
    sent = FORWARDED | {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    answer = own.post("/v1/jobs/predict", files={"image": small}, headers=sent)
    assert answer.status_code == 202, "X-Forwarded-For was believed"
    assert answer.headers["location"].startswith("/v1/jobs/")
    assert "https://" not in own.get("/openapi.json", headers=sent).json()["info"]["description"]


@pytest.mark.parametrize(
    "prefix",
    [
        "//evil.example",
        "https://evil.example",
        "x",
        "/a/../b",
        "/a b",
        "/v1",
        "/v2",
        "/docs/a",
        "/play",
        "/a, /b",
    ],
)
def test_a_prefix_that_is_none_is_refused(own: httpx.Client, prefix: str) -> None:
    answer = own.get("/v1/jobs", headers={"X-Forwarded-Prefix": prefix})
    refused(answer, 400, "invalid_request", "X-Forwarded-Prefix")
    with pytest.raises(ValueError):
        checked_root_path(prefix)


def test_the_preview_in_an_event_has_the_prefix(
    behind: httpx.Client, redis: Redis, small: bytes
) -> None:
    job = queue(behind, "predict", small)
    redis.xadd(f"retinoscope:job:{job['id']}:events", {"type": "preview", "data": '{"step": 4}'})
    with listening(behind, job, "0") as events:
        preview = next(event for event in events if event.kind == "preview")
    assert preview.data["url"] == f"{job['urls']['self']}/preview"


def test_uploads_below_a_prefix_have_the_limit_of_uploads(
    serve: Serve, settings: Settings, small: bytes
) -> None:
    limits = {"root_path": PREFIX, "max_body_bytes": len(small) // 2}
    own = serve(settings.model_copy(update=limits))
    files = {"zip": ("photos.zip", b"\0" * len(small))}
    answer = own.post(f"{PREFIX}/v1/image-sets", files=files)
    assert answer.json()["code"] != "body_too_large"
    refused(own.post(f"{PREFIX}/v1/images", files=files), 413, "body_too_large")


def test_the_command_line_refuses_a_prefix_that_is_none() -> None:
    command = [sys.executable, "-P", "-m", "retinoscope", "api", "--root-path", "/v1/eye"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("retinoscope: --root-path: a path prefix cannot begin with /v1")


def test_the_command_line_passes_the_prefix_on(settings: Settings, small: bytes) -> None:
    """`retinoscope api` is another program that becomes the API."""
    port = free_port()
    command = [sys.executable, "-P", "-m", "retinoscope", "api", "--port", str(port)]
    environment = {
        "RETINOSCOPE_REDIS_URL": settings.redis_url,
        "RETINOSCOPE_DATA": str(settings.data),
    }
    log = settings.data / "api.log"
    api = Child("api", [*command, "--root-path", f"{PREFIX}/"], environment, log, patience_s=10)
    api.start()
    with watchful(f"http://127.0.0.1:{port}") as client:
        wait_until(lambda: not api.alive or answers(client), 90)
        assert api.alive, api.log_tail()
        assert store_image(client, small)["urls"]["self"].startswith(f"{PREFIX}/v1/images/")
        # The same headers that the tests above send to an application in this process.
        answer = client.get("/v1/usage", headers={"X-Forwarded-For": "203.0.113.9"})
        refused(answer, 403, "keys_required")
    api.stop()


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").is_success
    except httpx.TransportError:
        return False
