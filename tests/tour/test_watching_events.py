"""Watching a job: server-sent events tell its progress, its previews and its end as they happen."""

import io
import json
from collections.abc import Iterator
from typing import Any

import httpx
from PIL import Image

LONG = {"target": "class:espresso", "size": "96", "steps": "60", "cache": "false"}


def events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """Yield the events of a stream: blocks of `field: value` lines that an empty line ends."""
    fields: dict[str, Any] = {}
    for line in answer.iter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            event = {name: fields[name] for name in ("id", "event")}
            yield event | {"data": json.loads(fields["data"])}
            fields = {}


def test_events_arrive_while_a_job_runs_and_none_is_lost(client: httpx.Client) -> None:
    # Create a job that takes seconds: an image that the class "espresso" responds to most.
    job = client.post("/v1/jobs/activation_maximization", data=LONG).json()
    url, seen = job["urls"]["events"], []

    # Open its stream of events. `Last-Event-ID: 0` asks for every event since the beginning. A
    # client without that header gets the current state first, and then what follows.
    with client.stream("GET", url, headers={"Last-Event-ID": "0"}) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for event in events(answer):
            seen.append(event)
            if event["event"] == "preview":
                # A preview is the image so far, as a small JPEG. Only the latest one is kept.
                preview = client.get(event["data"]["url"])
                assert Image.open(io.BytesIO(preview.content)).format == "JPEG"
                break

    # The connection is gone in the middle of the job. Every event has an id: send the last one that
    # arrived, and the stream continues behind it. Browsers do this by themselves.
    with client.stream("GET", url, headers={"Last-Event-ID": seen[-1]["id"]}) as answer:
        seen += events(answer)

    # The server has closed the stream, since the job has ended. Read its events once more, in one
    # piece: the two halves are the whole, with nothing lost and nothing repeated.
    with client.stream("GET", url, headers={"Last-Event-ID": "0"}) as answer:
        assert list(events(answer)) == seen

    # State events name the status, and progress events the step and the loss at that step.
    states = [event["data"]["status"] for event in seen if event["event"] == "state"]
    progress = [event["data"] for event in seen if event["event"] == "progress"]
    assert states == ["queued", "running", "succeeded"]
    assert progress[-1]["done"] == progress[-1]["total"]
    assert {"message", "eta_s", "loss"} <= progress[-1].keys()

    # After the end there is no preview any more, because the artifacts are there.
    ended = client.get(job["urls"]["self"]).json()
    assert ended["preview"] is None and ended["result"]["artifacts"]
