"""A job that failed is found in the logs of all processes by its id, with one command."""

import json
import subprocess

import httpx
from PIL import Image

from retinoscope.stack import Stack
from tests.service.asking import store_image
from tests.service.pictures import encoded
from tests.wait import wait_until


def lines_of(stack: Stack, text: str) -> list[dict]:
    """Return what the command of docs/operations.md finds."""
    logs = [str(path) for path in (stack.plan.data / "logs").glob("*.log")]
    found = subprocess.run(["grep", "-h", text, *logs], capture_output=True, text=True)
    return sorted(map(json.loads, found.stdout.splitlines()), key=lambda line: line["time"])


def test_a_job_that_failed_is_found_by_its_id(stack: Stack, client: httpx.Client) -> None:
    """The job fails because somebody deleted the file of its image."""
    image = store_image(client, encoded(Image.new("RGB", (40, 30), (1, 2, 3))))["id"]
    next(stack.plan.data.rglob(image.removeprefix("sha256:"))).unlink()
    posted = client.post(
        "/v1/jobs/predict", data={"image": image}, headers={"X-Request-ID": "ours-1"}
    )
    job = posted.json()
    # The first job of a stack waits until its worker has tested the model.
    wait_until(lambda: any("seconds" in line for line in lines_of(stack, job["id"])), 240)
    assert client.get(job["urls"]["self"]).json()["error"]["code"] == "input_gone"
    lines = lines_of(stack, job["id"])
    (accepted,) = [line for line in lines if line.get("status") == 202]
    assert (accepted["process"], accepted["path"]) == ("api", "/v1/jobs/predict")
    begins, failed, _ = [line for line in lines if line["process"] == "worker"]
    assert begins["message"] == "the attempt begins"
    assert (failed["level"], failed["code"]) == ("ERROR", "input_gone")
    assert "NotFound" in failed["traceback"]
    assert {line["request_id"] for line in (accepted, begins, failed)} == {"ours-1"}
    assert sum(line["level"] == "ERROR" for line in lines) == 1


def test_every_line_of_every_process_is_json(stack: Stack, client: httpx.Client) -> None:
    assert client.get("/healthz").status_code == 200
    logs = [path for path in (stack.plan.data / "logs").glob("*.log") if path.stem != "redis"]
    lines = [json.loads(line) for path in logs for line in path.read_text().splitlines()]
    assert {line["process"] for line in lines} >= {"api", "worker", "deliver"}
    assert not [line for line in lines if line["logger"] == "uvicorn.access"]
    assert all(line["time"] and line["level"] and line["message"] for line in lines)
