"""The story of a job, as README tells it."""

import io

import httpx
import numpy as np
from PIL import Image


def test_from_a_photograph_to_a_heatmap(client: httpx.Client, coffee: bytes) -> None:
    # Upload once; the id is the hash of the bytes.
    image = client.post("/v1/images", files={"image": coffee}).json()
    assert (image["width"], image["height"]) == (600, 400)

    # What does the model see at all?
    predicted = client.post(
        "/v1/models/efficientnet_lite0/predict", data={"image": image["id"]}
    ).json()
    best = predicted["result"]["summary"]["predictions"][0]
    assert best["label"] == "espresso" and best["probability"] > 0.9

    # Where does it see that? A job is accepted at once …
    created = client.post(
        "/v1/jobs/occlusion", data={"image": image["id"], "stride": "32", "seed": "1"}
    )
    assert created.status_code == 202
    job = created.json()
    assert job["params"]["window"] == 32 and job["params"]["seed"] == 1

    # … and polled until it has ended.
    while job["status"] in ("queued", "running"):
        job = client.get(created.headers["Location"], params={"wait": 10}).json()
    assert job["status"] == "succeeded", job["error"]
    assert job["result"]["summary"]["target"]["label"] == "espresso"
    assert job["provenance"]["weights"].startswith("sha256:")

    # The pictures lie on the photograph; the numbers are raw.
    files = {
        artifact["name"]: client.get(artifact["url"]).content
        for artifact in job["result"]["artifacts"]
    }
    assert Image.open(io.BytesIO(files["overlay.png"])).size == (600, 400)
    assert np.load(io.BytesIO(files["values.npy"])).shape == (224, 224)

    # Any neuron will do.
    neuron = {"image": image["id"], "target": "blocks.4.0.conv_pw:20@center"}
    job = client.post("/v1/jobs/saliency", json=neuron, headers={"Prefer": "wait=30"}).json()
    assert job["status"] == "succeeded", job["error"]
    assert job["result"]["summary"]["target"]["position"] == [7, 7]

    # What is not wanted any more is forgotten.
    assert client.delete(job["urls"]["self"]).status_code == 204
    assert client.get(job["urls"]["self"]).status_code == 404
