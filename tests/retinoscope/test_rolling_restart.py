"""A rolling restart of all workers under load loses no job and repeats hardly a step."""

import signal

import httpx
import pytest

from tests.retinoscope.serving import Serving, serving
from tests.retinoscope.test_crashes import ended
from tests.service.listening import Heard, heard
from tests.wait import wait_until

pytestmark = pytest.mark.crash

# Technique → fields, and how many of what progress counts are one step.
LOAD: dict[str, tuple[dict[str, str], int]] = {
    "occlusion": ({"stride": "12", "window": "32"}, 16),
    "rise": ({"masks": "200"}, 16),
    "saliency": ({"samples": "80"}, 8),
    # The job still runs at the last stop, on the only worker that is up: the replacement of the
    # first one is still loading torch.
    "activation_maximization": ({"target": "class:967", "size": "64", "steps": "1000"}, 1),
}
STEPS_REPEATED = 2


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    with serving(tmp_path_factory.mktemp("rolling"), "--workers", "2") as stack:
        yield stack


def create(client: httpx.Client, technique: str, photo: bytes) -> dict:  # type: ignore[type-arg]
    files = None if technique == "activation_maximization" else {"image": photo}
    answer = client.post(
        f"/v1/jobs/{technique}", data=LOAD[technique][0] | {"seed": "5"}, files=files
    )
    assert answer.status_code == 202, answer.text
    return answer.json()  # type: ignore[no-any-return]


def parents(stack: Serving) -> dict[int, float]:
    """Pids of the Celery parents, and when they began."""
    every = stack.workers()
    return {
        process.pid: process.create_time() for process in every if process.parent() not in every
    }


def moves(client: httpx.Client, url: str) -> bool:
    """Is it in the middle?"""
    job = client.get(url).json()
    return (
        job["status"] == "running"
        and bool(job["progress"])
        and 0 < job["progress"]["done"] < job["progress"]["total"]
    )


def repeated(events: list[Heard]) -> list[int]:
    """By how much progress fell each time that the job went back to its queue."""
    falls, last, back = [], 0, False
    for event in events:
        if event.kind == "state" and event.data["status"] == "queued":
            back = last > 0
        elif event.kind == "progress":
            if back:
                falls.append(last - event.data["done"])
            last, back = event.data["done"], False
    return falls


def test_a_rolling_restart_loses_nothing_and_repeats_hardly_a_step(
    stack: Serving, coffee: bytes
) -> None:
    jobs = {technique: create(stack.client, technique, coffee) for technique in LOAD}
    urls = {technique: job["urls"]["self"] for technique, job in jobs.items()}
    wait_until(lambda: sum(moves(stack.client, url) for url in urls.values()) >= 2, 90)
    for pid, began in parents(stack).items():
        wait_until(lambda: any(moves(stack.client, url) for url in urls.values()), 90)
        stack_before = parents(stack)
        assert stack_before[pid] == began
        next(process for process in stack.workers() if process.pid == pid).send_signal(
            signal.SIGTERM
        )
        wait_until(lambda pid=pid: pid not in parents(stack) and len(parents(stack)) == 2, 60)
    found = {technique: ended(stack.client, url) for technique, url in urls.items()}
    assert {job["status"] for job in found.values()} == {"succeeded"}
    assert {job["attempts"] for job in found.values()} == {1}
    falls = {technique: repeated(heard(stack.client, job, "0")) for technique, job in jobs.items()}
    print("fell back by", falls)
    assert sum(map(len, falls.values())) >= 2, falls
    for technique, some in falls.items():
        assert all(fall <= STEPS_REPEATED * LOAD[technique][1] for fall in some), falls
