"""`deadline_s` stands beside the parameters, in a form and as JSON, and workers respect it."""

import time
from datetime import datetime

import httpx
import pytest

from tests.service.asking import ended, queue, refused, store_image


def test_it_is_no_parameter_and_the_job_says_when(own: httpx.Client, small: bytes) -> None:
    stored = store_image(own, small)["id"]
    for job in (
        queue(own, "predict", small, deadline_s="90.5"),
        queue(own, "predict", stored, deadline_s=90.5),
    ):
        assert "deadline_s" not in job["params"]
        moments = [datetime.fromisoformat(job[name]) for name in ("created_at", "deadline_at")]
        assert (moments[1] - moments[0]).total_seconds() == 90.5
    assert queue(own, "predict", small)["deadline_at"] is None


@pytest.mark.parametrize("wrong", ["0", "0.5", "604801", "-1", "nan", "inf", "soon"])
def test_what_is_no_deadline_is_refused(
    own: httpx.Client, small: bytes, nothing_queued: None, wrong: str
) -> None:
    answer = own.post("/v1/jobs/predict", files={"image": small}, data={"deadline_s": wrong})
    assert refused(answer, 422, "invalid_parameters")["errors"][0]["pointer"] == "/deadline_s"


def test_a_running_job_is_stopped(client: httpx.Client, coffee: bytes) -> None:
    job = queue(client, "occlusion", coffee, window=32, stride=3, deadline_s=2)
    job = ended(client, job)
    assert (job["status"], job["error"]["code"], job["error"]["retryable"]) == (
        "failed",
        "deadline_exceeded",
        True,
    )
    late = datetime.fromisoformat(job["finished_at"]) - datetime.fromisoformat(job["deadline_at"])
    assert 0 <= late.total_seconds() < 30
    time.sleep(0.3)
    assert client.get(job["urls"]["self"]).json() == job


def test_one_that_ends_in_time_is_left_alone(client: httpx.Client, small: bytes) -> None:
    assert ended(client, queue(client, "predict", small, deadline_s=600))["status"] == "succeeded"
