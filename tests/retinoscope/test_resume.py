"""Workers are killed during an optimization; others resume it with the same bytes."""

import hashlib
import random
import signal

import httpx
import pytest

from tests.retinoscope.serving import Serving, serving
from tests.service.listening import heard
from tests.wait import wait_until

pytestmark = pytest.mark.crash

LONG: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "activation_maximization": (
        (),
        {"target": "class:967", "size": "64", "steps": "100", "count": "2"},
    ),
    "deep_dream": (("image",), {"size": "160", "octaves": "2", "steps": "30"}),
    "fooling": (("image",), {"goal": "class:lion", "size": "160", "steps": "80"}),
    "inversion": (("image",), {"layers": "conv_stem, blocks.3", "steps": "50"}),
    "style_transfer": (("content", "style"), {"size": "96", "steps": "80"}),
}
KILLS = 3


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    settings = {"RETINOSCOPE_CHECKPOINT_EVERY_S": "0.2", "RETINOSCOPE_MAX_ATTEMPTS": str(KILLS + 1)}
    with serving(tmp_path_factory.mktemp("resume"), **settings) as stack:
        yield stack


def create(client: httpx.Client, technique: str, photo: bytes) -> str:
    images, fields = LONG[technique]
    files = dict.fromkeys(images, ("photo.png", photo, "image/png"))
    answer = client.post(
        f"/v1/jobs/{technique}", data=fields | {"seed": "5", "cache": "false"}, files=files or None
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["urls"]["self"])


def part_done(client: httpx.Client, url: str) -> float:
    progress = client.get(url).json()["progress"]
    return 0.0 if progress is None else progress["done"] / progress["total"]


def ended(client: httpx.Client, url: str) -> dict:  # type: ignore[type-arg]
    wait_until(
        lambda: client.get(url, params={"wait": 5}).json()["status"] in ("succeeded", "failed"), 200
    )
    job: dict = client.get(url).json()  # type: ignore[type-arg]
    assert job["status"] == "succeeded", job["error"]
    return job


def files(client: httpx.Client, job: dict) -> dict[str, str]:  # type: ignore[type-arg]
    """Hash of each file's bytes, and of what the server says they are."""
    for item in job["result"]["artifacts"]:
        content = client.get(item["url"]).content
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == item["sha256"]
    return {item["name"]: item["sha256"] for item in job["result"]["artifacts"]}


def kill_workers(stack: Serving) -> None:
    for process in stack.workers():
        process.send_signal(signal.SIGKILL)


def kill_at(stack: Serving, url: str, attempt: int, part: float) -> None:
    """Kill the workers when that attempt, the first is 1, has done so much of the job."""

    def there() -> bool:
        job = stack.client.get(url).json()
        assert job["status"] in ("queued", "running"), "it was over before it could be killed"
        return bool(job["attempts"] == attempt and part_done(stack.client, url) > part)

    wait_until(there, 120)
    kill_workers(stack)


def went_on(client: httpx.Client, job: dict) -> bool:  # type: ignore[type-arg]
    """Did the last attempt begin where one before had saved, and not at the beginning?"""
    events = heard(client, job, "0")
    starts = [
        i
        for i, event in enumerate(events)
        if event.kind == "state" and event.data["status"] == "running"
    ]
    first = next(event for event in events[starts[-1] :] if event.kind == "progress")
    return len(starts) == job["attempts"] and first.data["done"] > 0


@pytest.mark.parametrize("technique", LONG)
def test_killed_in_the_middle_it_ends_in_the_same_bytes(
    stack: Serving, coffee: bytes, technique: str
) -> None:
    straight = ended(stack.client, create(stack.client, technique, coffee))
    url = create(stack.client, technique, coffee)
    kill_at(stack, url, 1, 0.4)
    job = ended(stack.client, url)
    assert job["attempts"] == 2
    assert went_on(stack.client, job)
    assert files(stack.client, job) == files(stack.client, straight)
    assert job["result"]["summary"] == straight["result"]["summary"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("technique", LONG)
def test_killed_at_three_random_moments_of_its_life(
    stack: Serving, coffee: bytes, technique: str
) -> None:
    straight = ended(stack.client, create(stack.client, technique, coffee))
    draw = random.Random(technique)
    moments = sorted(draw.uniform(0.05, 0.85) for _ in range(KILLS))
    url = create(stack.client, technique, coffee)
    for attempt, part in enumerate(moments, 1):
        kill_at(stack, url, attempt, part)
    job = ended(stack.client, url)
    assert job["attempts"] == KILLS + 1
    assert went_on(stack.client, job)
    assert files(stack.client, job) == files(stack.client, straight)
    assert job["result"]["summary"] == straight["result"]["summary"]
