"""Fooling over HTTP: what is refused at once, and that the file fools the service that made it."""

import httpx
import pytest

from tests.service.asking import refused

JOB = "/v1/jobs/fooling"


@pytest.mark.usefixtures("nothing_queued")
def test_without_an_image(client: httpx.Client) -> None:
    problem = refused(
        client.post(JOB, json={"goal": "lion"}), 422, "image_missing", "-F image=@", "rubbish"
    )
    assert problem["errors"][0]["pointer"] == "/image"


@pytest.mark.usefixtures("nothing_queued")
def test_rubbish_with_an_image(client: httpx.Client, small: bytes) -> None:
    answer = client.post(JOB, files={"image": small}, data={"goal": "lion", "mode": "rubbish"})
    problem = refused(answer, 422, "invalid_parameters", "Leave out the image")
    assert problem["errors"][0]["pointer"] == "/image"


@pytest.mark.usefixtures("nothing_queued")
@pytest.mark.parametrize(
    ("asked", "code", "pointer"),
    [
        ({"goal": "lyon"}, "unknown_class", "/goal"),
        ({"goal": "1000"}, "unknown_class", "/goal"),
        ({"goal": ""}, "invalid_parameters", "/goal"),  # a field that a browser sends empty
        ({}, "invalid_parameters", "/goal"),
        ({"goal": "lion", "confidence": "1"}, "invalid_parameters", "/confidence"),
        ({"goal": "lion", "steps": "1"}, "invalid_parameters", "/steps"),
        ({"goal": "lion", "size": "5000"}, "invalid_parameters", "/size"),
        ({"goal": "lion", "norm": "l7"}, "invalid_parameters", "/norm"),
        ({"goal": "lion", "norm": "linf", "mode": "rubbish"}, "invalid_parameters", "/norm"),
        ({"goal": "lion", "start": "zero"}, "invalid_parameters", "/start"),
        ({"goal": "lion", "transfer_model": "resnet5"}, "invalid_parameters", "/transfer_model"),
        ({"goal": "lion", "model": "efficientnet_b7", "steps": "2000"}, "too_expensive", "/steps"),
    ],
)
def test_what_cannot_be_done(
    client: httpx.Client, small: bytes, asked: dict, code: str, pointer: str
) -> None:
    problem = refused(client.post(JOB, files={"image": small}, data=asked), 422, code)
    assert problem["errors"][0]["pointer"] == pointer


@pytest.mark.usefixtures("nothing_queued")
def test_an_empty_goal_in_json_is_no_class(client: httpx.Client) -> None:
    """JSON has null for what is absent."""
    problem = refused(
        client.post(JOB, json={"goal": "", "mode": "rubbish"}), 422, "unknown_class", "classes"
    )
    assert problem["errors"][0]["pointer"] == "/goal"


def test_the_file_fools_the_service_that_made_it(client: httpx.Client, coffee: bytes) -> None:
    asked = {
        "goal": "lion",
        "steps": "30",
        "size": "320",
        "transfer_model": "efficientnet_lite0",
        "seed": "1",
    }
    job = client.post(JOB, files={"image": coffee}, data=asked).json()
    while job["status"] in ("queued", "running"):
        job = client.get(f"/v1/jobs/{job['id']}", params={"wait": 60}).json()
    assert job["status"] == "succeeded", job["error"]
    summary = job["result"]["summary"]
    files = {file["name"]: client.get(file["url"]).content for file in job["result"]["artifacts"]}
    predict = "/v1/models/efficientnet_lite0/predict"
    seen = client.post(predict, files={"image": files["image.png"]}).json()["result"]["summary"][
        "predictions"
    ][0]
    assert summary["success"] is True
    assert (seen["label"], seen["index"]) == ("lion", 291)
    assert seen["probability"] == summary["after"]["goal_probability"]
    assert summary["transfer"]["after"] == summary["after"]
    began = client.post(predict, files={"image": files["start.png"]}).json()["result"]["summary"][
        "predictions"
    ][0]
    assert began["label"] == "espresso"
    assert began["probability"] == summary["before"]["predicted"]["probability"]
